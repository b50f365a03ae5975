"""The return of a whole district, measured: 43 schools come back in the same second, each with hours of backlog.

Real spools, agents, lines, broker, ingest and database; only the past is made up. Each gateway carries its school's
whole load (link, ports, every terminal), sealed every five seconds as in service; the clock of those hours is a made-up
boot of the machine, so making them takes seconds. Then all lines heal at once and two things are watched: how old
the centre's newest live sample of each school is, and how fast the backlog goes. Figures, not verdicts.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
from msgspec import Struct

from edge_agent.agent import SPOOL_FILE, Agent
from edge_agent.clock import SystemClock
from edge_agent.config import AgentConfig, AgentSection, HostSection, SpoolSection, UplinkSection
from edge_agent.jobs import Drivers
from edge_agent.spool import Spool
from ops.demo.centre import DemoFailed
from ops.demo.child import Child
from ops.demo.home import Home
from ops.embedded import EmbeddedMosquitto, EmbeddedPostgres
from ops.embedded.mosquitto import CLOUD_USER
from ops.faults.line import LineProxy
from ops.simulator.district import generate
from ops.simulator.district_folder import write
from ops.simulator.records import District
from ops.simulator.traffic import unit
from protocols.samples import LinkSample, PortSample, Sample, TerminalSample, Vantage
from protocols.status import Role

SEAL_SECONDS = 5
PORT_SECONDS = 60
TERMINAL_SECONDS = 300
LINK_SECONDS = 10
LIVE_AGE_SECONDS = 10.0
GIVE_UP_SECONDS = 1_800.0
PAST_MONOTONIC_MS = 10_000_000


class ReturnFigures(Struct, frozen=True, kw_only=True):
    """What a district's return looked like."""

    schools: int
    offline_hours: float
    backlog_items: int
    backlog_segments: int
    made_items_per_second: float
    drained_seconds: float
    drained_items_per_second: float
    times_faster_than_made: float
    all_live_after_seconds: float
    live_age_worst_seconds: float
    """Worst age of any school's newest live sample, from the moment all were live until the backlog was gone."""
    live_age_median_seconds: float
    lost: int
    duplicated: int


class PastClock:
    """A clock of hours gone by, moved by hand; its boot is none that is running."""

    boot = "simulated-past"

    def __init__(self, wall_ms: int) -> None:
        self._wall_ms = wall_ms
        self._passed_ms = 0

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self._passed_ms += int(seconds * 1000)

    def wall_ms(self) -> int:
        """Milliseconds since 1970 at that time."""
        return self._wall_ms + self._passed_ms

    def monotonic_ms(self) -> int:
        """Milliseconds since the made-up boot."""
        return PAST_MONOTONIC_MS + self._passed_ms


