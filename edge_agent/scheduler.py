"""When collectors run: one task per target, each at its own phase, one run at a time, every run with a deadline.

The phase is drawn once, so that twenty switches are not polled in one second and 43 gateways not in one moment; the
beat then stays on its grid, and the first run is within ten seconds of the start. A run that is still going when the
next is due makes that one late: it is skipped and counted, never stacked. A collector's own exceptions are faults of
ours, not of the target: logged once when they begin and once when they end, counted always, and they never reach
another target.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from edge_agent.collectors.reading import Reading
from edge_agent.errors import EdgeError

FIRST_RUN_SECONDS = 10.0
OVERTIME_SECONDS = 2.0
"""How long a run may go on after its deadline before it is cancelled; collectors end by themselves at the deadline."""


@dataclass(slots=True)
class Course:
    """How the runs of one target go: shown by `bellwether agent status`. Counters are since the start."""

    target: str
    interval_seconds: float
    runs_total: int = 0
    late_total: int = 0
    overtime_total: int = 0
    errors_total: int = 0
    last_error: str = ""
    last_run_ms: int | None = None
    last_seconds: float | None = None
    failing: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One target with the way to measure it: `collect(deadline)`, the deadline in seconds of the loop's clock."""

    name: str
    interval_seconds: float
    collect: Callable[[float], Awaitable[Reading]]
    course: Course = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "course", Course(self.name, self.interval_seconds))


class Scheduler:
    """Runs jobs until stopped and hands every reading to `deliver`, which must not block."""

    def __init__(
        self, jobs: Sequence[Job], deliver: Callable[[Reading], None], wall_ms: Callable[[], int], rng: random.Random
    ) -> None:
        self._jobs = tuple(jobs)
        self._deliver = deliver
        self._wall_ms = wall_ms
        self._rng = rng
        self._tasks: list[asyncio.Task[None]] = []
        self._log = structlog.get_logger("scheduler")

    async def start(self) -> None:
        """Begin every job at a random phase."""
        loop = asyncio.get_running_loop()
        for one in self._jobs:
            first = loop.time() + self._rng.random() * min(one.interval_seconds, FIRST_RUN_SECONDS)
            self._tasks.append(loop.create_task(self._run_for_ever(one, first), name=f"collect {one.name}"))

    async def stop(self) -> None:
        """Cancel what runs and wait for it."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def courses(self) -> list[Course]:
        """Return how each target's runs go, in the order of the jobs."""
        return [one.course for one in self._jobs]

    async def _run_for_ever(self, one: Job, due: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            reading = await self._run(one)
            if reading is not None and (reading.samples or reading.events):
                self._deliver(reading)
            due += one.interval_seconds
            if (behind := loop.time() - due) > 0:
                missed = int(behind // one.interval_seconds) + 1
                one.course.late_total += missed
                due += missed * one.interval_seconds

    async def _run(self, one: Job) -> Reading | None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        course = one.course
        course.runs_total += 1
        course.last_run_ms = self._wall_ms()
        deadline = began + one.interval_seconds
        try:
            async with asyncio.timeout_at(deadline + OVERTIME_SECONDS):
                reading = await one.collect(deadline)
        except TimeoutError:
            course.overtime_total += 1
            self._failed(course, f"did not end {OVERTIME_SECONDS:g} s after its deadline", None)
            return None
        except Exception as error:  # noqa: BLE001 - the outermost loop of a collector: count, tell once, go on
            self._failed(course, f"{type(error).__name__}: {error}", error)
            return None
        finally:
            course.last_seconds = loop.time() - began
        if course.failing:
            course.failing = False
            self._log.info("collector_works_again", target=one.name)
        return reading

    def _failed(self, course: Course, reason: str, error: Exception | None) -> None:
        course.errors_total += 1
        course.last_error = reason
        if not course.failing:
            course.failing = True
            trace = None if error is None or isinstance(error, EdgeError) else error
            self._log.error("collector_fails", target=course.target, reason=reason, exc_info=trace)
