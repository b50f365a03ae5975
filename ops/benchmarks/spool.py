"""How fast the spool takes items durably, beside the same rows through bare SQLite with the same durability and groups.

Two kinds of case. `callers_<n>`: so many callers at once, each awaiting the fsync of one event before it hands in the
next, as the LAN API does for each record (DESIGN.md §2). `groups_of_<n>`: two callers that hand in so many samples at a
time, as collectors do. Three sides take the very same rows:

- the spool;
- the limit, `spool_limit.BareWriter`: awaiting callers too, group commit too, nothing but bare SQLite behind it. The
  two differ in nothing but what the spool does besides storing, so their ratio is the price of that;
- `direct`, for comparison only: bare SQLite called from a plain loop, as many rows per commit as the case has in
  flight and nobody to be answered, so without the change of threads that keeps an agent's loop free. It is how fast
  SQLite itself is here, but nothing that concurrent callers could use.

Every round visits every case, and in each case every side for a moment, each time another first: whatever the disk
does in the course of the run (rented ones fall to a few commits a second), it does to all. A ratio is taken between
neighbouring moments; what is reported is the median over the rounds, the first left out. `commits_per_second` says how
fast the disk was: where it is below some hundreds both sides mostly wait for the disk, their ratio goes to 1 and proves
little. `cpu_microseconds_per_row` (user and system, all threads, callers and fsync included) holds there too.
Other work on the machine (`load_before`) scatters the moments: quartiles of the ratio far apart say to measure again.

`ratio_to_limit` is that of `callers_50`, a class that answers at once; no other case moves it.
"""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import NamedTuple

import psutil

from edge_agent.clock import SystemClock
from edge_agent.spool import Spool, SpoolLimits
from ops.benchmarks.report import BenchResult, Environment, Figure, Progress, environment
from ops.benchmarks.spool_limit import BareWriter, Row
from protocols.blocks import unpack
from protocols.codec import decode_segment
from protocols.events import Event
from protocols.receipts import Outcome, SegmentReceipt
from protocols.samples import Kind, TerminalSample

AGENT = "s07-gw"


class Case(NamedTuple):
    """So many callers at once, each handing in so many rows at a time: single events, or groups of samples."""

    callers: int
    rows: int

    @property
    def name(self) -> str:
        """As in the figures."""
        return f"callers_{self.callers}" if self.rows == 1 else f"groups_of_{self.rows}"


HEADLINE = Case(50, 1)
CASES = (Case(1, 1), Case(8, 1), HEADLINE, Case(200, 1), Case(2, 8), Case(2, 64), Case(2, 512))
ITINERARY = (*CASES[:4], HEADLINE, *CASES[4:], HEADLINE)
"""One round: the headline's case thrice, so that its median rests on the most."""
ROUNDS = 16
"""One more than count; fewer where the disk is so slow that they would take longer than `SPEED_SECONDS`."""
FEWEST_ROUNDS = 4
TURN_SECONDS = 0.12
SPEED_SECONDS = 75
FIRST_ROWS = 4_000
MEMORY_SAMPLES = 1_000_000
MEMORY_WARM_UP = 50_000
MEMORY_BATCH = 500
MEMORY_CALLERS = 10
RECEIPTS_AT_ONCE = 1000
BUDGET = f"ratio of {HEADLINE.name} >= 0.8; a million spooled samples add <= 10 MB of memory"
_LIMITS = SpoolLimits(max_bytes=4 * 1024**3, min_free_bytes=0)
_EVENT_TYPE = "terminal.present"


def run(progress: Progress) -> BenchResult:
    """Measure; takes about a minute on a quiet machine."""
    where = environment()
    folder = Path(tempfile.mkdtemp(prefix="bench-spool-"))
    executor = ThreadPoolExecutor(1)
    try:
        return asyncio.run(_SpoolBench(folder, executor, progress).run(where))
    finally:
        executor.shutdown()
        shutil.rmtree(folder)


class _Turn(NamedTuple):
    """What one side did in one moment."""

    rows: int
    commits: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        return self.rows / self.seconds


class _Round(NamedTuple):
    """The sides in neighbouring moments, with the same rows."""

    spool: _Turn
    limit: _Turn
    direct: _Turn


