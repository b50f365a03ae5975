"""Ingest from MQTT to receipt, against raw COPY of the same rows into the same tables.

Ours: terminal samples, sealed beforehand into segments of `ROWS_PER_SEGMENT` rows as gateways send them after an
outage, are published by `AGENTS` connections within their credit through a real Mosquitto. One ingest process decodes,
dedupes, stores, keeps current values and ledger, and receipts. The clock runs from the first publish to the last
receipt. The limit: the very same rows, ready as tuples, by binary COPY into the same emptied table with the same
indexes. The two take turns in one run; the ratio is the median of the rounds.

Lost and duplicated are counted in the tables after every round.
"""

from __future__ import annotations

import secrets
import statistics
import tempfile
import threading
import time
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from psycopg.sql import SQL, Identifier

from cloud.db import migrate
from cloud.process import configure_logging
from cloud.telemetry.tables import TABLES
from ops.benchmarks.centre_processes import ingest_process
from ops.benchmarks.report import BenchResult, Progress, environment
from ops.embedded import EmbeddedMosquitto, EmbeddedPostgres
from protocols.blocks import pack
from protocols.codec import MSGPACK, decode_down, encode
from protocols.receipts import Receipt
from protocols.samples import Kind, TerminalSample
from protocols.segments import Books, Segment
from protocols.topics import DownChannel, Lane, down_topic, segment_topic

AGENTS = 8
TERMINALS_PER_AGENT = 680
ROWS_PER_SEGMENT = 500
SEGMENTS_PER_AGENT = 160
"""Long enough that the last batch's wait for more rows does not count for much."""
ROUNDS = 5
ROWS_PER_COPY = 20_000
"""As many as a batch of ingest holds."""
DISTRICT_ROWS_PER_SECOND = 29_269 / 300
"""The district's own load: every terminal once in five minutes."""

TABLE = TABLES[Kind.TERMINAL]
POSTGRES_EPOCH_MS = 946_684_800_000
RECEIPT_TIMEOUT_SECONDS = 120.0


@dataclass
class _Agent:
    """One connection that keeps its credit in flight, as an agent's uplink does."""

    name: str
    waiting: deque[bytes] = field(default_factory=deque)
    in_flight: int = 0
    credit: int = 16
    confirmed: int = 0
    client: Any = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    done: threading.Event = field(default_factory=threading.Event)
    expected: int = 0

    def connect(self, host: str, port: int) -> None:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"{self.name}.bench", protocol=mqtt.MQTTv5)
        client.username_pw_set(self.name)
        client.max_inflight_messages_set(100)
        subscribed = threading.Event()
        client.on_message = self._received
        client.on_subscribe = lambda *_: subscribed.set()
        client.connect(host, port, clean_start=True)
        client.loop_start()
        client.subscribe(down_topic(self.name, DownChannel.RECEIPT), qos=1)
        if not subscribed.wait(10):
            raise RuntimeError(f"{self.name} was not subscribed within 10 s")
        self.client = client

    def send(self, payloads: list[bytes]) -> None:
        with self.lock:
            self.waiting.extend(payloads)
            self.expected, self.confirmed = len(payloads), 0
            self.done.clear()
            self._fill()

    def _fill(self) -> None:
        while self.waiting and self.in_flight < self.credit:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.ContentType = MSGPACK
            self.in_flight += 1
            self.client.publish(
                segment_topic(self.name, Lane.BACKLOG), self.waiting.popleft(), qos=1, properties=properties
            )

    def _received(self, _c: Any, _u: Any, message: Any) -> None:
        down = decode_down(message.payload, MSGPACK)
        if not isinstance(down, Receipt):
            return
        with self.lock:
            self.credit = down.credit
            self.in_flight -= len(down.segments)
            self.confirmed += len(down.segments)
            self._fill()
            if self.confirmed >= self.expected:
                self.done.set()


@dataclass
class _Round:
    payloads: dict[str, list[bytes]]
    tuples: list[tuple[Any, ...]]


