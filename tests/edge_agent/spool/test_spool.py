"""The spool as the agent uses it: durable answers, offers, one owner, full disks and their end."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import psutil
import pytest

from edge_agent.spool import (
    ItemRefused,
    Spool,
    SpoolClosed,
    SpoolFull,
    SpoolLimits,
    SpoolLocked,
    SpoolOfAnotherAgent,
    SpoolUnwritable,
)
from edge_agent.spool.inspection import inspect_spool
from protocols.receipts import Outcome, SegmentReceipt
from protocols.samples import HostSample
from protocols.topics import Lane
from tests.edge_agent.spool.makers import AGENT, Disk, SetClock, events, host_samples, tokens

LIMITS = SpoolLimits(max_bytes=1024 * 1024, min_free_bytes=1000, seal_seconds=0.05)


class Bench:
    """A clock, a disk and spools on them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "spool.db"
        self.clock = SetClock()
        self.disk = Disk()
        self.random = Random(3)
        self.executor = ThreadPoolExecutor(2)

    def spool(self, agent: str = AGENT, limits: SpoolLimits = LIMITS) -> Spool:
        return Spool(
            self.path,
            agent=agent,
            clock=self.clock,
            executor=self.executor,
            limits=limits,
            token_hex=tokens(self.random.randrange(2**32)),
            free_bytes=self.disk,
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.fixture
async def spool(bench: Bench) -> AsyncIterator[Spool]:
    spool = bench.spool()
    await spool.start()
    yield spool
    await spool.stop()
    bench.executor.shutdown()


async def test_what_append_answered_for_is_there_after_another_start(bench: Bench, spool: Spool) -> None:
    await spool.append(host_samples(bench.clock, 5, bench.random))
    await spool.append(events(bench.clock, 2, bench.random))
    before, books = spool.position(), spool.books()
    await spool.stop()
    await spool.start()
    assert (spool.position(), spool.books()) == (before, books)
    assert [(one.lane, one.items) for one in await spool.next_segments(9)] == [(Lane.EVENTS, 2), (Lane.LIVE, 5)]


async def test_many_callers_share_commits(bench: Bench, spool: Spool) -> None:
    await asyncio.gather(*(spool.append(host_samples(bench.clock, 1, bench.random)) for _ in range(200)))
    assert spool.books().held_items == 200
    assert spool.position().next_seq < 20


async def test_a_bad_item_refuses_its_own_append_and_no_other(bench: Bench, spool: Spool) -> None:
    bad = HostSample(thing="h", observed_at_ms=1, monotonic_ms=1, cpu_ratio=7.0)
    good = host_samples(bench.clock, 2, bench.random)
    answers = await asyncio.gather(
        spool.append(good), spool.append([*good, bad]), spool.append(good), return_exceptions=True
    )
    assert answers[0] is answers[2] is None
    assert isinstance(answers[1], ItemRefused)
    assert answers[1].position == 2
    assert "cpu_ratio" in str(answers[1])
    assert spool.books().produced_items == 4


async def test_offers_are_sealed_in_time_and_a_bad_one_is_counted(bench: Bench, spool: Spool) -> None:
    sealed = asyncio.Event()
    spool.listen(sealed.set)
    bad = HostSample(thing="h", observed_at_ms=1, monotonic_ms=1, cpu_ratio=7.0)
    spool.offer([*host_samples(bench.clock, 3, bench.random), bad])
    buffered = (await spool.stats()).buffered_items
    assert buffered == 4 or sealed.is_set(), "a look that took longer than the sealing finds nothing any more"
    async with asyncio.timeout(90):
        await sealed.wait()
    stats = await spool.stats()
    assert (stats.books.held_items, stats.refused_items, stats.buffered_items) == (3, 1, 0)


async def test_stop_seals_what_was_offered(bench: Bench, spool: Spool) -> None:
    spool.offer([*host_samples(bench.clock, 3, bench.random), *events(bench.clock, 1, bench.random)])
    await spool.stop()
    await spool.start()
    assert spool.books().held_items == 4


async def test_a_stopped_spool_takes_nothing(bench: Bench, spool: Spool) -> None:
    await spool.stop()
    with pytest.raises(SpoolClosed):
        await spool.append(events(bench.clock, 1, bench.random))
    with pytest.raises(SpoolClosed):
        spool.offer(events(bench.clock, 1, bench.random))


async def test_a_second_owner_is_refused_with_the_first_ones_pid(bench: Bench, spool: Spool) -> None:
    second = bench.spool()
    with pytest.raises(SpoolLocked, match=f"in use by process {os.getpid()}") as refused:
        await second.start()
    assert "only one agent" in refused.value.hint
    await spool.stop()
    await second.start()
    await second.stop()


async def test_another_agents_file_is_refused_and_left_alone(bench: Bench, spool: Spool) -> None:
    await spool.append(events(bench.clock, 1, bench.random))
    await spool.stop()
    with pytest.raises(SpoolOfAnotherAgent, match="belongs to agent 's07-gw'"):
        await bench.spool(agent="s08-gw").start()
    await spool.start()
    assert spool.books().held_items == 1


async def test_a_folder_that_cannot_be_made_is_said_so(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    bench.path = tmp_path / "file" / "spool.db"
    with pytest.raises(SpoolUnwritable, match="cannot be used"):
        await bench.spool().start()


async def test_health_turns_from_live_to_backlog_after_a_minute(bench: Bench, spool: Spool) -> None:
    await spool.append(host_samples(bench.clock, 1, bench.random))
    bench.clock.advance(40)
    await spool.append(host_samples(bench.clock, 1, bench.random))
    assert [(one.lane, one.identity.seq) for one in await spool.next_segments(9)] == [(Lane.LIVE, 2), (Lane.LIVE, 1)]
    bench.clock.advance(30)
    assert [(one.lane, one.identity.seq) for one in await spool.next_segments(9)] == [(Lane.LIVE, 2), (Lane.BACKLOG, 1)]
    held = {one.lane: one.segments for one in (await spool.stats()).held}
    assert held == {Lane.EVENTS: 0, Lane.RECORDS: 0, Lane.LIVE: 1, Lane.BACKLOG: 1}


async def test_a_wall_clock_that_jumps_makes_nothing_live_or_old(bench: Bench, spool: Spool) -> None:
    await spool.append(host_samples(bench.clock, 1, bench.random))
    bench.clock.wall += 10**9
    assert [one.lane for one in await spool.next_segments(9)] == [Lane.LIVE]
    bench.clock.reboot()
    assert [one.lane for one in await spool.next_segments(9)] == [Lane.BACKLOG]


async def test_rejected_items_leave_the_spool_and_are_counted_as_rejected(bench: Bench, spool: Spool) -> None:
    await spool.append(events(bench.clock, 3, bench.random))
    (segment,) = await spool.next_segments(1)
    epoch, seq = segment.identity
    receipt = SegmentReceipt(epoch=epoch, seq=seq, outcome=Outcome.REJECTED, reason="bad_schema")
    assert await spool.confirm([receipt, receipt], skew_seconds=1.5) == 1
    books = spool.books()
    assert (books.rejected_items, books.confirmed_items, books.held_items) == (3, 0, 0)
    assert (await spool.stats()).skew_seconds == 1.5


async def test_a_full_spool_refuses_events_keeps_all_it_has_and_serves_again_when_drained(
    bench: Bench, spool: Spool
) -> None:
    accepted = 0
    with pytest.raises(SpoolFull, match="no room"):
        while True:
            await spool.append(events(bench.clock, 1, bench.random, size_bytes=20_000))
            accepted += 1
    stats = await spool.stats()
    assert stats.file_bytes + stats.wal_bytes <= LIMITS.max_bytes
    assert stats.used_ratio > 0.9
    segments = await spool.next_segments(1000)
    receipts = [SegmentReceipt(epoch=s.identity.epoch, seq=s.identity.seq, outcome=Outcome.STORED) for s in segments]
    assert sum(segment.items for segment in segments) >= accepted
    await spool.confirm(receipts)
    await spool.append(events(bench.clock, 1, bench.random, size_bytes=20_000))


async def test_offered_events_wait_out_a_full_disk(bench: Bench, spool: Spool) -> None:
    bench.disk.free_bytes = 0
    with pytest.raises(SpoolFull):
        while True:
            await spool.append(events(bench.clock, 1, bench.random, size_bytes=4_000))
    held = spool.books().held_items
    spool.offer(events(bench.clock, 1, bench.random, size_bytes=20_000))
    await spool.flush()
    assert (await spool.stats()).buffered_items == 1
    bench.disk.free_bytes = 10**12
    await spool.flush()
    assert (await spool.stats()).buffered_items == 0
    assert spool.books().held_items > held


async def test_health_without_room_is_counted_as_thinned_on_arrival(bench: Bench, spool: Spool) -> None:
    bench.disk.free_bytes = 0
    for _ in range(20):
        await spool.append(host_samples(bench.clock, 100, bench.random))
    books = spool.books()
    assert books.thinned_items > 0
    assert books.produced_items - books.thinned_items == books.held_items


async def test_space_goes_back_to_the_disk_when_the_backlog_is_gone(bench: Bench) -> None:
    spool = bench.spool(limits=SpoolLimits(max_bytes=8 * 1024 * 1024, min_free_bytes=1000))
    await spool.start()
    for _ in range(160):
        await spool.append(events(bench.clock, 1, bench.random, size_bytes=20_000))
    full_bytes = (await spool.stats()).file_bytes
    while segments := await spool.next_segments(5):
        await spool.confirm(
            [SegmentReceipt(epoch=s.identity.epoch, seq=s.identity.seq, outcome=Outcome.STORED) for s in segments]
        )
    assert (await spool.stats()).file_bytes < full_bytes / 2
    await spool.stop()


async def test_a_cancelled_caller_does_not_disturb_the_next(bench: Bench, spool: Spool) -> None:
    tasks = [asyncio.create_task(spool.append(events(bench.clock, 1, bench.random))) for _ in range(50)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in answers[::2])
    assert answers[1::2] == [None] * 25
    asking = asyncio.create_task(spool.next_segments(1))
    await asyncio.sleep(0)
    asking.cancel()
    await spool.append(events(bench.clock, 1, bench.random))
    assert spool.books().held_items >= 26


async def test_a_session_number_rises_even_over_a_lost_spool(bench: Bench, spool: Spool) -> None:
    numbers = [await spool.take_session() for _ in range(3)]
    await spool.stop()
    bench.path.unlink()
    bench.clock.advance(10)
    await spool.start()
    numbers.append(await spool.take_session())
    assert numbers == sorted(set(numbers))


async def test_hundreds_of_spools_share_a_process_cheaply(bench: Bench, tmp_path: Path) -> None:
    """Four handles each (file, log, shared index, lock), no thread of their own."""
    process = psutil.Process()
    handles, threads = process.num_fds(), process.num_threads()
    spools = []
    for number in range(60):
        bench.path = tmp_path / str(number) / "spool.db"
        spools.append(bench.spool())
    await asyncio.gather(*(spool.start() for spool in spools))
    await asyncio.gather(*(spool.append(host_samples(bench.clock, 2, bench.random)) for spool in spools))
    assert process.num_fds() - handles <= 4 * 60 + 8
    assert process.num_threads() - threads <= 4
    await asyncio.gather(*(spool.stop() for spool in spools))
    assert process.num_fds() - handles <= 8


APPENDER = """
    import asyncio, sys
    from concurrent.futures import ThreadPoolExecutor
    from pathlib import Path
    from edge_agent.clock import SystemClock
    from edge_agent.spool import Spool
    from protocols.events import Event
    from protocols.samples import Kind

    async def main() -> None:
        spool = Spool(Path(sys.argv[1]), agent="s07-gw", clock=SystemClock(), executor=ThreadPoolExecutor(2))
        await spool.start()

        async def append(first: int) -> None:
            for number in range(first, 10**9, 4):
                event = Event(event_id=f"{number:032x}", type="port.changed", kind=Kind.PORT, thing="p",
                              observed_at_ms=1, monotonic_ms=1)
                await spool.append([event])
                sys.stdout.write(f"{number}\\n")
                sys.stdout.flush()

        await asyncio.gather(*(append(first) for first in range(4)))

    asyncio.run(main())
"""


@pytest.mark.faults
async def test_kill_9_in_the_middle_of_appends_loses_nothing_that_was_answered(bench: Bench, tmp_path: Path) -> None:
    """A process that appends as fast as it can is killed; whatever it had said was stored, is."""
    answered: set[int] = set()
    for _ in range(3):
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(APPENDER), str(bench.path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        answered |= {int(child.stdout.readline()) for _ in range(150)}
        child.kill()
        answered |= {int(line) for line in child.stdout.read().split("\n")[:-1]}
        child.stdout.close()
        child.wait()
    spool = bench.spool()
    await spool.start()
    from tests.edge_agent.spool.makers import event_ids

    stored: list[int] = []
    segments = await spool.next_segments(10_000)
    for segment in segments:
        stored += [int(name, 16) for name in event_ids(segment.payload)]
    assert answered <= set(stored)
    seqs = sorted(segment.identity.seq for segment in segments)
    assert seqs == list(range(1, len(seqs) + 1))
    assert spool.books().produced_items == spool.books().held_items == len(stored)
    await spool.stop()
    content = inspect_spool(bench.path)
    assert content.epochs[0].books.held_items == len(stored)
    bench.executor.shutdown()
