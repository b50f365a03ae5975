"""From segments to rows: columns that binary COPY writes as they are. Pure.

Nothing here builds a dict per row. A block's columns stay columns; a missing metric is an endless None; times become
microseconds since 2000, which is what PostgreSQL's binary timestamptz is. Rows of one kind from many segments follow
each other in one COPY.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, repeat
from operator import le
from typing import Any

from cloud.ingest.models import BlockReading, Reading
from cloud.records.models import Arrived
from cloud.telemetry.correction import corrected_times
from cloud.telemetry.tables import TABLES, KindTables
from protocols.samples import Kind

POSTGRES_EPOCH_MS = 946_684_800_000
"""2000-01-01 in UTC milliseconds since 1970."""

_LONG_AGO = -(2**63)
_BUCKET_MS = 300_000

Row = tuple[Any, ...]

Things = dict[Kind, dict[str, int]]
"""The database's keys of things, by their names."""


def to_postgres(time_ms: int) -> int:
    """Return the microseconds since 2000 of a UTC time in milliseconds."""
    return (time_ms - POSTGRES_EPOCH_MS) * 1000


@dataclass(frozen=True, slots=True)
class ReadyBlock:
    """A block with keys and times as the database has them; columns as they came, None where a metric was left out."""

    agent_id: int
    received_at: int
    resolution_seconds: int
    things: list[int]
    observed: list[int]
    corrected: list[int]
    columns: list[Any]

    def samples(self) -> Iterator[Row]:
        """Rows for the table of samples, in its column order."""
        metrics = [repeat(None) if column is None else column for column in self.columns]
        return zip(
            self.things,
            repeat(self.agent_id, len(self.things)),
            self.observed,
            self.corrected,
            repeat(self.resolution_seconds),
            *metrics,
        )

    def values(self, index: int) -> list[Any]:
        """The metrics of one row."""
        return [None if column is None else column[index] for column in self.columns]

    def current(self, index: int) -> Row:
        """One row for the current table of a kind without groups."""
        time = self.corrected[index]
        return (self.things[index], self.agent_id, self.observed[index], time, self.received_at, *self.values(index))


class Candidates:
    """The newest row of each thing in one agent's blocks, as a position in all their rows.

    An agent's blocks nearly always come in the order of time; then a whole block replaces what is there at once,
    without a comparison and without an object per row.
    """

    def __init__(self) -> None:
        self.newest: dict[int, int] = {}
        self._times: list[int] = []
        self._starts: list[int] = []
        self._blocks: list[ReadyBlock] = []
        self._latest = _LONG_AGO

    def add(self, block: ReadyBlock) -> None:
        """Take a block's rows in."""
        times, start = block.corrected, len(self._times)
        self._times += times
        self._starts.append(start)
        self._blocks.append(block)
        rows = zip(block.things, range(start, start + len(times)), strict=True)
        if times[0] >= self._latest and all(map(le, times, islice(times, 1, None))):
            self.newest.update(rows)
            self._latest = times[-1]
            return
        for thing, position in rows:
            known = self.newest.get(thing)
            if known is None or self._times[position] > self._times[known]:
                self.newest[thing] = position
        self._latest = max(self._latest, *times)

    def newer_than(self, seen: dict[Any, int]) -> Iterator[Row]:
        """Return the newest row of each thing, for the current table, unless `seen` is as new."""
        for thing, position in self.newest.items():
            if self._times[position] > seen.get(thing, _LONG_AGO):
                number = bisect_right(self._starts, position) - 1
                yield self._blocks[number].current(position - self._starts[number])


@dataclass(slots=True)
class KindRows:
    """Rows of one kind, and of each thing the newest: what the current table may need."""

    tables: KindTables
    blocks: list[ReadyBlock] = field(default_factory=list)
    row_count: int = 0
    candidates: dict[int, Candidates] = field(default_factory=dict)
    newest: dict[Any, Row] = field(default_factory=dict)
    buckets: set[int] = field(default_factory=set)

    def samples(self) -> Iterator[Row]:
        """Rows for the table of samples, in its column order."""
        return chain.from_iterable(block.samples() for block in self.blocks)

    def settle(self, seen: dict[Any, int]) -> None:
        """Choose the newest row of each thing among all agents, leaving out what is not newer than `seen`."""
        for candidates in self.candidates.values():
            for row in candidates.newer_than(seen):
                known = self.newest.get(row[0])
                if known is None or row[3] > known[3]:
                    self.newest[row[0]] = row