def run(progress: Progress) -> BenchResult:
    """Measure and return the result."""
    where = environment()
    configure_logging("WARNING")
    names = [f"bench-{number}" for number in range(AGENTS)]
    total = AGENTS * SEGMENTS_PER_AGENT * ROWS_PER_SEGMENT
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as folder, ExitStack() as stack:
        home = Path(folder)
        home.chmod(0o711)
        progress("starting PostgreSQL, Mosquitto and one ingest process")
        postgres = stack.enter_context(EmbeddedPostgres(home))
        broker = stack.enter_context(EmbeddedMosquitto(home))
        migrate(postgres.dsn)
        connection = stack.enter_context(psycopg.connect(postgres.dsn, autocommit=True))
        _register(connection, names)
        stack.enter_context(ingest_process(home, postgres.dsn, broker))
        agents = [_Agent(name) for name in names]
        for agent in agents:
            agent.connect(broker.host, broker.port)
            stack.callback(agent.client.loop_stop)
            stack.callback(agent.client.disconnect)
        _warm_up(agents)
        ours: list[float] = []
        limits: list[float] = []
        lost = duplicated = 0
        for number in range(1, ROUNDS + 1):
            work = _prepare(names, number)
            limits.append(_measure_copy(connection, work.tuples))
            ours.append(_measure_ingest(connection, agents, work.payloads))
            stored = _count(connection)
            lost += max(0, total - stored)
            duplicated += max(0, stored - total)
            progress(
                f"round {number}: {total / ours[-1]:,.0f} rows/s through ingest, {total / limits[-1]:,.0f} by COPY,"
                f" ratio {limits[-1] / ours[-1]:.2f}"
            )
    rate = total / statistics.median(ours)
    return BenchResult(
        name="ingest",
        figures={
            "rows_per_second": round(rate),
            "segments_per_second": round(rate / ROWS_PER_SEGMENT),
            "rows_per_round": total,
            "rounds": ROUNDS,
            "times_the_districts_load": round(rate / DISTRICT_ROWS_PER_SECOND),
        },
        limit={
            "name": "binary COPY of the same rows into the same table",
            "rows_per_second": round(total / statistics.median(limits)),
        },
        ratio_to_limit=round(statistics.median(limit / own for limit, own in zip(limits, ours, strict=True)), 3),
        lost=lost,
        duplicated=duplicated,
        environment=where,
        budget="ratio at least 0.7; at least 100 times the district's own load",
    )


def _register(connection: psycopg.Connection, names: list[str]) -> None:
    connection.execute(
        "INSERT INTO schools (school, position, name, name_en, stage) VALUES ('bench', 1, 'bench', 'bench', 'primary')"
    )
    for position, name in enumerate(names, start=1):
        connection.execute(
            "INSERT INTO agents (agent, position, role, school) VALUES (%s, %s, 'gateway', 'bench')", [name, position]
        )


