"""How fast the spool takes items durably, beside the same rows through bare SQLite with the same durability and groups.

Both answer only after the commit is on disk (WAL, `synchronous=FULL`). The limit inserts one row per sample, a column
per metric, one transaction per group, from one thread, and does nothing else: no identity, no range checks, no books,
no encoding for the wire. Two producers keep the spool busy, each waiting for its answer before it hands in its next
group. Short rounds of the two sides alternate, and a round's ratio is taken against the round beside it, so that
whatever else the machine does meets both; what the sides have written is flushed before the next size begins, or its
write-back would stall whoever is measured then. Rates and ratios are medians over the rounds.

`ratio_to_limit` is the median of the group sizes above one: a rented disk may fall to a few commits a second in the
middle of a run, and one such round would carry any mean away. Every size, alone too, is among the figures.
"""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from statistics import median
from typing import NamedTuple

import msgspec
import psutil

from edge_agent.clock import SystemClock
from edge_agent.spool import Spool, SpoolLimits
from ops.benchmarks.report import BenchResult, Environment, Figure, Progress, environment
from protocols.blocks import unpack
from protocols.codec import decode_segment
from protocols.receipts import Outcome, SegmentReceipt
from protocols.samples import TerminalSample

AGENT = "s07-gw"
GROUPS = (1, 8, 64, 512)
"""Samples that share a commit: alone, a few, a class's, a poll of every switch."""
ROUNDS = 21
ROUND_SECONDS = 0.2
PRODUCERS = 2
MEMORY_SAMPLES = 1_000_000
MEMORY_BATCH = 500
BUDGET = "ratio >= 0.8; a million spooled samples add <= 10 MB of memory"
_LIMITS = SpoolLimits(max_bytes=4 * 1024**3, min_free_bytes=0)
_COLUMNS = TerminalSample.__struct_fields__
_INSERT = f"INSERT INTO samples VALUES ({', '.join('?' * len(_COLUMNS))})"


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


class _Round(NamedTuple):
    """Rates of both sides in neighbouring moments, in samples per second."""

    ours: float
    limit: float


class _Samples:
    """Samples of a school's terminals; no two alike in thing and time."""

    def __init__(self) -> None:
        self._random = Random(20)
        self.made = 0

    def take(self, count: int) -> list[TerminalSample]:
        random = self._random
        first, self.made = self.made, self.made + count
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