class _Rows:
    """Events and samples of a school's terminals; no two alike in name, or in thing and time."""

    def __init__(self) -> None:
        self._random = Random(20)
        self._made = 0

    def events(self, count: int) -> list[Event]:
        random = self._random
        first, self._made = self._made, self._made + count
        return [
            Event(
                event_id=random.randbytes(16).hex(),
                type=_EVENT_TYPE,
                kind=Kind.TERMINAL,
                thing=f"s07-t{index % 700:04d}",
                observed_at_ms=1_700_000_000_000 + index,
                monotonic_ms=index,
                attributes={"battery_ratio": round(random.random(), 2), "app_version": "4.2.1", "away": index % 600},
            )
            for index in range(first, first + count)
        ]

    def samples(self, count: int) -> list[TerminalSample]:
        random = self._random
        first, self._made = self._made, self._made + count
        return [
            TerminalSample(
                thing=f"s07-t{index % 700:04d}",
                observed_at_ms=1_700_000_000_000 + index,
                monotonic_ms=index,
                present=random.random() < 0.9,
                battery_ratio=round(random.random(), 2),
                charging=random.random() < 0.3,
                storage_free_bytes=random.randrange(2**36),
                wifi_rssi_dbm=float(random.randrange(-90, -30)),
                app_version="4.2.1",
            )
            for index in range(first, first + count)
        ]


