"""Runs the district: lines, world, 698 real agents, check-ins and one scenario, until it is told to stop.

All agents but the real school's share this process and its event loop; each has its own spool file and its own MQTT
session, through the line of its school (the core's goes straight to the broker). They start spread over some seconds,
gateways first, so that neither broker nor disk sees 698 births in one moment.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random

import psutil
import structlog

from edge_agent.clock import SystemClock
from edge_agent.terminals import CheckIn
from ops.demo.home import read_state
from ops.faults.line import LineProxy
from ops.simulator.answering import DISTRICT_FILE, DistrictAnswering
from ops.simulator.configs import ConfigMaker
from ops.simulator.district import REAL_SCHOOL
from ops.simulator.lesson import LESSON, SimulatedLesson
from ops.simulator.options import SimulationOptions
from ops.simulator.real_school import RealSchool
from ops.simulator.records import District
from ops.simulator.report import (
    AnyReport,
    Ended,
    Held,
    LessonBegins,
    LessonBooks,
    Progress,
    Started,
    Starting,
    StepTaken,
    Trouble,
)
from ops.simulator.roster import Roster, in_sum
from ops.simulator.roster_folder import classes_of
from ops.simulator.rounds import CheckInRounds, HttpCheckIns
from ops.simulator.scenario import AnyStep
from ops.simulator.school_day import SchoolClock
from ops.simulator.stage import Stage, play
from ops.simulator.tablets import groups
from ops.simulator.world import World

DISK_THREADS = 4
CONNECT_THREADS = 8
PROGRESS_SECONDS = 1.0
OPEN_FILES = 16_384

_log = structlog.get_logger(__name__)


class Simulation:
    """One run of one scenario."""

    def __init__(
        self, options: SimulationOptions, district: District, register: Callable[[str, int], None],
        tell: Callable[[AnyReport], None],
    ) -> None:  # fmt: skip
        self._options = options
        self._district = district
        self._register = register
        self._tell = tell
        self._stop = asyncio.Event()
        self._began = time.monotonic()
        self._touched: set[str] = set()
        self._rounds: list[CheckInRounds] = []
        self._real: RealSchool | None = None
        self._delay_seconds = 0.0
        self._lesson: SimulatedLesson | None = None
        self._answering: DistrictAnswering | None = None

    async def run(self) -> None:
        """Run until SIGTERM, SIGINT or `stop`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop.set)
        _raise_open_files()
        with (
            ThreadPoolExecutor(DISK_THREADS, thread_name_prefix="spool") as disk,
            ThreadPoolExecutor(CONNECT_THREADS, thread_name_prefix="connect") as connector,
        ):
            async with contextlib.AsyncExitStack() as stack:
                await self._run(stack, disk, connector)
        self._tell(Ended(at_seconds=self._since_start(), lesson=self._lesson_books()))

    def stop(self) -> None:
        """Ask the run to end."""
        self._stop.set()

    async def _run(
        self, stack: contextlib.AsyncExitStack, disk: ThreadPoolExecutor, connector: ThreadPoolExecutor
    ) -> None:
        options, district = self._options, self._district
        world = World(district, self._school_clock(), time.monotonic, time.time)
        lines = {link.school: LineProxy(options.broker_host, options.broker_port) for link in district.links}
        for line in lines.values():
            await line.start()
            stack.push_async_callback(line.stop)
        cables: dict[str, list[LineProxy]] = {school: [line] for school, line in lines.items()}
        centre = None
        if options.centre is not None:
            http_line = LineProxy(options.centre.host, options.centre.port)
            await http_line.start()
            stack.push_async_callback(http_line.stop)
            cables[REAL_SCHOOL].append(http_line)
            centre = (f"http://{http_line.host}:{http_line.port}", options.centre.key)
        real = self._real = RealSchool(
            district,
            options.home / "agents",
            options.home / "logs",
            lines[REAL_SCHOOL].port,
            self._register,
            self._trouble,
            centre,
        )
        ports = {school: line.port for school, line in lines.items()} | {"": options.broker_port}
        maker = ConfigMaker(district, options.home / "agents", ports, options.pace)
        simulated = [agent for agent in district.agents if not (options.real_school and agent.school == REAL_SCHOOL)]
        roster = Roster(simulated, maker, world, SystemClock(), disk, connector)
        stack.push_async_callback(roster.stop)
        stage = Stage(world, cables, real, self._kill_service)
        self._began = time.monotonic()
        self._tell_starting(world)
        tasks = [asyncio.create_task(self._report_progress(roster, stage, world), name="progress")]
        stack.push_async_callback(_cancel, tasks)
        await self._start_real_school(real, stack)
        stages = {school.school: school.stage for school in district.schools}
        stage_of = {agent.agent: stages.get(agent.school, "primary") for agent in district.agents}
        self._lesson = self._make_lesson(real)
        self._rounds = self._check_in_rounds(roster, real, stage_of, world, stack)
        tasks += [asyncio.create_task(rounds.run(), name="check-ins") for rounds in self._rounds]
        tasks.append(asyncio.create_task(self._start_and_play(roster, stage), name="agents and scenario"))
        if self._lesson is not None:
            stack.push_async_callback(self._lesson.finish)
            tasks.append(asyncio.create_task(self._lesson.run(self._tell_lesson), name="lesson"))
        if (answering := self._make_answering(roster, real, stage_of, world)) is not None:
            self._answering = answering
            tasks.append(asyncio.create_task(answering.run(), name="district answers"))
        # Last in, first out: nobody checks in any more when connections and agents are closed.
        stack.push_async_callback(_cancel, tasks)
        for task in tasks:
            task.add_done_callback(self._stop_on_failure)
        await self._stop.wait()

    def _stop_on_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("simulation_task_failed", task=task.get_name(), exc_info=error)
            self._trouble(f"the simulator's task {task.get_name()!r} failed: {error!r}")
            self._stop.set()

    async def _start_real_school(self, real: RealSchool, stack: contextlib.AsyncExitStack) -> None:
        if self._options.real_school:
            # Seven interpreters take a while to load; begin with them.
            stack.push_async_callback(real.stop)
            await real.start()

    async def _start_and_play(self, roster: Roster, stage: Stage) -> None:
        await roster.start(self._options.start_seconds)
        if roster.failures:
            self._trouble(f"{len(roster.failures)} agents did not start; first {roster.failures[0]}")
        self._tell(Started(at_seconds=self._since_start(), took_seconds=self._since_start()))
        # The steps' times count on a start as long as planned; on a slow machine they move along.
        self._delay_seconds = max(0.0, self._since_start() - self._options.start_seconds)
        await self._play(stage)

    def _check_in_rounds(
        self, roster: Roster, real: RealSchool, stage_of: dict[str, str], world: World, stack: contextlib.AsyncExitStack
    ) -> list[CheckInRounds]:
        async def hand_over(agent: str, checkins: list[CheckIn]) -> None:
            roster.check_in(agent, checkins)

        # The pupils of the simulated lesson speak for themselves.
        in_lesson = set() if self._lesson is None else {one.terminal for one in self._lesson.of.pupils}
        every = groups(one for one in self._district.terminals if one.terminal not in in_lesson)
        mine = [group for group in every if group.agent not in real.lan_ports]
        rounds = [CheckInRounds(mine, stage_of, world, hand_over)]
        if self._options.real_school:
            http = HttpCheckIns(real.lan_ports)
            stack.push_async_callback(http.stop)
            theirs = [group for group in every if group.agent in real.lan_ports]
            rounds.append(CheckInRounds(theirs, stage_of, world, http.deliver))
        return rounds

    async def _play(self, stage: Stage) -> None:
        def took(step: AnyStep, steps_left: int) -> None:
            school = stage.school_of(step)
            self._touched |= {school} if school else {link.school for link in self._district.links}
            self._tell(
                StepTaken(
                    at_seconds=self._since_start(),
                    action=str(type(step).__struct_config__.tag),
                    say=step.say,
                    say_zh=step.say_zh,
                    school=school,
                    steps_left=steps_left,
                )
            )

        await play(self._options.scenario, lambda: self._since_start() - self._delay_seconds, stage.take, took)

    async def _report_progress(self, roster: Roster, stage: Stage, world: World) -> None:
        process = psutil.Process()
        process.cpu_percent()
        loop = asyncio.get_running_loop()
        due = ask_at = loop.time()
        held: dict[str, Held] = {}
        while True:
            due += PROGRESS_SECONDS
            await asyncio.sleep(max(0.0, due - loop.time()))
            lag, due = loop.time() - due, max(due, loop.time())
            if (asked := loop.time()) >= ask_at:
                held = await roster.held(self._touched)
                if REAL_SCHOOL in self._touched and self._real is not None and self._options.real_school:
                    held[REAL_SCHOOL] = in_sum(await self._real.held())
                # Asking 697 spools takes their disks' time; it may take a tenth of it.
                ask_at = loop.time() + 9 * (loop.time() - asked)
            self._tell(
                Progress(
                    at_seconds=self._since_start(),
                    agents_started=roster.started + (self._real.running if self._real is not None else 0),
                    agents_total=len(self._district.agents),
                    lines_down=stage.lines_down,
                    checkins_total=sum(rounds.checkins_total for rounds in self._rounds),
                    cpu_ratio=round(process.cpu_percent() / 100, 3),
                    rss_bytes=process.memory_info().rss,
                    loop_lag_seconds=round(max(0.0, lag), 3),
                    held=held,
                    lesson=self._lesson_books(),
                    district=None if self._answering is None else self._answering.books(),
                )
            )

    def _make_answering(
        self, roster: Roster, real: RealSchool, stage_of: dict[str, str], world: World
    ) -> DistrictAnswering | None:
        """Return the classes whose rooms' agents are in this process."""
        centre = self._options.centre
        if centre is None:
            return None
        return DistrictAnswering(
            [one for one in classes_of(self._district) if one.room.classroom not in real.lan_ports],
            roster,
            world,
            stage_of,
            f"http://{centre.host}:{centre.port}",
            self._options.home / LESSON / DISTRICT_FILE,
            Random(),
        )

    def _make_lesson(self, real: RealSchool) -> SimulatedLesson | None:
        """Return the lesson of the real school's first class that has an agent in its room."""
        if self._options.centre is None or not self._options.real_school:
            return None
        for one in classes_of(self._district):
            port = real.lan_ports.get(one.room.classroom)
            if one.room.school == REAL_SCHOOL and port is not None:
                url = f"http://127.0.0.1:{port}"
                return SimulatedLesson(one, url, self._options.home / LESSON, Random())
        return None

    def _tell_lesson(self) -> None:
        assert self._lesson is not None
        self._tell(
            LessonBegins(
                at_seconds=self._since_start(),
                school_class=self._lesson.of.key,
                pupils=len(self._lesson.of.pupils),
                class_page=self._lesson.class_page,
                board=self._lesson.board,
            )
        )

    def _lesson_books(self) -> LessonBooks | None:
        return None if self._lesson is None else self._lesson.books()

    def _school_clock(self) -> SchoolClock:
        return self._options.scenario.clock_at(time.time())

    def _tell_starting(self, world: World) -> None:
        self._tell(
            Starting(
                at_seconds=0.0,
                agents=len(self._district.agents),
                terminals=len(self._district.terminals),
                school_time=world.school_clock.at_school(time.time()).strftime("%H:%M"),
                school_phase=world.phase("primary").value.replace("_", " "),
                scenario=self._options.scenario_name,
                summary=self._options.scenario.summary,
                summary_zh=self._options.scenario.summary_zh,
            )
        )

    def _kill_service(self, name: str) -> None:
        running = next((each for each in read_state(self._options.home).processes if each.name == name), None)
        process = running.process() if running is not None else None
        if process is None:
            self._trouble(f"there is no {name} to kill in {self._options.home}")
            return
        process.kill()

    def _trouble(self, problem: str) -> None:
        self._tell(Trouble(at_seconds=self._since_start(), problem=problem))

    def _since_start(self) -> float:
        return round(time.monotonic() - self._began, 3)


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _raise_open_files() -> None:
    """Let this process have all its sockets and spools: three files and a socket per agent, two more in its line."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