def _buckets(corrected_ms: Sequence[int]) -> Iterable[int]:
    """Return the five-minute buckets of the rows; a narrow range whole, since an empty bucket costs little."""
    first, last = min(corrected_ms) // _BUCKET_MS, max(corrected_ms) // _BUCKET_MS
    if last - first <= 12:
        return range(first, last + 1)
    return {time_ms // _BUCKET_MS for time_ms in corrected_ms}


@dataclass(slots=True)
class BatchRows:
    """Everything a batch stores, by kind."""

    kinds: dict[Kind, KindRows] = field(default_factory=dict)

    @property
    def row_count(self) -> int:
        """Number of samples."""
        return sum(rows.row_count for rows in self.kinds.values())


class RowBuilder:
    """Turns readings into rows, given the keys of agents, things and boots.

    `seen` holds, per kind, the newest time of each thing that this process has committed: an older row cannot be the
    newest, so a backlog costs no upserts. It is only read here; the store updates it after the commit.
    """

    def __init__(
        self,
        agent_ids: dict[str, int],
        boots: dict[tuple[int, str], int],
        seen: dict[Kind, dict[Any, int]],
    ) -> None:
        self._agent_ids = agent_ids
        self._boots = boots
        self._seen = seen

    def build(self, readings: Sequence[Reading], things: Things) -> BatchRows:
        """Return the rows of the readings; `things` must hold the key of every thing of theirs."""
        batch = BatchRows()
        for reading in readings:
            for block in reading.blocks:
                self._add(batch, reading, block, things[block.kind])
        for kind, rows in batch.kinds.items():
            rows.settle(self._seen[kind])
        return batch

    def corrected_event_times(self, reading: Reading) -> list[int]:
        """Return the corrected times of a segment's events, UTC milliseconds."""
        segment = reading.segment
        if not segment.events:
            return []
        return list(
            self._corrected(
                reading,
                [event.observed_at_ms for event in segment.events],
                [event.monotonic_ms for event in segment.events],
            )
        )

    def arrived_records(self, reading: Reading) -> list[Arrived]:
        """Return a segment's records with their times as COPY takes them."""
        segment = reading.segment
        if not segment.records:
            return []
        agent_id = self._agent_ids[segment.agent]
        corrected = self._corrected(
            reading,
            [record.accepted_at_ms for record in segment.records],
            [record.monotonic_ms for record in segment.records],
        )
        received_at = to_postgres(reading.arrival.received_at_ms)
        return [
            Arrived(
                record=record,
                agent_id=agent_id,
                observed_at=to_postgres(record.observed_at_ms),
                accepted_at=to_postgres(record.accepted_at_ms),
                corrected_at=to_postgres(corrected_ms),
                received_at=received_at,
            )
            for record, corrected_ms in zip(segment.records, corrected, strict=True)
        ]

    def _corrected(self, reading: Reading, observed_ms: Sequence[int], monotonic_ms: Sequence[int]) -> Sequence[int]:
        """Correct times of one segment by its boot; see `corrected_times`."""
        segment = reading.segment
        return corrected_times(
            observed_ms,
            monotonic_ms,
            started_at_ms=self._boots.get((self._agent_ids[segment.agent], segment.boot)),
            sealed_monotonic_ms=segment.sealed_monotonic_ms,
            received_at_ms=reading.arrival.received_at_ms,
        )

    def _add(self, batch: BatchRows, reading: Reading, read: BlockReading, thing_ids: dict[str, int]) -> None:
        segment, block, kind = reading.segment, read.block, read.kind
        rows = batch.kinds.get(kind)
        if rows is None:
            rows = batch.kinds[kind] = KindRows(TABLES[kind])
        agent_id = self._agent_ids[segment.agent]
        things = list(map(thing_ids.__getitem__, block.thing))
        observed_ms = read.observed_ms
        corrected_ms = self._corrected(reading, observed_ms, read.monotonic_ms)
        observed = [(time_ms - POSTGRES_EPOCH_MS) * 1000 for time_ms in observed_ms]
        corrected = (
            observed
            if corrected_ms is observed_ms
            else [(time_ms - POSTGRES_EPOCH_MS) * 1000 for time_ms in corrected_ms]
        )
        ready = ReadyBlock(
            agent_id=agent_id,
            received_at=to_postgres(reading.arrival.received_at_ms),
            resolution_seconds=block.resolution_seconds,
            things=things,
            observed=observed,
            corrected=corrected,
            columns=[getattr(block, column.name) for column in rows.tables.metrics],
        )
        rows.row_count += len(things)
        rows.buckets.update(_buckets(corrected_ms))
        rows.blocks.append(ready)
        if rows.tables.groups:
            self._find_newest_of_groups(rows, kind, ready)
        else:
            rows.candidates.setdefault(agent_id, Candidates()).add(ready)

    def _find_newest_of_groups(self, rows: KindRows, kind: Kind, block: ReadyBlock) -> None:
        # A link's counters and probes come as separate samples: each group of metrics has a newest of its own, and
        # the row for the current table is put together from both.
        tables = rows.tables
        names = [column.name for column in tables.metrics]
        vantage = names.index("vantage")
        members = {
            group: [index for index, name in enumerate(names) if name in metrics]
            for group, metrics in tables.groups.items()
        }
        positions = list(tables.groups)
        for index, thing in enumerate(block.things):
            time = block.corrected[index]
            values = block.values(index)
            measured = [group for group in positions if any(values[member] is not None for member in members[group])]
            key = (thing, values[vantage])
            for group in measured or positions[:1]:
                known = rows.newest.get(key)
                at = 5 + positions.index(group)
                group_time = known[at] if known is not None and known[at] is not None else None
                if group_time is None:
                    group_time = self._seen[kind].get((*key, group), _LONG_AGO)
                if time <= group_time:
                    continue
                merged = list(known) if known is not None else self._empty(tables, thing, values[vantage], vantage)
                merged[at] = time
                if merged[3] is None or time > merged[3]:
                    merged[1:5] = [block.agent_id, block.observed[index], time, block.received_at]
                for member in members[group]:
                    merged[5 + len(positions) + member] = values[member]
                rows.newest[key] = tuple(merged)

    @staticmethod
    def _empty(tables: KindTables, thing: int, vantage: str | None, vantage_index: int) -> list[Any]:
        row: list[Any] = [thing, None, None, None, None, *[None] * len(tables.groups), *[None] * len(tables.metrics)]
        row[5 + len(tables.groups) + vantage_index] = vantage
        return row
