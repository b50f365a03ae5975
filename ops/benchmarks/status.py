"""From evidence at the centre to the change on an open stream, in a whole district.

The core agent's segments, each with fresh values of all 43 links, are published to a real Mosquitto; one ingest worker
stores them, the API's evaluator judges them, and a browser's stream waits for the link's row. In each round one link
dies and comes back; the clock of a round runs from the publish of the segment that says it is dead, so it holds
broker, ingest, confirmation by a second look and the stream's own pace. The limit is the budget. A change that does
not come in `PATIENCE_SECONDS` is lost; one that says another link than the one that died is counted as duplicated.
"""

from __future__ import annotations

import http.client
import json
import queue
import statistics
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from cloud.process import configure_logging
from ops.benchmarks.centre_processes import api_process, ingest_process
from ops.benchmarks.report import BenchResult, Progress, environment
from ops.benchmarks.whole_district import load, p95
from ops.embedded import EmbeddedMosquitto, EmbeddedPostgres
from ops.simulator.district import CORE_AGENT, SCHOOLS
from protocols.blocks import pack
from protocols.codec import MSGPACK, encode
from protocols.samples import LinkSample, Vantage
from protocols.segments import Books, Segment
from protocols.topics import Lane, segment_topic

ROUNDS = 20
BUDGET_SECONDS = 2.0
PATIENCE_SECONDS = 20.0
LINKS = [f"s{number:02d}-wan" for number in range(1, SCHOOLS + 1)]
_EVERYONE_LIVES = "UPDATE agent_presence SET last_heartbeat_at = now()"


class _Core:
    """The core agent's connection: what it says of every link, as one segment."""

    def __init__(self, broker: EmbeddedMosquitto) -> None:
        self._seq = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"{CORE_AGENT}.bench", protocol=mqtt.MQTTv5)
        self._client.username_pw_set(CORE_AGENT)
        self._client.connect(broker.host, broker.port, clean_start=True)
        self._client.loop_start()

    def say(self, dead: str | None) -> float:
        """Publish the links' values, one of them dead; return the moment (`perf_counter`)."""
        self._seq += 1
        now_ms = time.time_ns() // 1_000_000
        samples = [
            LinkSample(
                thing=link,
                observed_at_ms=now_ms,
                monotonic_ms=now_ms % 10**9,
                vantage=Vantage.CENTRE,
                oper_up=link != dead,
                in_bps=400_000_000,
                out_bps=30_000_000,
                loss_ratio=1.0 if link == dead else 0.0,
                rtt_seconds=None if link == dead else 0.003,
            )
            for link in LINKS
        ]
        segment = Segment(
            agent=CORE_AGENT,
            epoch="00000000000000bb",
            seq=self._seq,
            low=self._seq,
            boot="bench",
            sealed_at_ms=now_ms,
            sealed_monotonic_ms=now_ms % 10**9,
            books=Books(produced_items=self._seq * len(samples), held_items=len(samples)),
            blocks=pack(samples),
        )
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = MSGPACK
        payload = encode(segment)
        at = time.perf_counter()
        self._client.publish(segment_topic(CORE_AGENT, Lane.LIVE), payload, qos=1, properties=properties)
        return at

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class _Browser:
    """An open stream; every status of a link that it is told, with the moment."""

    def __init__(self, port: int) -> None:
        self.told: queue.Queue[tuple[str, str, float]] = queue.Queue()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        threading.Thread(target=self._listen, name="browser", daemon=True).start()

    def _listen(self) -> None:
        self._connection.request("GET", "/api/v1/stream")
        event = ""
        for line in self._connection.getresponse():
            if line.startswith(b"event: "):
                event = line[7:].strip().decode()
            elif line.startswith(b"data: ") and event == "link":
                at = time.perf_counter()
                for row in json.loads(line[6:])["items"]:
                    self.told.put((row["link"], row["status"], at))

    def sees(self, link: str, status: str) -> tuple[float | None, int]:
        """Wait until the link has that status; return the moment, None if it never came, and how many others fell."""
        deadline, others = time.perf_counter() + PATIENCE_SECONDS, 0
        while (left := deadline - time.perf_counter()) > 0:
            try:
                which, now_is, at = self.told.get(timeout=left)
            except queue.Empty:
                break
            if which == link and now_is == status:
                return at, others
            others += which != link and now_is == "down"
        return None, others


def run(progress: Progress) -> BenchResult:
    """Load the district, let links die one after the other, and time each on the stream."""
    where = environment()
    configure_logging("WARNING")
    delays: list[float] = []
    lost = wrong = 0
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bellwether-bench-")))
        home.chmod(0o711)
        progress("starting PostgreSQL and Mosquitto")
        postgres = stack.enter_context(EmbeddedPostgres(home / "postgres"))
        broker = stack.enter_context(EmbeddedMosquitto(home))
        load(postgres.dsn, home / "district", progress)
        connection = stack.enter_context(psycopg.connect(postgres.dsn, autocommit=True))
        stack.enter_context(ingest_process(home, postgres.dsn, broker))
        api = stack.enter_context(api_process(postgres.dsn, home))
        core = _Core(broker)
        stack.callback(core.close)
        browser = _Browser(api.port)
        core.say(None)
        browser.sees(LINKS[0], "up")
        progress(f"{ROUNDS} links die one after the other")
        for link in LINKS[:ROUNDS]:
            connection.execute(_EVERYONE_LIVES)
            began = core.say(link)
            at, others = browser.sees(link, "down")
            wrong += others
            if at is None:
                lost += 1
            else:
                delays.append(at - began)
            core.say(None)
            browser.sees(link, "up")
    p95_seconds = round(p95(delays), 3) if delays else PATIENCE_SECONDS
    return BenchResult(
        name="status",
        figures={
            "p50_seconds": round(statistics.median(delays), 3) if delays else None,
            "p95_seconds": p95_seconds,
            "slowest_seconds": round(max(delays), 3) if delays else None,
            "rounds": ROUNDS,
        },
        limit={"p95_seconds": BUDGET_SECONDS},
        ratio_to_limit=round(BUDGET_SECONDS / p95_seconds, 3),
        lost=lost,
        duplicated=wrong,
        environment=where,
        budget=f"p95 <= {BUDGET_SECONDS:g} s from the evidence at the centre to the open stream",
        p95_seconds=p95_seconds,
    )