class _SpoolBench:
    def __init__(self, folder: Path, executor: ThreadPoolExecutor, progress: Progress) -> None:
        self._folder = folder
        self._executor = executor
        self._say = progress
        self._samples = _Samples()
        self._stored = 0

    async def run(self, where: Environment) -> BenchResult:
        rss_bytes = await self._memory()
        spool = self._spool("speed.db")
        await spool.start()
        bare = self._bare()
        rounds: dict[int, list[_Round]] = {}
        for group in GROUPS:
            self._say(f"groups of {group}: {ROUNDS} rounds of {ROUND_SECONDS} s each side")
            os.sync()
            rounds[group] = await self._compare(spool, bare, group)
        bare.close()
        lost, duplicated = await self._read_back(spool)
        await spool.stop()
        return _result(where, rounds, lost, duplicated, rss_bytes)

    def _spool(self, name: str) -> Spool:
        return Spool(self._folder / name, agent=AGENT, clock=SystemClock(), executor=self._executor, limits=_LIMITS)

    def _bare(self) -> sqlite3.Connection:
        bare = sqlite3.connect(self._folder / "bare.db", isolation_level=None)
        bare.execute("PRAGMA journal_mode = WAL")
        bare.execute("PRAGMA synchronous = FULL")
        bare.execute(f"CREATE TABLE samples ({', '.join(_COLUMNS)})")
        return bare

    async def _compare(self, spool: Spool, bare: sqlite3.Connection, group: int) -> list[_Round]:
        rounds = []
        for _ in range(ROUNDS):
            commits = spool.position().next_seq
            ours = await self._through_spool(spool, group)
            commits = spool.position().next_seq - commits
            # Both producers' groups may meet in one commit: the limit then commits as many rows at once.
            limit = self._through_bare(bare, max(1, round(self._stored / commits)))
            rounds.append(_Round(ours, limit))
        return rounds

    async def _through_spool(self, spool: Spool, group: int) -> float:
        groups = self._prepared(group)
        stored = 0
        began = time.perf_counter()
        ends = began + ROUND_SECONDS

        async def produce() -> None:
            nonlocal stored
            while time.perf_counter() < ends:
                batch = next(groups)
                await spool.append(batch)
                stored += len(batch)

        await asyncio.gather(*(produce() for _ in range(PRODUCERS)))
        self._stored = stored
        return stored / (time.perf_counter() - began)

    def _through_bare(self, bare: sqlite3.Connection, group: int) -> float:
        groups = self._prepared(group)
        stored = 0
        began = time.perf_counter()
        ends = began + ROUND_SECONDS
        while time.perf_counter() < ends:
            batch = next(groups)
            bare.execute("BEGIN IMMEDIATE")
            bare.executemany(_INSERT, map(msgspec.structs.astuple, batch))
            bare.execute("COMMIT")
            stored += len(batch)
        return stored / (time.perf_counter() - began)

    def _prepared(self, group: int) -> Iterator[Sequence[TerminalSample]]:
        """Yield batches; the first second's worth is made beforehand, so that making them is not measured."""
        made = [self._samples.take(group) for _ in range(min(6000, max(600, 300_000 // group)))]
        yield from made
        while True:
            yield self._samples.take(group)

    async def _read_back(self, spool: Spool) -> tuple[int, int]:
        """Send everything to nowhere and count what comes out, by name: lost and duplicated samples."""
        self._say("reading everything back")
        produced = spool.books().produced_items
        seen: Counter[tuple[str, int]] = Counter()
        while segments := await spool.next_segments(64):
            for segment in segments:
                for block in decode_segment(segment.payload).blocks:
                    seen.update((sample.thing, sample.observed_at_ms) for sample in unpack(block))
            await spool.confirm(
                [
                    SegmentReceipt(epoch=one.identity.epoch, seq=one.identity.seq, outcome=Outcome.STORED)
                    for one in segments
                ]
            )
        return produced - len(seen), sum(seen.values()) - len(seen)

    async def _memory(self) -> int:
        """Return by how many bytes resident memory grows while a million samples are spooled and none is sent."""
        process = psutil.Process()
        spool = self._spool("memory.db")
        await spool.start()
        await self._spool_samples(spool, 50_000)
        gc.collect()
        before = process.memory_info().rss
        self._say(f"spooling {MEMORY_SAMPLES:,} samples to see the memory")
        await self._spool_samples(spool, MEMORY_SAMPLES)
        gc.collect()
        grown = process.memory_info().rss - before
        assert spool.books().held_items == MEMORY_SAMPLES + 50_000
        await spool.stop()
        return max(0, grown)

    async def _spool_samples(self, spool: Spool, count: int) -> None:
        for _ in range(count // MEMORY_BATCH):
            await spool.append(self._samples.take(MEMORY_BATCH))


def _result(
    where: Environment, rounds: dict[int, list[_Round]], lost: int, duplicated: int, rss_bytes: int
) -> BenchResult:
    ours = {group: median(one.ours for one in rounds[group]) for group in GROUPS}
    limit = {group: median(one.limit for one in rounds[group]) for group in GROUPS}
    ratios = {group: median(one.ours / one.limit for one in rounds[group]) for group in GROUPS}
    grouped = [ratio for group, ratio in ratios.items() if group > 1]
    figures: dict[str, Figure] = {f"samples_per_second_groups_of_{group}": round(ours[group]) for group in GROUPS}
    figures |= {f"ratio_groups_of_{group}": round(ratios[group], 3) for group in GROUPS}
    figures["memory_added_by_a_million_samples_bytes"] = rss_bytes
    return BenchResult(
        name="spool",
        figures=figures,
        limit={f"samples_per_second_groups_of_{group}": round(limit[group]) for group in GROUPS},
        ratio_to_limit=round(median(grouped), 3),
        lost=lost,
        duplicated=duplicated,
        environment=where,
        budget=BUDGET,
    )