class _Supply:
    """The rows of one round of one case, made beforehand, so that making them is not measured; handed out thrice."""

    def __init__(self, rows: _Rows, case: Case, count: int) -> None:
        self._make = rows.events if case.rows == 1 else rows.samples
        self._size = case.rows
        self._groups: list[Sequence[Row]] = []
        self._given = 0
        self._add(max(case.callers, count // case.rows))

    def _add(self, groups: int) -> None:
        self._groups += [self._make(self._size) for _ in range(groups)]

    def rewind(self) -> None:
        """Begin again from the first row."""
        self._given = 0

    def take(self) -> Sequence[Row]:
        """Return the next group."""
        if self._given == len(self._groups):
            self._add(1)
        self._given += 1
        return self._groups[self._given - 1]


class _SpoolBench:
    def __init__(self, folder: Path, executor: ThreadPoolExecutor, progress: Progress) -> None:
        self._folder = folder
        self._executor = executor
        self._say = progress
        self._rows = _Rows()
        self._accepted = 0
        self._spool_commits = 0

    async def run(self, where: Environment) -> BenchResult:
        rss_bytes = await self._memory()
        os.sync()
        spool = self._spool("speed.db")
        await spool.start()
        spool.listen(self._count_commit)
        bare = BareWriter(self._folder / "bare.db")
        rounds = await self._compare(spool, bare)
        bare.close()
        lost, duplicated = await self._read_back(spool)
        await spool.stop()
        return _result(where, rounds, lost, duplicated, rss_bytes)

    def _count_commit(self) -> None:
        self._spool_commits += 1

    def _spool(self, name: str) -> Spool:
        return Spool(self._folder / name, agent=AGENT, clock=SystemClock(), executor=self._executor, limits=_LIMITS)

    async def _compare(self, spool: Spool, bare: BareWriter) -> dict[Case, list[_Round]]:
        self._say(f"{len(CASES)} cases, {ROUNDS} rounds of {TURN_SECONDS} s for each side")
        began = time.monotonic()
        rounds: dict[Case, list[_Round]] = {case: [] for case in CASES}
        row_counts = dict.fromkeys(CASES, FIRST_ROWS)
        for number in range(ROUNDS):
            if number >= FEWEST_ROUNDS and time.monotonic() - began > SPEED_SECONDS:
                break
            for case in ITINERARY:
                supply = _Supply(self._rows, case, row_counts[case])
                one = await self._round(spool, bare, case, supply, number)
                row_counts[case] = max(row_counts[case], max(turn.rows for turn in one) * 5 // 4)
                rounds[case].append(one)
            self._say(f"round {number + 1} of {ROUNDS}")
        # The first has warmed up caches and shown how many rows a round takes.
        return {case: ones[ITINERARY.count(case) :] or ones for case, ones in rounds.items()}

    async def _round(self, spool: Spool, bare: BareWriter, case: Case, supply: _Supply, number: int) -> _Round:
        turns: list[Callable[[], Awaitable[_Turn]]] = [
            lambda: self._awaited(spool.append, lambda: self._spool_commits, case, supply),
            lambda: self._awaited(bare.append, lambda: bare.commits, case, supply),
            lambda: self._direct(bare, case, supply),
        ]
        done: dict[int, _Turn] = {}
        for place in range(len(turns)):
            side = (place + number) % len(turns)
            supply.rewind()
            gc.collect()
            done[side] = await turns[side]()
        self._accepted += done[0].rows
        return _Round(done[0], done[1], done[2])

    @staticmethod
    async def _awaited(
        append: Callable[[Sequence[Row]], Awaitable[None]], commits: Callable[[], int], case: Case, supply: _Supply
    ) -> _Turn:
        """Let the callers hand in one group after another, each when its last one is answered for."""
        stored, commits_before = 0, commits()
        cpu_began, began = time.process_time(), time.perf_counter()
        ends = began + TURN_SECONDS

        async def call() -> None:
            nonlocal stored
            while True:  # once at least: a busy machine may let the whole turn pass before the first look at the clock
                group = supply.take()
                await append(group)
                stored += len(group)
                if time.perf_counter() >= ends:
                    return

        await asyncio.gather(*(call() for _ in range(case.callers)))
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
        return _Turn(stored, commits() - commits_before, seconds, cpu_seconds)

    @staticmethod
    async def _direct(bare: BareWriter, case: Case, supply: _Supply) -> _Turn:
        stored, commits = 0, 0
        cpu_began, began = time.process_time(), time.perf_counter()
        ends = began + TURN_SECONDS
        while commits == 0 or time.perf_counter() < ends:
            bare.commit([supply.take() for _ in range(case.callers)])
            stored += case.callers * case.rows
            commits += 1
        return _Turn(stored, commits, time.perf_counter() - began, time.process_time() - cpu_began)

    async def _read_back(self, spool: Spool) -> tuple[int, int]:
        """Take everything out and count it by name: how much of what was answered for is lost, and how much double."""
        self._say("reading everything back")
        seen: Counter[str | tuple[str, int]] = Counter()
        while segments := await spool.next_segments(RECEIPTS_AT_ONCE):
            for segment in segments:
                decoded = decode_segment(segment.payload)
                seen.update(event.event_id for event in decoded.events if event.type == _EVENT_TYPE)
                for block in decoded.blocks:
                    seen.update((sample.thing, sample.observed_at_ms) for sample in unpack(block))
            await spool.confirm(
                [
                    SegmentReceipt(epoch=one.identity.epoch, seq=one.identity.seq, outcome=Outcome.STORED)
                    for one in segments
                ]
            )
        return self._accepted - len(seen), sum(seen.values()) - len(seen)

    async def _memory(self) -> int:
        """Return by how many bytes resident memory grows while a million samples are spooled and none is sent."""
        process = psutil.Process()
        spool = self._spool("memory.db")
        await spool.start()
        await self._spool_samples(spool, MEMORY_WARM_UP)
        gc.collect()
        before = process.memory_info().rss
        self._say(f"spooling {MEMORY_SAMPLES:,} samples to see the memory")
        await self._spool_samples(spool, MEMORY_SAMPLES)
        gc.collect()
        grown = process.memory_info().rss - before
        assert spool.books().held_items == MEMORY_SAMPLES + MEMORY_WARM_UP
        await spool.stop()
        return max(0, grown)

    async def _spool_samples(self, spool: Spool, count: int) -> None:
        """Several at once share a commit, or a slow disk would make minutes of this."""
        batches = [MEMORY_BATCH] * (count // MEMORY_BATCH)
        while batches:
            now, batches = batches[:MEMORY_CALLERS], batches[MEMORY_CALLERS:]
            await asyncio.gather(*(spool.append(self._rows.samples(size)) for size in now))


def _result(
    where: Environment, rounds: dict[Case, list[_Round]], lost: int, duplicated: int, rss_bytes: int
) -> BenchResult:
    figures: dict[str, Figure] = {}
    limit: dict[str, Figure] = {}
    ratios = {case: [one.spool.rate / one.limit.rate for one in ones] for case, ones in rounds.items()}
    for case, ones in rounds.items():
        figures[f"ratio_{case.name}"] = round(median(ratios[case]), 3)
        figures |= _figures(case, [one.spool for one in ones])
        limit |= _figures(case, [one.limit for one in ones])
        limit[f"direct_rows_per_second_{case.name}"] = round(median(one.direct.rate for one in ones))
    low, _, high = quantiles(ratios[HEADLINE], n=4) if len(ratios[HEADLINE]) > 1 else ratios[HEADLINE] * 3
    figures[f"ratio_{HEADLINE.name}_lower_quartile"] = round(low, 3)
    figures[f"ratio_{HEADLINE.name}_upper_quartile"] = round(high, 3)
    figures[f"ratio_{HEADLINE.name}_measured_times"] = len(ratios[HEADLINE])
    figures["memory_added_by_a_million_samples_bytes"] = rss_bytes
    return BenchResult(
        name="spool",
        figures=figures,
        limit=limit,
        ratio_to_limit=round(median(ratios[HEADLINE]), 3),
        lost=lost,
        duplicated=duplicated,
        environment=where,
        budget=BUDGET,
    )


def _figures(case: Case, turns: Sequence[_Turn]) -> dict[str, Figure]:
    return {
        f"rows_per_second_{case.name}": round(median(one.rate for one in turns)),
        f"rows_per_commit_{case.name}": round(median(one.rows / one.commits for one in turns), 1),
        f"commits_per_second_{case.name}": round(median(one.commits / one.seconds for one in turns)),
        f"cpu_microseconds_per_row_{case.name}": round(median(one.cpu_seconds / one.rows for one in turns) * 1e6, 1),
    }
