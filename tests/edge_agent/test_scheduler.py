"""When collectors run, told in virtual time: the loop's clock jumps to the next timer, nothing really waits."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Awaitable, Callable

import pytest
import structlog

from edge_agent.collectors.reading import Reading
from edge_agent.scheduler import FIRST_RUN_SECONDS, OVERTIME_SECONDS, Job, Scheduler
from protocols.samples import HostSample

SAMPLE = HostSample(thing="a", observed_at_ms=1, monotonic_ms=1)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop whose clock moves only when nothing is left to do now."""

    def __init__(self) -> None:
        super().__init__(_InstantSelector(self))
        self.now = 1000.0

    def time(self) -> float:
        return self.now


class _InstantSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready and timeout:
            self._loop.now += timeout
        return ready


def in_virtual_time(main: Callable[[], Awaitable[None]]) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())  # type: ignore[arg-type]


def scheduler_of(jobs: list[Job], made: list[Reading], seed: int = 7) -> Scheduler:
    return Scheduler(jobs, made.append, lambda: 0, random.Random(seed))


def test_runs_are_on_a_grid_from_a_first_run_within_ten_seconds():
    async def main() -> None:
        loop = asyncio.get_running_loop()
        times: list[float] = []

        async def collect(deadline: float) -> Reading:
            times.append(loop.time())
            assert deadline == pytest.approx(loop.time() + 60)
            await asyncio.sleep(7)
            return Reading((SAMPLE,))

        made: list[Reading] = []
        scheduler = scheduler_of([Job("a", 60, collect)], made)
        began = loop.time()
        await scheduler.start()
        await asyncio.sleep(599)
        await scheduler.stop()
        assert 0 <= times[0] - began <= FIRST_RUN_SECONDS
        assert times == pytest.approx([times[0] + 60 * number for number in range(10)])
        assert len(made) == 10
        assert scheduler.courses()[0].late_total == 0

    in_virtual_time(main)


def test_twenty_targets_do_not_begin_in_one_moment():
    async def main() -> None:
        loop = asyncio.get_running_loop()
        firsts: list[float] = []

        async def collect(deadline: float) -> Reading:
            firsts.append(loop.time())
            return Reading()

        scheduler = scheduler_of([Job(f"sw{number}", 3600, collect) for number in range(20)], [])
        await scheduler.start()
        await asyncio.sleep(60)
        await scheduler.stop()
        assert len({round(first, 2) for first in firsts}) == 20
        assert max(firsts) - min(firsts) > FIRST_RUN_SECONDS / 2

    in_virtual_time(main)


def test_a_slow_target_is_skipped_and_counted_never_stacked():
    async def main() -> None:
        running = most = 0

        async def collect(deadline: float) -> Reading:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(11)
            running -= 1
            return Reading()

        scheduler = scheduler_of([Job("slow", 10, collect)], [])
        await scheduler.start()
        await asyncio.sleep(110)
        await scheduler.stop()
        course = scheduler.courses()[0]
        assert most == 1
        assert course.late_total >= 4
        assert course.runs_total + course.late_total == pytest.approx(11, abs=1)

    in_virtual_time(main)


def test_a_collector_that_never_ends_is_cancelled_and_harms_no_other():
    async def main() -> None:
        cancelled: list[float] = []

        async def hang(deadline: float) -> Reading:
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.append(asyncio.get_running_loop().time() - deadline)
            return Reading()

        async def work(deadline: float) -> Reading:
            return Reading((SAMPLE,))

        made: list[Reading] = []
        scheduler = scheduler_of([Job("hangs", 10, hang), Job("works", 10, work)], made)
        await scheduler.start()
        await asyncio.sleep(95)
        hangs, works = scheduler.courses()
        assert hangs.overtime_total >= 4
        assert hangs.last_error == "did not end 2 s after its deadline"
        assert cancelled[0] == pytest.approx(OVERTIME_SECONDS)
        assert len(made) == works.runs_total >= 9
        await scheduler.stop()

    in_virtual_time(main)


def test_a_collector_that_raises_is_told_once_down_and_once_back():
    async def main() -> None:
        broken = True

        async def collect(deadline: float) -> Reading:
            if broken:
                raise ZeroDivisionError("a fault of ours")
            return Reading((SAMPLE,))

        made: list[Reading] = []
        scheduler = scheduler_of([Job("a", 10, collect)], made)
        with structlog.testing.capture_logs() as said:
            await scheduler.start()
            await asyncio.sleep(55)
            course = scheduler.courses()[0]
            assert course.errors_total == course.runs_total >= 5
            assert course.last_error == "ZeroDivisionError: a fault of ours"
            broken = False
            await asyncio.sleep(50)
        await scheduler.stop()
        assert [entry["event"] for entry in said] == ["collector_fails", "collector_works_again"]
        assert made
        assert not course.failing

    in_virtual_time(main)


def test_stopping_cancels_what_runs():
    async def main() -> None:
        begun = asyncio.Event()
        ended: list[bool] = []

        async def collect(deadline: float) -> Reading:
            begun.set()
            try:
                await asyncio.sleep(3600)
            finally:
                ended.append(True)
            return Reading()

        scheduler = scheduler_of([Job("a", 7200, collect)], [])
        await scheduler.start()
        await begun.wait()
        await scheduler.stop()
        assert ended == [True]
        assert len(asyncio.all_tasks()) == 1

    in_virtual_time(main)