def _warm_up(agents: list[_Agent]) -> None:
    """Send each agent's first segment until it is receipted: the worker is up and knows every thing."""
    epoch = secrets.token_hex(8)
    for agent in agents:
        samples = _samples(agent.name, time.time_ns() // 1_000_000 - 3_600_000, TERMINALS_PER_AGENT)
        payload = encode(_segment(agent.name, epoch, 1, samples))
        deadline = time.monotonic() + RECEIPT_TIMEOUT_SECONDS
        agent.send([payload])
        while not agent.done.wait(1.0):
            if time.monotonic() > deadline:
                raise RuntimeError("the ingest process does not answer")
            agent.client.publish(segment_topic(agent.name, Lane.BACKLOG), payload, qos=1)
        agent.in_flight = 0


def _prepare(names: list[str], number: int) -> _Round:
    """Make the segments of one round, and the rows they hold as COPY wants them; nothing of it is on the clock."""
    things = {f"{name}-t{index:04d}": 1 + index for name in names for index in range(TERMINALS_PER_AGENT)}
    agent_ids = {name: position for position, name in enumerate(names, start=1)}
    epoch = secrets.token_hex(8)
    start_ms = time.time_ns() // 1_000_000 - 86_400_000 + number * 3_600_000
    metrics = [column.name for column in TABLE.metrics]
    payloads: dict[str, list[bytes]] = {name: [] for name in names}
    tuples: list[tuple[Any, ...]] = []
    for seq in range(1, SEGMENTS_PER_AGENT + 1):
        for name in names:
            samples = _samples(name, start_ms + seq * 30_000, ROWS_PER_SEGMENT, offset=seq * ROWS_PER_SEGMENT)
            payloads[name].append(encode(_segment(name, epoch, seq, samples)))
            for sample in samples:
                at = (sample.observed_at_ms - POSTGRES_EPOCH_MS) * 1000
                values = [getattr(sample, metric) for metric in metrics]
                tuples.append((things[sample.thing], agent_ids[name], at, at, 0, *values))
    return _Round(payloads, tuples)


def _samples(name: str, at_ms: int, count: int, offset: int = 0) -> list[TerminalSample]:
    return [
        TerminalSample(
            thing=f"{name}-t{(offset + index) % TERMINALS_PER_AGENT:04d}",
            observed_at_ms=at_ms + index * 20,
            monotonic_ms=at_ms % 10**9 + index * 20,
            present=index % 17 != 0,
            battery_ratio=round(0.2 + (offset + index) % 80 / 100, 2),
            charging=index % 5 == 0,
            storage_free_bytes=8_000_000_000 + index * 4_096,
            wifi_rssi_dbm=-40.0 - index % 40,
            app_version="3.4.1",
            content_token="b7c1d2",
        )
        for index in range(count)
    ]


def _segment(name: str, epoch: str, seq: int, samples: list[TerminalSample]) -> Segment:
    return Segment(
        agent=name,
        epoch=epoch,
        seq=seq,
        low=1,
        boot="bench",
        sealed_at_ms=samples[-1].observed_at_ms,
        sealed_monotonic_ms=samples[-1].monotonic_ms,
        books=Books(produced_items=seq * len(samples), held_items=seq * len(samples)),
        blocks=pack(samples),
    )


def _measure_copy(connection: psycopg.Connection, tuples: list[tuple[Any, ...]]) -> float:
    _empty(connection)
    columns = ["thing_id", "agent_id", "observed_at", "corrected_at", "resolution_seconds"]
    columns += [column.name for column in TABLE.metrics]
    statement = SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(
        Identifier(TABLE.samples), SQL(", ").join(map(Identifier, columns))
    )
    types = ["int4", "int4", "int8", "int8", "int2", *(column.copy_type for column in TABLE.metrics)]
    started = time.perf_counter()
    for start in range(0, len(tuples), ROWS_PER_COPY):
        with connection.transaction(), connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(types)
            for row in tuples[start : start + ROWS_PER_COPY]:
                copy.write_row(row)
    return time.perf_counter() - started


def _measure_ingest(connection: psycopg.Connection, agents: list[_Agent], payloads: dict[str, list[bytes]]) -> float:
    _empty(connection)
    started = time.perf_counter()
    for agent in agents:
        agent.send(payloads[agent.name])
    for agent in agents:
        if not agent.done.wait(RECEIPT_TIMEOUT_SECONDS):
            raise RuntimeError(f"{agent.name}: {agent.confirmed} of {agent.expected} segments were receipted")
    return time.perf_counter() - started


def _empty(connection: psycopg.Connection) -> None:
    connection.execute(SQL("TRUNCATE {}").format(Identifier(TABLE.samples)))
    connection.execute("CHECKPOINT")


def _count(connection: psycopg.Connection) -> int:
    row = connection.execute(SQL("SELECT count(*) FROM {}").format(Identifier(TABLE.samples))).fetchone()
    return int(row[0]) if row is not None else 0