class ReturnMeasurement:
    """One measurement in a home of its own."""

    def __init__(self, folder: Path, hours: float, say: Callable[[str], None]) -> None:
        self._home = Home(folder)
        self._hours = hours
        self._say = say
        self._district = generate()
        self._database = EmbeddedPostgres(folder)
        self._broker = EmbeddedMosquitto(folder)
        self._lines: dict[str, LineProxy] = {}
        self._agents: dict[str, Agent] = {}

    async def run(self) -> ReturnFigures:
        """Make the past, let everybody come back, watch."""
        self._home.claim()
        with (
            ThreadPoolExecutor(4, thread_name_prefix="spool") as disk,
            ThreadPoolExecutor(8, thread_name_prefix="connect") as connector,
        ):
            ingest = await self._start_centre()
            try:
                self._say(f"making {self._hours:g} hours of backlog in {len(self._district.schools)} spools")
                await asyncio.gather(*(self._make_past(school.school, disk) for school in self._district.schools))
                await self._start_agents(disk, connector)
                return await self._watch()
            finally:
                await asyncio.gather(*(agent.stop() for agent in self._agents.values()))
                await asyncio.gather(*(line.stop() for line in self._lines.values()))
                await ingest.stop()
                await asyncio.to_thread(self._broker.stop)
                await asyncio.to_thread(self._database.stop)
                self._home.release()

    async def _start_centre(self) -> Child:
        self._say("starting a private PostgreSQL, a private broker and an ingest worker")
        await asyncio.to_thread(self._database.start)
        await asyncio.to_thread(self._broker.start)
        environment = {
            "BELLWETHER_DSN": self._database.dsn,
            "BELLWETHER_BROKER_HOST": self._broker.host,
            "BELLWETHER_BROKER_PORT": str(self._broker.port),
            "BELLWETHER_BROKER_USERNAME": CLOUD_USER,
        }
        write(self._district, self._home.district)
        for arguments in (("cloud", "migrate"), ("inventory", "import", str(self._home.district))):
            command = Child(self._home, arguments[0], arguments, environment=environment)
            await command.start()
            await command.ended()
            if command.exit_code != 0:
                raise DemoFailed(f"`bellwether {' '.join(arguments)}` failed:\n{command.last_words()}")
        ingest = Child(self._home, "ingest", ("cloud", "ingest"), environment=environment)
        await ingest.start()
        return ingest

    async def _make_past(self, school: str, disk: ThreadPoolExecutor) -> None:
        agent = f"{school}-gw"
        clock = PastClock(time.time_ns() // 1_000_000 - int(self._hours * 3_600_000))
        spool = Spool(self._home.agents / agent / SPOOL_FILE, agent=agent, clock=clock, executor=disk)
        (self._home.agents / agent).mkdir(parents=True, exist_ok=True)
        await spool.start()
        make = SchoolPast(self._district, school)
        for second in range(0, int(self._hours * 3600), SEAL_SECONDS):
            await spool.append(list(make.samples(second, clock)))
            clock.pass_by(SEAL_SECONDS)
        await spool.stop()

    async def _start_agents(self, disk: ThreadPoolExecutor, connector: ThreadPoolExecutor) -> None:
        for school in self._district.schools:
            name = f"{school.school}-gw"
            line = self._lines[name] = LineProxy(self._broker.host, self._broker.port)
            await line.cut()
            await line.start()
            config = AgentConfig(
                agent=AgentSection(id=name, role=Role.GATEWAY, data_dir=self._home.agents / name),
                uplink=UplinkSection(host=line.host, port=line.port, reconnect_max_seconds=5.0),
                spool=SpoolSection(seal_seconds=1.0),
                host=HostSection(interval_seconds=1.0),
            )
            agent = self._agents[name] = Agent(config, Drivers(clock=SystemClock(), executor=disk, connector=connector))
            await agent.start()

    async def _watch(self) -> ReturnFigures:
        backlog_segments, backlog_items = await self._held()
        self._say(f"{backlog_items:,} items in {backlog_segments:,} segments wait; all lines heal now")
        began = time.monotonic()
        await asyncio.gather(*(line.heal() for line in self._lines.values()))
        ages: list[float] = []
        all_live_at: float | None = None
        past_left = backlog_segments
        async with await psycopg.AsyncConnection.connect(self._database.dsn, autocommit=True) as connection:
            while past_left and time.monotonic() - began < GIVE_UP_SECONDS:
                await asyncio.sleep(1)
                age = await self._oldest_live(connection)
                if all_live_at is None and age is not None and age <= LIVE_AGE_SECONDS:
                    all_live_at = time.monotonic() - began
                if all_live_at is not None and age is not None:
                    ages.append(age)
                past_left = await self._past_left()
                self._say(f"{time.monotonic() - began:4.0f} s: {past_left:,} segments of the backlog left")
            drained = time.monotonic() - began
            lost, duplicated = await self._books(connection)
        made = backlog_items / (self._hours * 3600)
        return ReturnFigures(
            schools=len(self._agents),
            offline_hours=self._hours,
            backlog_items=backlog_items,
            backlog_segments=backlog_segments,
            made_items_per_second=round(made, 1),
            drained_seconds=round(drained, 1),
            drained_items_per_second=round(backlog_items / drained, 1),
            times_faster_than_made=round(backlog_items / drained / made, 1),
            all_live_after_seconds=round(all_live_at if all_live_at is not None else -1.0, 1),
            live_age_worst_seconds=round(max(ages, default=-1.0), 2),
            live_age_median_seconds=round(statistics.median(ages) if ages else -1.0, 2),
            lost=lost,
            duplicated=duplicated,
        )

    async def _held(self) -> tuple[int, int]:
        held = [lane for agent in self._agents.values() for lane in (await agent.status()).spool.held]
        return sum(lane.segments for lane in held), sum(lane.items for lane in held)

    async def _past_left(self) -> int:
        held = [lane for agent in self._agents.values() for lane in (await agent.status()).spool.held]
        return sum(lane.segments for lane in held if lane.lane.value == "backlog")

    async def _oldest_live(self, connection: psycopg.AsyncConnection) -> float | None:
        """Return the age in seconds of the newest live sample of the school that is furthest behind."""
        cursor = await connection.execute(
            "SELECT count(*), extract(epoch FROM now() - min(c.corrected_at))"
            " FROM host_current AS c JOIN things AS t USING (thing_id) WHERE t.kind = 'host' AND t.key LIKE %s",
            ["%-gw"],
        )
        row = await cursor.fetchone()
        return None if row is None or row[0] < len(self._agents) else float(row[1])

    async def _books(self, connection: psycopg.AsyncConnection) -> tuple[int, int]:
        """Return how many items of the past are missing, and how many are there twice, counted row by row."""
        stored = 0
        for table in ("link_samples", "port_samples", "terminal_samples"):
            cursor = await connection.execute(f"SELECT count(*) FROM {table}")
            row = await cursor.fetchone()
            stored += 0 if row is None else int(row[0])
        expected = sum(SchoolPast(self._district, name.partition("-")[0]).count(self._hours) for name in self._agents)
        return max(0, expected - stored), max(0, stored - expected)


class SchoolPast:
    """What one school measures in a stretch of `SEAL_SECONDS`, by the demo's own pace."""

    def __init__(self, district: District, school: str) -> None:
        devices = {device.device for device in district.devices if device.school == school}
        self._link = f"{school}-wan"
        self._ports = _spread([f"{p.device}/{p.port}" for p in district.ports if p.device in devices], PORT_SECONDS)
        self._terminals = _spread([t.terminal for t in district.terminals if t.school == school], TERMINAL_SECONDS)

    def count(self, hours: float) -> int:
        """Return how many samples so many hours hold."""
        total = 0
        for second in range(0, int(hours * 3600), SEAL_SECONDS):
            total += len(self._ports[second % PORT_SECONDS]) + len(self._terminals[second % TERMINAL_SECONDS])
            total += 1 if second % LINK_SECONDS == 0 else 0
        return total

    def samples(self, second: int, clock: PastClock) -> Iterator[Sample]:
        """Yield the samples of the stretch that begins at `second`."""
        at, monotonic = clock.wall_ms(), clock.monotonic_ms()
        if second % LINK_SECONDS == 0:
            yield LinkSample(
                thing=self._link, vantage=Vantage.SCHOOL, observed_at_ms=at, monotonic_ms=monotonic,
                in_bps=180_000_000 + second * 997, out_bps=22_000_000 + second * 331, loss_ratio=0.0,
                rtt_seconds=0.0031,
            )  # fmt: skip
        for port in self._ports[second % PORT_SECONDS]:
            yield PortSample(
                thing=port, observed_at_ms=at, monotonic_ms=monotonic, in_bps=int(unit(port) * 1e7) + second,
                out_bps=int(unit(port) * 1e6) + second, speed_bps=1_000_000_000, oper_up=True, admin_up=True,
            )  # fmt: skip
        for terminal in self._terminals[second % TERMINAL_SECONDS]:
            yield TerminalSample(
                thing=terminal, observed_at_ms=at, monotonic_ms=monotonic, present=True,
                battery_ratio=round(unit(terminal), 2), wifi_rssi_dbm=-60.0,
            )  # fmt: skip


def _spread(things: list[str], interval_seconds: int) -> dict[int, list[str]]:
    """Share things over the stretches of an interval, as phases do."""
    shares: dict[int, list[str]] = defaultdict(list)
    for index, thing in enumerate(things):
        shares[index % (interval_seconds // SEAL_SECONDS) * SEAL_SECONDS].append(thing)
    return shares
