"""The agent: the one place that knows all rooms of the edge and puts them together.

Everything it needs comes in as arguments; it keeps nothing outside itself, so hundreds of agents share a process and an
event loop without meeting. Constructors are inert: `start` opens, `stop` closes in the reverse order and leaves
everything that was measured on disk.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AsyncExitStack
from importlib import metadata
from typing import TYPE_CHECKING

import structlog

from edge_agent.collectors.reading import Reading, event, stamp
from edge_agent.config import AgentConfig, LanSection
from edge_agent.config.checks import listen_address
from edge_agent.content.making import make_content
from edge_agent.downlink.documents import Documents
from edge_agent.downlink.making import make_documents, make_downlink
from edge_agent.downlink.service import Downlink, Said
from edge_agent.errors import EdgeError
from edge_agent.health import AgentStatus, ClockWatch, DeviceState, TerminalsState
from edge_agent.jobs import Drivers, make_collectors, make_jobs
from edge_agent.receivers import make_receivers
from edge_agent.records import Intake
from edge_agent.scheduler import Scheduler
from edge_agent.spool import Spool, SpoolError, SpoolLimits
from edge_agent.terminals import CheckIn, PresenceRules, Terminals
from edge_agent.uplink import Broker, Phase, Speaker, Tls, Uplink
from edge_agent.vault import Vault
from protocols.content import Content
from protocols.desired import DocumentKind, Nudge
from protocols.events import AttributeValue
from protocols.roster import Timetable
from protocols.samples import HostSample, Kind
from protocols.status import Role

if TYPE_CHECKING:
    from edge_agent.classroom import Classrooms
    from edge_agent.lan import LanServer
    from edge_agent.lan.announcement import Announcement

SPOOL_FILE = "spool.db"
RECORDS_FILE = "records.db"
CLASSROOM_FILE = "classroom.sealed"
WATCH_SECONDS = 5.0
FLUSH_SECONDS = 3.0
"""How long a stopping agent goes on sending what is new; the rest waits on disk."""
SPOOL_FULL_RATIO = 0.95


class DataDirUnusable(EdgeError):
    """The agent has nowhere to keep its data."""

    hint = "make the folder, or give the agent's user the right to; or name another one in [agent] data_dir"


class Agent:
    """One agent. `instance` names this process's run of it."""

    def __init__(self, config: AgentConfig, drivers: Drivers | None = None) -> None:
        self.config = config
        self.id = config.agent.id
        self._role = config.agent.role
        self.instance = secrets.token_hex(8)
        self._drivers = drivers or Drivers()
        self._clock = self._drivers.clock
        self._own_executors: list[ThreadPoolExecutor] = []
        self._executor = self._drivers.executor or self._own_executor("spool")
        self._software = software()
        self.vault = Vault(config.agent.data_dir)
        self.spool = Spool(
            config.agent.data_dir / SPOOL_FILE,
            agent=self.id,
            clock=self._clock,
            executor=self._executor,
            limits=SpoolLimits(max_bytes=config.spool.max_bytes, seal_seconds=config.spool.seal_seconds),
            cipher=self.vault.cipher(),
        )
        self.uplink = Uplink(
            spool=self.spool,
            speaker=Speaker(self.id, self.instance, self._role, self._software, socket.gethostname()),
            broker=_broker(config),
            clock=self._clock,
            executor=self._drivers.connector or self._own_executor("connect"),
            random=self._drivers.rng,
            news=None if config.centre is None else self._news,
        )
        self.terminals = Terminals(
            _rules(config),
            self._clock,
            self._deliver,
            classroom=config.terminals.classroom or (self.id if self._role is Role.CLASSROOM else None),
            memory_folder=config.agent.data_dir,
            executor=self._executor,
        )
        self.records = Intake(
            self.spool.append,
            self._clock,
            self._executor,
            config.agent.data_dir / RECORDS_FILE,
            self.vault.cipher(),
        )
        self.content = None
        if config.lan is not None or config.centre is not None:
            self.content = make_content(
                config, self.vault.cipher(), self._own_executor("content"), self._in_lesson, self._drivers.rng
            )
        self.documents: Documents | None = None
        self._downlink: Downlink | None = None
        if config.centre is not None:
            assert self.content is not None
            self.documents = make_documents(config, config.centre, self.vault.cipher())
            self._downlink = make_downlink(
                config,
                config.centre,
                self.documents,
                forget=self.records.forget,
                forget_blobs=self.content.remove,
                said=Said(terminals=self.terminals.reported, missing_bytes=self.content.missing_bytes),
                clock=self._clock,
                executor=self._executor,
                random=self._drivers.rng,
            )
            self.documents.on_change(self._content_changed)
        self._collectors = make_collectors(config, self._drivers)
        self.scheduler = Scheduler(
            make_jobs(config, self._collectors), self._deliver, self._clock.wall_ms, self._drivers.rng
        )
        self.receivers = make_receivers(config, self._clock, self._deliver, self._collectors.port_of)
        self.classrooms = None if config.lan is None else self._make_classrooms()
        self._lan = None if config.lan is None else _lan_server(self, config.lan)
        self._devices = {device.id: DeviceState(device=device.id) for device in config.devices}
        self._host: HostSample | None = None
        self._given_up_events = 0
        self._spool_refuses = False
        self._started_at_ms = 0
        self._announcement = None if config.lan is None or not config.lan.mdns else _announcement(config, config.lan)
        self._opened = AsyncExitStack()
        self._stop_reason = ""
        self._log = structlog.get_logger("agent").bind(agent=self.id)

    async def start(self) -> None:
        """Open the spool, then begin to send, to watch terminals, to measure and to serve.

        Raises:
            EdgeError: there is nowhere to keep data, or the spool cannot be used (another process has it, it is
                another agent's, the disk refuses). Nothing is left open then.
        """
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as opened:
            opened.callback(self._shut_down_executors)
            await loop.run_in_executor(self._executor, self._make_data_dir)
            await self.spool.start()
            opened.push_async_callback(self.spool.stop)
            self._started_at_ms = self._clock.wall_ms()
            if self._lan is not None or self._downlink is not None:
                await self.records.start()
                opened.push_async_callback(self.records.stop)
            if self.content is not None:
                await self.content.start()
                opened.push_async_callback(self.content.stop)
            if self._downlink is not None:
                # Rosters are there, and erasures applied, before anybody is served.
                await self._downlink.prepare()
                self._content_changed(DocumentKind.CONTENT)
            await self.uplink.start()
            opened.push_async_callback(self.uplink.stop, FLUSH_SECONDS)
            self._tell("agent.started", instance=self.instance, software=self._software, role=self._role.value)
            opened.push_async_callback(self._last_words)
            await self.terminals.start()
            opened.push_async_callback(self.terminals.stop)
            opened.push_async_callback(self._collectors.close)
            await self.scheduler.start()
            opened.push_async_callback(self.scheduler.stop)
            for receiver in self.receivers:
                await receiver.start()
                opened.push_async_callback(receiver.stop)
            if self.classrooms is not None:
                await self.classrooms.start()
                opened.push_async_callback(self.classrooms.stop)
            if self._downlink is not None:
                # After those who are told of changes.
                await self._downlink.start()
                opened.push_async_callback(self._downlink.stop)
            if self._lan is not None:
                assert self.classrooms is not None
                await self._lan.start()
                opened.push_async_callback(self._lan.stop)
                # Whoever waits for news is answered, or the server would wait for them.
                opened.callback(self.classrooms.pulses.close)
            if self._announcement is not None:
                # Takes seconds of asking around whether the name is free; nothing waits for it.
                announcing = loop.create_task(self._announcement.start(), name=f"announce {self.id}")
                opened.push_async_callback(self._announcement.stop)
                opened.push_async_callback(_cancel, announcing)
            watching = loop.create_task(self._watch(), name=f"watch {self.id}")
            opened.push_async_callback(_cancel, watching)
            self._opened = opened.pop_all()
        self._log.info("agent_started", role=self._role.value, software=self._software, instance=self.instance)

    async def stop(self, reason: str = "on request") -> None:
        """Stop serving and measuring, put everything on disk, send what is new for a moment, say goodbye.

        Whatever fails to close does not keep the rest from closing.
        """
        self._stop_reason = reason
        await self._opened.aclose()
        self._log.info("agent_stopped", reason=reason)

    def check_in(self, checkin: CheckIn) -> None:
        """Take a terminal's check-in; see `Terminals.check_in`."""
        self.terminals.check_in(checkin)

    async def status(self) -> AgentStatus:
        """Say how the agent is."""
        stats = await self.spool.stats()
        uplink = self.uplink.snapshot()
        return AgentStatus(
            agent=self.id,
            role=self._role,
            software=self._software,
            instance=self.instance,
            boot=self._clock.boot,
            at_ms=self._clock.wall_ms(),
            started_at_ms=self._started_at_ms,
            uplink=uplink,
            spool=stats,
            spool_max_bytes=self.config.spool.max_bytes,
            devices=list(self._devices.values()),
            terminals=TerminalsState(
                known=self.terminals.known,
                present=self.terminals.present,
                checkins_total=self.terminals.checkins_total,
            ),
            collectors=self.scheduler.courses(),
            receivers=[receiver.state() for receiver in self.receivers],
            centre=None if self._downlink is None else self._downlink.state(),
            agent_rss_bytes=None if self._host is None else self._host.agent_rss_bytes,
            agent_cpu_ratio=None if self._host is None else self._host.agent_cpu_ratio,
            given_up_events=self._given_up_events,
            faults=self._faults(stats.used_ratio, uplink.phase, uplink.reason),
        )

    @property
    def lan_port(self) -> int | None:
        """The port that the LAN API really listens on."""
        return None if self._lan is None else self._lan.port

    def _faults(self, used_ratio: float, phase: Phase, reason: str) -> list[str]:
        faults = []
        if used_ratio >= SPOOL_FULL_RATIO:
            faults.append(f"the spool is {used_ratio:.0%} full")
        if self._spool_refuses:
            faults.append("the disk does not take events")
        if phase is Phase.REFUSED:
            faults.append(f"the centre refuses this agent: {reason}")
        if self._lan is not None and self._lan.fault:
            faults.append(self._lan.fault)
        faults += [receiver.fault for receiver in self.receivers if receiver.fault]
        if self.content is not None and self.content.fault:
            faults.append(f"content: {self.content.fault}")
        return faults

    def _deliver(self, reading: Reading) -> None:
        """Hand a reading to the spool; never waits."""
        for sample in reading.samples:
            if isinstance(sample, HostSample):
                self._host = sample
        for name, state in self._devices.items():
            self._devices[name] = state.after(reading)
        try:
            self.spool.offer((*reading.events, *reading.samples))
            self._spool_refuses = False
        except SpoolError as error:
            # The spool took the samples; events that it cannot even queue are gone, and that is said and counted.
            self._given_up_events += len(reading.events)
            if not self._spool_refuses:
                self._log.error("events_given_up", reason=str(error), hint=error.hint)
            self._spool_refuses = True

    def _news(self, nudge: Nudge | None) -> None:
        if self._downlink is not None:
            self._downlink.news(nudge)

    def _tell(self, name: str, **attributes: AttributeValue) -> None:
        self._deliver(Reading(events=(event(name, Kind.HOST, self.id, stamp(self._clock), **attributes),)))

    async def _watch(self) -> None:
        watch = ClockWatch()
        while True:
            step_seconds = watch.look(self._clock.wall_ms(), self._clock.monotonic_ms())
            if step_seconds is not None:
                self._log.warning("clock_stepped", step_seconds=step_seconds)
                self._tell("clock.stepped", step_seconds=step_seconds)
            await asyncio.sleep(WATCH_SECONDS)

    async def _last_words(self) -> None:
        self._tell("agent.stopped", instance=self.instance, reason=self._stop_reason)
        await self.spool.flush()

    def _shut_down_executors(self) -> None:
        for executor in self._own_executors:
            executor.shutdown(wait=False)

    def _make_data_dir(self) -> None:
        folder = self.config.agent.data_dir
        try:
            # What pupils' tablets said is nobody else's business on this machine.
            folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        except OSError as error:
            raise DataDirUnusable(f"the data folder {folder} cannot be made ({error.strerror})") from error

    def _content_changed(self, kind: DocumentKind) -> None:
        """Have the cache hold what is desired now."""
        if kind is DocumentKind.CONTENT and self.content is not None and self.documents is not None:
            body = self.documents.body(DocumentKind.CONTENT)
            self.content.want(body if isinstance(body, Content) else None)

    def _in_lesson(self) -> bool:
        """Tell whether any class here has a lesson at this moment, by the timetable."""
        body = None if self.documents is None else self.documents.body(DocumentKind.TIMETABLE)
        now_ms = self._clock.wall_ms()
        return isinstance(body, Timetable) and any(one.starts_at_ms <= now_ms < one.ends_at_ms for one in body.lessons)

    def _make_classrooms(self) -> Classrooms:
        # Imported here for the same reason as the LAN API, which alone shows classes.
        from edge_agent.classroom import Classrooms
        from edge_agent.classroom.journal import Journal
        from edge_agent.classroom.school import NothingMirrored

        classrooms = Classrooms(
            records=self.records,
            mirror=self.documents or NothingMirrored(),
            clock=self._clock,
            executor=self._executor,
            journal=Journal(self.config.agent.data_dir / CLASSROOM_FILE, self.vault.cipher()),
        )
        if self.documents is not None:
            self.documents.on_change(classrooms.mirrored)
        self.records.observe(classrooms.took)
        self.terminals.listen(classrooms.heard)
        return classrooms

    def _own_executor(self, name: str) -> Executor:
        executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"{self.id} {name}")
        self._own_executors.append(executor)
        return executor


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def software() -> str:
    """Return the name and version that the agent gives itself."""
    try:
        return f"bellwether {metadata.version('bellwether')}"
    except metadata.PackageNotFoundError:
        return "bellwether (not installed)"


