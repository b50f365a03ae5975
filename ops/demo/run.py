"""The demo from the first line to the last: centre, district, scenario, screen, and a clean end.

Ctrl-C (or SIGTERM, a closed terminal, or the end of the seconds asked for) stops the agents first, so that they say
goodbye, then the centre. A second Ctrl-C forces: everything is killed at once, and the next start recovers; the product
is made for that.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass
from datetime import datetime

import msgspec
from msgspec import Struct

from ops.demo import answers
from ops.demo.answers import AnswerBooks
from ops.demo.centre import Centre, DemoFailed
from ops.demo.child import Child
from ops.demo.figures import FigureReader, Figures, Ledger
from ops.demo.home import Home
from ops.demo.screen import Screen, View
from ops.demo.story import Story, books_in_words
from ops.embedded.process import free_port, port_is_free
from ops.simulator import scenario
from ops.simulator.answering import DISTRICT_FILE
from ops.simulator.district import generate, grow
from ops.simulator.district_folder import FILES, read, write
from ops.simulator.lesson import ANSWERS_FILE, LESSON
from ops.simulator.report import Ended, LessonBegins, Progress, Started, Starting, StepTaken, Trouble, decode
from ops.simulator.roster_folder import write_roster
from ops.simulator.school_day import SHANGHAI

DEFAULT_PORT = 8080
TICK_SECONDS = 1.0
SIMULATOR_STOP_SECONDS = 60.0
LAST_BOOKS_SECONDS = 60.0
"""How long the centre may take to tell the books at the end: on a busy machine longer than a tick of the screen."""
FORCED_EXIT_CODE = 130


class Summary(Struct, frozen=True, kw_only=True):
    """What a demo leaves: how long it ran, who was there, and the books."""

    scenario: str
    ran_seconds: float
    ready_seconds: float
    agents_online: int
    agents_total: int
    links_up: int
    ledger: Ledger
    answers: AnswerBooks
    district_answers: AnswerBooks


@dataclass(frozen=True, slots=True)
class Options:
    """What a demo was asked to do. `port` None takes 8080, or a free one if that is taken."""

    scenario: str = "link-cut"
    port: int | None = None
    seconds: float | None = None


class Demo:
    """One demo in one home."""

    def __init__(self, home: Home, options: Options, screen: Screen) -> None:
        self._home = home
        self._options = options
        self._screen = screen
        self._stop = asyncio.Event()
        self._centre: Centre | None = None
        self._simulator: Child | None = None
        self._story = Story()
        self._view = View()
        self._began = time.monotonic()
        self._ready_seconds = 0.0
        self._all_started = False
        self._scenario: scenario.Scenario | None = None
        self._steps_to_come = 0
        self._figures: Figures | None = None
        self._answers = AnswerBooks()
        self._district_answers = AnswerBooks()
        self._lesson_seen = False

    async def run(self) -> Summary:
        """Run until asked to stop.

        Raises:
            DemoAlreadyRunning, DemoFailed, EmbeddedServiceUnavailable, ScenarioInvalid: with a hint each.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # A closed terminal ends the demo like Ctrl-C; under nohup SIGHUP is ignored, and stays so.
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._on_signal, number)
        self._check_scenario()
        ended = self._home.claim()
        self._screen.open()
        try:
            if ended:
                self._screen.say(f"ended what a killed demo had left running: {', '.join(ended)}")
            await self._play(self._choose_port())
        finally:
            await self._stop_everything()
            self._screen.close()
        ledger = self._figures.ledger if self._figures is not None else Ledger()
        fresh = self._figures.freshness if self._figures is not None else None
        return Summary(
            scenario=self._options.scenario,
            ran_seconds=round(time.monotonic() - self._began, 1),
            ready_seconds=round(self._ready_seconds, 1),
            agents_online=fresh.agents_online if fresh is not None else 0,
            agents_total=fresh.agents_total if fresh is not None else 0,
            links_up=self._figures.links.get("up", 0) if self._figures is not None else 0,
            ledger=ledger,
            answers=self._answers,
            district_answers=self._district_answers,
        )

    async def _play(self, port: int) -> None:
        centre = self._centre = Centre(self._home, port, self._screen.say)
        starting = asyncio.create_task(centre.start(self._write_district), name="start the centre")
        if not await self._finished_or_stopped(starting):
            return
        self._view.console = centre.console
        self._screen.say(f"the console is at {centre.console}")
        self._simulator = Child(
            self._home,
            "simulator",
            ["sim", "run", "--home", str(self._home.folder), "--scenario", self._options.scenario, "--json"],
            environment=centre.environment(),
            talks=True,
            stop_seconds=SIMULATOR_STOP_SECONDS,
        )
        await self._simulator.start()
        listening = asyncio.create_task(self._listen(self._simulator), name="listen to the simulator")
        watching = asyncio.create_task(self._show(centre), name="show figures")
        stopping = asyncio.create_task(self._stop.wait(), name="wait for the end")
        left = None if self._options.seconds is None else self._options.seconds - (time.monotonic() - self._began)
        try:
            done, _ = await asyncio.wait(
                (listening, watching, stopping),
                timeout=None if left is None else max(0.0, left),
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in done:
                task.result()
            if listening in done:
                raise DemoFailed(
                    f"the simulator ended by itself:\n{self._simulator.last_words()}", f"see {self._simulator.log_path}"
                )
            if not done and self._steps_to_come > 0:
                self._screen.say(
                    f"the {self._options.seconds:g} seconds asked for are over before the scenario is: "
                    f"{self._steps_to_come} of its steps were not played; give it more BELLWETHER_DEMO_SECONDS"
                )
            await self._close_books(centre)
        finally:
            for task in (listening, watching, stopping):
                task.cancel()
            await asyncio.gather(listening, watching, stopping, return_exceptions=True)

    async def _finished_or_stopped(self, starting: asyncio.Task[None]) -> bool:
        """Return whether the centre runs; False when Ctrl-C came first."""
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            # Half-started servers cannot be stopped in order; a start takes seconds.
            self._screen.say("stopping as soon as what is being started has started")
        await starting
        return not self._stop.is_set()

    def _write_district(self) -> None:
        if all((self._home.district / f"{name}.csv").is_file() for name in FILES):
            self._screen.say(f"the district in {self._home.district} is kept, and so is everything measured so far")
        else:
            self._screen.say(
                f"writing the district as CSV into {self._home.district}: 43 schools, 654 classrooms, 29,269 terminals"
            )
            assert self._scenario is not None
            write(grow(generate(), self._scenario.grow), self._home.district)
        # Bells ring by the scenario's school clock, so the timetable is another one at every start.
        assert self._scenario is not None
        clock = self._scenario.clock_at(time.time())
        today = datetime.now(SHANGHAI).date()
        write_roster(read(self._home.district), self._home.folder, today, clock)

    async def _listen(self, simulator: Child) -> None:
        while line := await simulator.lines():
            try:
                report = decode(line)
            except msgspec.DecodeError:
                self._screen.say(line.rstrip())
                continue
            now = time.monotonic()
            match report:
                case Progress():
                    self._view.progress = report
                case StepTaken():
                    self._steps_to_come -= 1
                    self._view.step = report.say
                    for text in self._story.step(report, now):
                        self._screen.say(f"STEP: {text}")
                case Starting():
                    self._view.step = report.summary
                    self._screen.say(
                        f"starting {report.agents} real agents with {report.terminals:,} terminals. At school it is "
                        f"{report.school_time} ({report.school_phase}), whatever the clock on the wall says; "
                        "sample times are real"
                    )
                    self._screen.say(f"scenario {report.scenario}: {report.summary}")
                case LessonBegins():
                    self._lesson_seen = True
                    self._screen.say(
                        f"LESSON: {report.pupils} pupils of class {report.school_class} answer their teacher; "
                        "the agent in their room serves the class page and the board, line or no line: "
                        f"{report.class_page} and {report.board}"
                    )
                case Started():
                    self._all_started = True
                    self._screen.say(f"all agents run, {report.took_seconds:.0f} s after the first")
                case Trouble():
                    self._screen.say(f"TROUBLE: {report.problem}")
                case Ended():
                    return

    async def _show(self, centre: Centre) -> None:
        reader = FigureReader(centre.console)
        try:
            while True:
                figures = await reader.read()
                if figures is not None:
                    self._figures = figures
                    fresh = figures.freshness
                    # After a kill the centre still holds the last demo's agents for online; only these count.
                    if not self._ready_seconds and self._all_started and fresh.agents_online == fresh.agents_total:
                        self._ready_seconds = time.monotonic() - self._began
                        self._screen.say(f"READY: all {fresh.agents_total} agents are online at the centre")
                self._view.figures = figures
                self._view.figures_missing = reader.reason
                for line in self._story.look(figures, self._view.progress, time.monotonic()):
                    self._screen.say(line)
                self._screen.show(self._view)
                await asyncio.sleep(TICK_SECONDS)
        finally:
            await reader.close()

    async def _close_books(self, centre: Centre) -> None:
        """Read the books once more while everybody is still there."""
        reader = FigureReader(centre.console, timeout_seconds=LAST_BOOKS_SECONDS)
        try:
            figures = await reader.read()
        finally:
            await reader.close()
        if figures is not None:
            self._figures = figures
            self._screen.say(books_in_words(figures.ledger))
        else:
            self._screen.say(f"the books could not be read once more: the centre {reader.reason}")
        lines_down = self._view.progress is not None and self._view.progress.lines_down > 0
        if self._lesson_seen:
            # Behind a cut line they wait on the agent's disk, and there is nothing to wait for here.
            wait_seconds = 0.0 if lines_down else answers.ARRIVE_SECONDS
            file = self._home.folder / LESSON / ANSWERS_FILE
            self._answers = await answers.close(centre.database.dsn, file, wait_seconds=wait_seconds)
            self._screen.say(self._answers.in_words())
            file = self._home.folder / LESSON / DISTRICT_FILE
            self._district_answers = await answers.close(centre.database.dsn, file, wait_seconds=wait_seconds)
            self._screen.say(self._district_answers.in_words("ANSWERS OF THE OTHER CLASSES"))
        if (progress := self._view.progress) is not None and progress.lines_down and (unseen := progress.held_of("")):
            self._screen.say(
                f"{unseen:,} more segments wait behind cut lines, which the books cannot know yet; "
                "the next start sends them"
            )

    async def _stop_everything(self) -> None:
        if self._centre is not None:
            self._screen.say("stopping: agents first, so that they can say goodbye, then the centre")
        if self._simulator is not None:
            await self._simulator.stop()
            # Normally nobody is left; a simulator that had to be killed leaves its school's processes behind.
            await asyncio.to_thread(self._home.end_simulated)
        if self._centre is not None:
            await self._centre.stop()
            self._screen.say("everything is stopped; the data is kept for the next start")
        self._home.release()

    def _check_scenario(self) -> None:
        """Refuse a scenario that cannot be played before anything is started for it."""
        district = generate()
        links, agents = [link.link for link in district.links], [agent.agent for agent in district.agents]
        self._scenario = scenario.load(self._options.scenario, links, agents, [one.device for one in district.devices])
        self._steps_to_come = len(self._scenario.taken())

    def _choose_port(self) -> int:
        wanted = self._options.port or DEFAULT_PORT
        if port_is_free(wanted):
            return wanted
        if self._options.port is not None:
            raise DemoFailed(
                f"port {wanted} is taken by another program", "set BELLWETHER_PORT to a free port, or stop that program"
            )
        chosen = free_port()
        self._screen.say(f"port {wanted} is taken by another program; the console uses {chosen} instead")
        return chosen

    def _on_signal(self, number: signal.Signals) -> None:
        if not self._stop.is_set():
            self._stop.set()
        elif number is signal.SIGINT:
            # SIGTERM often comes twice (to the process and to its group); a second Ctrl-C is meant.
            self._home.kill_everything()
            os._exit(FORCED_EXIT_CODE)
