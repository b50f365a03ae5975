"""How much an agent takes: memory and CPU of the real process under a school's full load, and whether its books close.

A gateway with 700 terminals that check in over kept-alive HTTP every 30 seconds, and 20 switches of 52 ports polled
over real UDP, sends over a real MQTT broker to a centre that receipts. The agent is a process of its own, started as
on a gateway (`bellwether agent run`); everything it talks to lives in other processes, so its figures are its own.
Rates are the real ones: nothing is accelerated.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import psutil
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge_agent.agent import SPOOL_FILE
from edge_agent.spool.inspection import inspect_spool
from ops.benchmarks.report import BenchResult, Figure, Progress, environment
from ops.embedded import EmbeddedMosquitto
from ops.embedded.mosquitto import CLOUD_USER
from ops.embedded.process import free_port
from protocols.codec import MSGPACK, decode_segment, decode_status, encode
from protocols.receipts import Outcome, Receipt, SegmentReceipt, Verdict, Welcome
from protocols.status import Presence
from protocols.topics import SEGMENTS_FILTER, STATUS_FILTER, DownChannel, down_topic

AGENT = "s07-gw"
RSS_LIMIT_BYTES = 70_000_000
CPU_LIMIT_RATIO = 0.03
CHECKIN_SECONDS = 30.0
POLL_SECONDS = 60.0
WARM_UP_SECONDS = 45.0
"""Imports, first contacts, and the first poll of every switch, which reads its tables, are not the steady state."""
CREDIT = 16
START_SECONDS = 120.0
STOP_SECONDS = 60.0
"""How long to wait for a start or a stop before the run is given up: limits for a busy machine, judged by nobody."""


@dataclass(frozen=True, slots=True)
class AgentFigures:
    """What was measured. CPU is process seconds per wall second (1.0 is one core) in the steady part."""

    seconds: float
    terminals: int
    switches: int
    ports: int
    checkins: int
    checkins_failed: int
    rss_bytes: int
    rss_peak_bytes: int
    cpu_ratio: float
    cpu_start_seconds: float
    items: int
    segments: int
    lost: int
    duplicated: int
    exit_code: int
    stop_seconds: float


@dataclass(slots=True)
class Receiving:
    """A centre that welcomes, remembers identities, and receipts: the least that a real agent works against."""

    host: str
    port: int
    items: int = 0
    repeated: int = 0
    identities: set[tuple[str, int]] = field(default_factory=set)
    event_ids: set[str] = field(default_factory=set)
    record_ids: set[str] = field(default_factory=set)
    twice: int = 0
    _client: Client = field(init=False)
    _ready: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Connect and subscribe; runs in a thread of its own."""
        client = Client(CallbackAPIVersion.VERSION2, client_id="bench-centre", protocol=MQTTProtocolVersion.MQTTv5)
        client.username_pw_set(CLOUD_USER)
        client.on_connect = self._subscribe
        client.on_subscribe = self._subscribed
        client.on_message = self._take
        self._client = client
        client.connect(self.host, self.port)
        client.loop_start()
        if not self._ready.wait(START_SECONDS):
            raise RuntimeError("the benchmark's centre could not subscribe")

    def stop(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, client: Client, *_: Any) -> None:
        client.subscribe([(one, SubscribeOptions(qos=1)) for one in (SEGMENTS_FILTER, STATUS_FILTER)])

    def _subscribed(self, *_: Any) -> None:
        self._ready.set()

    def _take(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        now_ms = time.time_ns() // 1_000_000
        if "/up/" not in message.topic:
            status = decode_status(bytes(message.payload))
            if status.presence is Presence.ONLINE:
                self._answer(
                    Welcome(
                        agent=status.agent,
                        session=status.session,
                        verdict=Verdict.ACCEPTED,
                        cloud_time_ms=now_ms,
                        credit=CREDIT,
                    )
                )
            return
        segment = decode_segment(bytes(message.payload))
        identity = (segment.epoch, segment.seq)
        outcome = Outcome.DUPLICATE if identity in self.identities else Outcome.STORED
        if outcome is Outcome.DUPLICATE:
            self.repeated += 1
        else:
            self.identities.add(identity)
            self.items += segment.items
            for event in segment.events:
                self.twice += event.event_id in self.event_ids
                self.event_ids.add(event.event_id)
            for record in segment.records:
                self.twice += record.record_id in self.record_ids
                self.record_ids.add(record.record_id)
        receipt = SegmentReceipt(epoch=segment.epoch, seq=segment.seq, outcome=outcome)
        self._answer(Receipt(agent=segment.agent, cloud_time_ms=now_ms, credit=CREDIT, segments=[receipt]))

    def _answer(self, answer: Receipt | Welcome) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = MSGPACK
        self._client.publish(down_topic(AGENT, DownChannel.RECEIPT), encode(answer), qos=1, properties=properties)


def run(progress: Progress) -> BenchResult:
    """Measure; about three minutes, because the rates are the real ones.

    The limits are the design's budgets. `ratio_to_limit` is how much room is left in the tighter one: 1 or more keeps
    both.
    """
    where = environment()
    found = measure_agent(say=progress)
    figures: dict[str, Figure] = {field.name: getattr(found, field.name) for field in fields(found)}
    return BenchResult(
        name="agent",
        figures=figures,
        limit={"rss_peak_bytes": RSS_LIMIT_BYTES, "cpu_ratio": CPU_LIMIT_RATIO},
        ratio_to_limit=round(min(RSS_LIMIT_BYTES / found.rss_peak_bytes, CPU_LIMIT_RATIO / found.cpu_ratio), 3),
        lost=found.lost,
        duplicated=found.duplicated,
        environment=where,
        budget=f"<= {RSS_LIMIT_BYTES / 1e6:.0f} MB, <= {CPU_LIMIT_RATIO:.0%} of one core",
        rss_bytes=found.rss_peak_bytes,
        cpu_ratio=found.cpu_ratio,
    )


def measure_agent(
    *,
    seconds: float = 120.0,
    warm_up_seconds: float = WARM_UP_SECONDS,
    terminals: int = 700,
    switches: int = 20,
    ports: int = 52,
    say: Progress = lambda _text: None,
    agent_output: Path | None = None,
) -> AgentFigures:
    """Run an agent under load for `seconds` after its warm-up and return what it took."""
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-", ignore_cleanup_errors=True) as text:
        folder = Path(text)
        folder.chmod(0o755)  # the broker may run as another user below it
        with EmbeddedMosquitto(folder / "broker") as broker, _Switches(switches, ports) as polled:
            centre = Receiving(broker.host, broker.port)
            centre.start()
            try:
                bench = _Bench(folder, broker.port, polled.udp_ports, centre, say, agent_output, warm_up_seconds)
                return asyncio.run(bench.run(seconds, terminals, switches, ports))
            finally:
                centre.stop()


class _Switches:
    def __init__(self, switches: int, ports: int) -> None:
        self._command = [sys.executable, "-m", "ops.benchmarks.snmp_switches", str(switches), str(ports)]
        self.udp_ports: list[int] = []

    def __enter__(self) -> _Switches:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.udp_ports = [int(word) for word in self._process.stdout.readline().split()]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


@dataclass(slots=True)
class _Bench:
    folder: Path
    broker_port: int
    udp_ports: list[int]
    centre: Receiving
    say: Progress
    agent_output: Path | None
    warm_up_seconds: float
    checkins: int = 0
    checkins_failed: int = 0

    async def run(self, seconds: float, terminals: int, switches: int, ports: int) -> AgentFigures:
        lan_port = free_port()
        config = self.folder / "agent.toml"
        config.write_text(self._config(lan_port), encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        command = [sys.executable, "-m", "ops.cli.main", "agent", "run", "--config", str(config)]
        with (self.agent_output or self.folder / "agent.log").open("wb") as output:
            agent = subprocess.Popen(command, stdout=output, stderr=output, env=environment)  # noqa: ASYNC220
            try:
                return await self._load(agent, lan_port, seconds, terminals, switches, ports)
            finally:
                agent.kill()
                agent.wait()

    async def _load(
        self, agent: subprocess.Popen[bytes], lan_port: int, seconds: float, terminals: int, switches: int, ports: int
    ) -> AgentFigures:
        process = psutil.Process(agent.pid)
        await listening(lan_port, agent)
        self.say(f"agent {agent.pid} runs; {terminals} terminals check in, {switches} switches of {ports} ports")
        spread = [
            asyncio.create_task(self._terminal(number, lan_port, number / terminals * CHECKIN_SECONDS))
            for number in range(terminals)
        ]
        await asyncio.sleep(self.warm_up_seconds)
        warm, began = sum(process.cpu_times()[:2]), time.monotonic()
        peak = 0
        resident: list[int] = []
        while (passed := time.monotonic() - began) < seconds:
            resident.append(process.memory_info().rss)
            peak = max(peak, resident[-1])
            if len(resident) % 15 == 0:
                used = (sum(process.cpu_times()[:2]) - warm) / passed if passed else 0.0
                self.say(
                    f"{passed:.0f} s: {resident[-1] / 1e6:.1f} MB, {used:.2%} of a core, {self.centre.items} items"
                )
            await asyncio.sleep(1)
        cpu_ratio = (sum(process.cpu_times()[:2]) - warm) / (time.monotonic() - began)
        for task in spread:
            task.cancel()
        await asyncio.gather(*spread, return_exceptions=True)
        stopping = time.monotonic()
        agent.send_signal(signal.SIGTERM)
        exit_code = await asyncio.to_thread(agent.wait, STOP_SECONDS)
        stop_seconds = time.monotonic() - stopping
        spool = inspect_spool(self.folder / "data" / SPOOL_FILE)
        books = [one.books for one in spool.epochs]
        produced = sum(one.produced_items for one in books)
        accounted = sum(one.held_items + one.thinned_items + one.damaged_items + one.rejected_items for one in books)
        return AgentFigures(
            seconds=seconds,
            terminals=terminals,
            switches=switches,
            ports=ports,
            checkins=self.checkins,
            checkins_failed=self.checkins_failed,
            rss_bytes=resident[-1],
            rss_peak_bytes=peak,
            cpu_ratio=round(cpu_ratio, 5),
            cpu_start_seconds=round(warm, 2),
            items=self.centre.items,
            segments=len(self.centre.identities),
            lost=produced - accounted - self.centre.items,
            duplicated=self.centre.twice,
            exit_code=exit_code,
            stop_seconds=round(stop_seconds, 2),
        )

    async def _terminal(self, number: int, port: int, phase_seconds: float) -> None:
        body = (
            f'{{"battery_ratio":{0.3 + number % 60 / 100},"charging":false,'
            f'"storage_free_bytes":{9_000_000_000 + number},'
            f'"wifi_rssi_dbm":{-50 - number % 20},"app_version":"3.2.1","content_token":"c-17"}}'
        ).encode()
        path = f"/v1/terminals/s07-t{number:04}/checkin"
        head = f"POST {path} HTTP/1.1\r\nhost: agent\r\ncontent-length: {len(body)}\r\n\r\n"
        due = asyncio.get_running_loop().time() + phase_seconds
        reader: asyncio.StreamReader | None = None
        async with AsyncExitStack() as opened:
            while True:
                await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
                due += CHECKIN_SECONDS
                try:
                    if reader is None:
                        reader, writer = await asyncio.open_connection("127.0.0.1", port)
                        opened.push_async_callback(_close, writer)
                    writer.write(head.encode() + body)
                    answered = (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
                except (OSError, asyncio.IncompleteReadError):
                    answered, reader = False, None
                self.checkins += 1
                self.checkins_failed += not answered

    def _config(self, lan_port: int) -> str:
        devices = "".join(
            f'[[devices]]\nid = "s07-sw{number:02}"\naddress = "127.0.0.1"\nudp_port = {udp_port}\n'
            f'community = "public"\ninterval_seconds = {POLL_SECONDS:g}\n'
            for number, udp_port in enumerate(self.udp_ports, start=1)
        )
        return (
            f'[agent]\nid = "{AGENT}"\nrole = "gateway"\ndata_dir = "data"\n'
            f'[uplink]\nhost = "127.0.0.1"\nport = {self.broker_port}\n'
            f'[lan]\nlisten = "127.0.0.1:{lan_port}"\nmdns = false\n{devices}'
            '[[links]]\nid = "s07-wan"\nvantage = "school"\ndevice = "s07-sw01"\nport = "GigabitEthernet0/0/1"\n'
            'probe_address = "127.0.0.1"\n'
        )


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def listening(port: int, agent: subprocess.Popen[bytes]) -> None:
    """Return when a program listens on a loopback port; raise RuntimeError when it ends or takes too long."""
    for _ in range(int(START_SECONDS * 10)):
        if agent.poll() is not None:
            raise RuntimeError(f"the agent ended with exit code {agent.returncode} before it listened")
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            await _close(writer)
            return
    raise RuntimeError(f"the agent did not listen within {START_SECONDS:g} s")