def _broker(config: AgentConfig) -> Broker:
    uplink = config.uplink
    tls = None if uplink.tls_ca is None else Tls(uplink.tls_ca, uplink.tls_cert, uplink.tls_key)
    return Broker(
        uplink.host,
        uplink.port,
        password=None if uplink.password is None else uplink.password.reveal(),
        tls=tls,
        keepalive_seconds=uplink.keepalive_seconds,
        reconnect_most_seconds=uplink.reconnect_max_seconds,
    )


def _lan_server(agent: Agent, lan: LanSection) -> LanServer:
    # Imported here: an agent without a LAN API, as every simulated one, does without a web framework.
    from edge_agent.lan import LanServer, Teaching, lan_app

    assert agent.classrooms is not None
    code = None if lan.teacher_code is None else lan.teacher_code.reveal()
    teaching = Teaching(agent.classrooms, agent.terminals, code)
    host, port = listen_address(lan.listen)
    token = None if lan.token is None else lan.token.reveal()
    return LanServer(lan_app(agent, token, teaching, agent.content), host, port)


def _announcement(config: AgentConfig, lan: LanSection) -> Announcement:
    from edge_agent.lan.announcement import Announcement

    host, port = listen_address(lan.listen)
    return Announcement(config.agent.id, config.agent.role.value, host, port)


def _rules(config: AgentConfig) -> PresenceRules:
    section = config.terminals
    return PresenceRules(
        checkin_seconds=section.checkin_seconds,
        missed_checkins=section.missed_checkins,
        grace_seconds=section.grace_seconds,
        sample_seconds=section.sample_seconds,
        summary_seconds=section.summary_seconds,
        max_terminals=section.max_terminals,
    )
