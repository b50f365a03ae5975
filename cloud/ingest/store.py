"""Commits batches: identities, rows, current values, ledger, quarantine and notification in one transaction.

Invariants:
- A segment's identity and its rows are committed together or not at all, so a second arrival can be told from a first.
- Locks are taken in one order everywhere: identities, ids of records, samples, neighbours, current values, ledger,
  quarantine, each sorted by key; several workers at once cannot deadlock.
- One bad segment never holds up the others: a batch that the database refuses for its data is halved and tried again
  until the bad segment is alone, and that one goes to quarantine.
- A database that is away raises `DatabaseUnavailable`: nothing was committed, or it was and a new try finds duplicates.

What lives elsewhere: collecting batches and receipts (`worker`), SQL of telemetry and ledger (their domains).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence, Set
from datetime import UTC, datetime
from itertools import compress
from operator import itemgetter
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import structlog
from psycopg import AsyncConnection, AsyncCursor
from psycopg.types.json import Jsonb
from psycopg_pool import PoolTimeout

from cloud.db import Pool, Queries, create_pool
from cloud.errors import DatabaseUnavailable
from cloud.fleet import ledger
from cloud.fleet.ledger import EpochAddition
from cloud.ingest.models import Arrival, Committed, Fate, Reading, Refusal, RefusalReason
from cloud.ingest.reading import refuse
from cloud.ingest.rows import BatchRows, RowBuilder, Things, to_postgres
from cloud.quarantine import repository as quarantine
from cloud.quarantine.models import NewEntry
from cloud.quarantine.quota import Quota
from cloud.records import writing as records
from cloud.telemetry.tables import KINDS
from cloud.telemetry.writing import TelemetryWriter
from cloud.topology import repository as topology
from protocols.receipts import Outcome
from protocols.samples import Kind

QUERIES = Queries(Path(__file__).with_name("queries.sql"))
AGENTS_FRESH_SECONDS = 5.0
BOOTS_FRESH_SECONDS = 30.0
MAX_CACHED_THINGS = 500_000

_SEGMENT_TYPES = ["int4", "text", "int8", "bytea", "text", "int4", "int8", "int8", "bool"]
_EVENT_TYPES = ["text", "int4", "int4", "text", "int8", "int8", "int8", "text", "jsonb"]
_TRANSIENT = (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout)

_BAD_DATA = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.ProgrammingError,
    psycopg.NotSupportedError,
    psycopg.errors.ProgramLimitExceeded,
    UnicodeEncodeError,
)

_log = structlog.get_logger(__name__)
_json = msgspec.json.Encoder()

Identity = tuple[str, str, int]


def _no_things() -> Things:
    return {kind: {} for kind in KINDS}


async def _prepare(connection: AsyncConnection) -> None:
    await TelemetryWriter.prepare(connection)
    await ledger.prepare(connection)
    await connection.execute(QUERIES["stage_segments"])


class Store:
    """Commits batches of one ingest process. `start` opens its own connections, `stop` closes them.

    Without a `quota` everything refused is kept, as for a replay, whose bytes are in quarantine already.
    """

    def __init__(self, dsn: str, *, connections: int = 2, quota: Quota | None = None) -> None:
        self._quota = quota
        self._pool: Pool = create_pool(dsn, max_size=connections, name="ingest", prepare=_prepare)
        self._writer = TelemetryWriter()
        self._agents: dict[str, int] = {}
        self._current_agents: Set[str] = frozenset()
        self._agents_at = -AGENTS_FRESH_SECONDS
        self._things = _no_things()
        self._boots: dict[tuple[int, str], int] = {}
        self._boots_at: dict[tuple[int, str], float] = {}
        self._seen: dict[Kind, dict[Any, int]] = {kind: {} for kind in KINDS}
        self._rows = RowBuilder(self._agents, self._boots, self._seen)

    async def start(self) -> None:
        """Open the pool; connections are made when they are needed."""
        await self._pool.open()

    async def stop(self) -> None:
        """Close the connections."""
        await self._pool.close()

    async def commit(self, batch: Sequence[Reading | Refusal]) -> Committed:
        """Commit a batch and return what became of each segment.

        Raises:
            DatabaseUnavailable: try the same batch again later.
        """
        readings = [arrival for arrival in batch if isinstance(arrival, Reading)]
        refusals = [arrival for arrival in batch if isinstance(arrival, Refusal)]
        try:
            await self._refresh_agents({reading.segment.agent for reading in readings})
            known = [reading for reading in readings if reading.segment.agent in self._current_agents]
            refusals += [
                refuse(reading, RefusalReason.UNKNOWN_AGENT, "the inventory has no such agent")
                for reading in readings
                if reading.segment.agent not in self._current_agents
            ]
            known, contradicting = _without_contradictions(known)
            committed = await self._commit_halving(known, refusals)
            for reading in contradicting:
                committed = _together(committed, await self._commit_halving([reading], []))
            return committed
        except _TRANSIENT as error:
            raise DatabaseUnavailable(str(error).strip()) from error

    async def _commit_halving(self, readings: list[Reading], refusals: list[Refusal]) -> Committed:
        try:
            return await self._commit(readings, refusals)
        except _BAD_DATA as error:
            if not readings:
                raise
            if len(readings) == 1:
                _log.warning("segment_refused", agent=readings[0].segment.agent, reason=str(error).strip())
                bad = refuse(readings[0], RefusalReason.BAD_ROW, str(error).strip())
                return await self._commit([], [*refusals, bad])
        middle = len(readings) // 2
        first = await self._commit_halving(readings[:middle], refusals)
        second = await self._commit_halving(readings[middle:], [])
        return _together(first, second)

    async def _commit(self, readings: list[Reading], refusals: list[Refusal]) -> Committed:
        unique = {reading.identity: reading for reading in reversed(readings)}
        repeated = [reading for reading in readings if unique[reading.identity] is not reading]
        async with self._pool.connection() as connection:
            things = await self._resolve(connection, readings)
            async with connection.transaction(), connection.cursor(binary=True) as cursor:
                outcomes = await self._insert_identities(cursor, unique)
                new = [reading for identity, reading in unique.items() if outcomes[identity] is None]
                rows = self._rows.build(new, things)
                await self._insert_rows(cursor, rows, new, things)
                fates, late_refusals = self._judge(unique, repeated, outcomes)
                await self._add_to_ledger(cursor, fates, late_refusals)
                kept, held_back = await self._quarantine(cursor, [*refusals, *late_refusals])
                for reading, fate in fates:
                    if reading.arrival.replay_of is not None:
                        await quarantine.close(cursor, reading.arrival.replay_of, fate.outcome.value)
                if new or kept:
                    await cursor.execute(QUERIES["notify"], {"message": _message(rows, new, kept)})
        self._remember_newest(rows)
        told = [fate for _, fate in fates]
        told += [
            Fate(refusal.arrival.agent, refusal.epoch, refusal.seq, Outcome.REJECTED, refusal.reason.value)
            for refusal in kept
            if refusal.epoch is not None and refusal.seq is not None
        ]
        return Committed(
            fates=tuple(told),
            stored_segments=len(new),
            stored_rows=sum(reading.segment.items for reading in new),
            quarantined=len(kept),
            duplicates=sum(fate.outcome is Outcome.DUPLICATE for fate in told),
            held_back=held_back,
        )

    async def _quarantine(
        self, cursor: AsyncCursor[Any], refusals: Sequence[Refusal]
    ) -> tuple[list[Refusal], tuple[str, ...]]:
        """Keep what was refused; return it, and the agent of each refusal for which there is no room."""
        entries = [_entry(refusal) for refusal in refusals]
        admitted = [True] * len(entries) if self._quota is None else await self._quota.admit(cursor, entries)
        await quarantine.insert(cursor, compress(entries, admitted))
        held_back = tuple(entry.agent for entry, kept in zip(entries, admitted, strict=True) if not kept)
        return list(compress(refusals, admitted)), held_back

    async def _refresh_agents(self, wanted: set[str]) -> None:
        now = time.monotonic()
        age = now - self._agents_at
        if age < AGENTS_FRESH_SECONDS and (wanted <= self._current_agents or age < 1.0):
            return
        async with self._pool.connection() as connection:
            cursor = await connection.execute(QUERIES["known_agents"])
            found: dict[str, int] = dict(await cursor.fetchall())
        # Keys are never given twice; a batch under way may still need that of an agent retired meanwhile.
        self._agents.update(found)
        self._current_agents = found.keys()
        self._agents_at = now

    async def _resolve(self, connection: AsyncConnection, readings: Sequence[Reading]) -> Things:
        """Look up every key that the readings need; return those of their things."""
        await self._resolve_boots(connection, readings)
        return await self._resolve_things(connection, readings)

    async def _resolve_boots(self, connection: AsyncConnection, readings: Sequence[Reading]) -> None:
        now = time.monotonic()
        stale = {
            pair
            for reading in readings
            if now - self._boots_at.get(pair := (self._agents[reading.segment.agent], reading.segment.boot), -1e9)
            > BOOTS_FRESH_SECONDS
        }
        if not stale:
            return
        cursor = await connection.execute(
            QUERIES["boots"], {"agent_ids": [agent for agent, _ in stale], "boots": [boot for _, boot in stale]}
        )
        for agent_id, boot, started_at in await cursor.fetchall():
            self._boots[agent_id, boot] = int(started_at.timestamp() * 1000)
            self._boots_at[agent_id, boot] = now

    async def _resolve_things(self, connection: AsyncConnection, readings: Sequence[Reading]) -> Things:
        things = self._things
        missing: dict[tuple[str, str], int] = {}
        for reading in readings:
            agent_id = self._agents[reading.segment.agent]
            for read in reading.blocks:
                known = things[read.kind]
                if not known.keys() >= (keys := set(read.block.thing)):
                    for key in keys - known.keys():
                        missing.setdefault((read.kind.value, key), agent_id)
            for event in reading.segment.events:
                if event.thing not in things[event.kind]:
                    missing.setdefault((event.kind.value, event.thing), agent_id)
        if not missing:
            return things
        if sum(map(len, things.values())) > MAX_CACHED_THINGS:
            # A new memory, not an emptied one: a batch under way goes on with the old.
            self._things = _no_things()
            return await self._resolve_things(connection, readings)
        names = {"kinds": [kind for kind, _ in missing], "keys": [key for _, key in missing]}
        cursor = await connection.execute(QUERIES["thing_ids"], names)
        found = await cursor.fetchall()
        if len(found) < len(missing):
            at = datetime.now(UTC)
            await connection.execute(QUERIES["insert_things"], {**names, "agent_ids": list(missing.values()), "at": at})
            await connection.execute(QUERIES["claim_things"], names)
            found = await (await connection.execute(QUERIES["thing_ids"], names)).fetchall()
        for kind_name, key, thing_id in found:
            things[Kind(kind_name)][key] = thing_id
        return things

    async def _insert_identities(
        self, cursor: AsyncCursor[Any], unique: dict[Identity, Reading]
    ) -> dict[Identity, str | None]:
        """Return for each identity None when it is new, else `duplicate` or the reason of its refusal."""
        if not unique:
            return {}
        names = {self._agents[agent]: agent for agent, _, _ in unique}
        async with cursor.copy(QUERIES["copy_segments"]) as copy:
            copy.set_types(_SEGMENT_TYPES)
            for (agent, epoch, seq), reading in unique.items():
                await copy.write_row(
                    (
                        self._agents[agent],
                        epoch,
                        seq,
                        reading.content_hash,
                        reading.arrival.lane.value,
                        reading.segment.items,
                        to_postgres(reading.segment.sealed_at_ms),
                        to_postgres(reading.arrival.received_at_ms),
                        reading.arrival.may_lie_below_low,
                    )
                )
        await cursor.execute(QUERIES["insert_segments"])
        inserted = {(names[agent_id], epoch, seq) for agent_id, epoch, seq in await cursor.fetchall()}
        outcomes: dict[Identity, str | None] = dict.fromkeys(inserted)
        if len(inserted) < len(unique):
            await cursor.execute(QUERIES["staged_hashes"])
            for agent_id, epoch, seq, known_hash in await cursor.fetchall():
                identity = (names[agent_id], epoch, seq)
                if identity not in inserted:
                    outcomes[identity] = _verdict(known_hash, unique[identity].content_hash)
        return outcomes

    async def _insert_rows(
        self, cursor: AsyncCursor[Any], rows: BatchRows, readings: Sequence[Reading], things: Things
    ) -> None:
        await records.store(
            cursor, [arrived for reading in readings for arrived in self._rows.arrived_records(reading)]
        )
        for kind in KINDS:
            if kind in rows.kinds:
                await self._writer.copy_samples(cursor, kind, rows.kinds[kind].samples())
        if any(reading.segment.events for reading in readings):
            async with cursor.copy(QUERIES["copy_events"]) as copy:
                copy.set_types(_EVENT_TYPES)
                for row in self._event_rows(readings, things):
                    await copy.write_row(row)
            await topology.note(cursor, self._told_neighbours(readings))
        for kind in KINDS:
            if kind in rows.kinds and rows.kinds[kind].newest:
                await self._writer.merge_current(cursor, kind, rows.kinds[kind].newest.values())
        touched = sorted((kind.value, bucket) for kind, found in rows.kinds.items() for bucket in found.buckets)
        if touched:
            await cursor.execute(
                QUERIES["mark_dirty"],
                {
                    "kinds": [kind for kind, _ in touched],
                    "buckets": [datetime.fromtimestamp(bucket * 300, UTC) for _, bucket in touched],
                    "at": datetime.now(UTC),
                },
            )

    def _event_rows(self, readings: Sequence[Reading], things: Things) -> Iterable[tuple[Any, ...]]:
        for reading in readings:
            received_at = to_postgres(reading.arrival.received_at_ms)
            times = self._rows.corrected_event_times(reading)
            for event, corrected_ms in zip(reading.segment.events, times, strict=True):
                yield (
                    event.event_id,
                    self._agents[reading.segment.agent],
                    things[event.kind][event.thing],
                    event.type,
                    to_postgres(event.observed_at_ms),
                    to_postgres(corrected_ms),
                    received_at,
                    reading.arrival.lane.value,
                    Jsonb(event.attributes),
                )

    def _told_neighbours(self, readings: Sequence[Reading]) -> Iterable[topology.Told]:
        for reading in readings:
            if topology.EVENT_TYPES.isdisjoint(event.type for event in reading.segment.events):
                continue
            times = self._rows.corrected_event_times(reading)
            for event, corrected_ms in zip(reading.segment.events, times, strict=True):
                if event.type in topology.EVENT_TYPES:
                    at = datetime.fromtimestamp(corrected_ms / 1000, UTC)
                    yield topology.Told(self._agents[reading.segment.agent], event, at)

    @staticmethod
    def _judge(
        unique: dict[Identity, Reading], repeated: Sequence[Reading], outcomes: dict[Identity, str | None]
    ) -> tuple[list[tuple[Reading, Fate]], list[Refusal]]:
        judged = [(reading, outcomes[identity]) for identity, reading in unique.items()]
        judged += [(reading, outcomes[reading.identity] or Outcome.DUPLICATE.value) for reading in repeated]
        fates: list[tuple[Reading, Fate]] = []
        refusals: list[Refusal] = []
        for reading, outcome in judged:
            agent, epoch, seq = reading.identity
            if outcome is None:
                fates.append((reading, Fate(agent, epoch, seq, Outcome.STORED)))
            elif outcome == Outcome.DUPLICATE.value:
                fates.append((reading, Fate(agent, epoch, seq, Outcome.DUPLICATE)))
            else:
                refusals.append(refuse(reading, RefusalReason(outcome), _DETAILS[outcome]))
        return fates, refusals

    async def _add_to_ledger(
        self,
        cursor: AsyncCursor[Any],
        fates: Sequence[tuple[Reading, Fate]],
        refusals: Sequence[Refusal],
    ) -> None:
        lines: dict[tuple[int, str], EpochAddition] = {}

        def line_of(arrival: Arrival, epoch: str) -> EpochAddition:
            key = (self._agents[arrival.agent], epoch)
            received_at = to_postgres(arrival.received_at_ms)
            line = lines.setdefault(key, EpochAddition(*key, received_at=received_at))
            line.received_at = max(line.received_at, received_at)
            return line

        for reading, fate in fates:
            segment = reading.segment
            line = line_of(reading.arrival, segment.epoch)
            if fate.outcome is Outcome.STORED:
                received_at = to_postgres(reading.arrival.received_at_ms)
                line.report(segment.books, received_at)
                line.store(segment, _newest_observed(reading))
            else:
                line.duplicate_segments += 1
        for refusal in refusals:
            assert refusal.epoch is not None
            line = line_of(refusal.arrival, refusal.epoch)
            line.conflict_segments += refusal.reason is RefusalReason.IDENTITY_CONFLICT
        if lines:
            await ledger.add(cursor, lines.values())

    def _remember_newest(self, rows: BatchRows) -> None:
        for kind, found in rows.kinds.items():
            seen = self._seen[kind]
            groups = list(found.tables.groups)
            if not groups:
                # Another batch may have been faster: a lower time here costs an upsert that changes nothing.
                seen.update(zip(found.newest, map(itemgetter(3), found.newest.values()), strict=True))
                continue
            for key, row in found.newest.items():
                for position, group in enumerate(groups):
                    at = row[5 + position]
                    if at is not None:
                        seen[*key, group] = max(at, seen.get((*key, group), at))


def _without_contradictions(readings: Sequence[Reading]) -> tuple[list[Reading], list[Reading]]:
    """Set aside readings that share an identity with an earlier one but not its content; they are judged after it."""
    hashes: dict[Identity, bytes] = {}
    agreeing: list[Reading] = []
    contradicting: list[Reading] = []
    for reading in readings:
        agrees = hashes.setdefault(reading.identity, reading.content_hash) == reading.content_hash
        (agreeing if agrees else contradicting).append(reading)
    return agreeing, contradicting


def _together(first: Committed, second: Committed) -> Committed:
    return Committed(
        first.fates + second.fates,
        first.stored_segments + second.stored_segments,
        first.stored_rows + second.stored_rows,
        first.quarantined + second.quarantined,
        first.duplicates + second.duplicates,
        first.held_back + second.held_back,
    )


_DETAILS = {
    RefusalReason.IDENTITY_CONFLICT.value: "another content was stored under this epoch and seq",
    RefusalReason.BELOW_LOW.value: "the agent had declared this seq settled, and its identity was pruned",
}


def _verdict(known_hash: bytes | None, content_hash: bytes) -> str:
    if known_hash is None:
        return RefusalReason.BELOW_LOW.value
    return Outcome.DUPLICATE.value if known_hash == content_hash else RefusalReason.IDENTITY_CONFLICT.value


def _entry(refusal: Refusal) -> NewEntry:
    arrival = refusal.arrival
    return NewEntry(
        agent=arrival.agent,
        topic=arrival.topic,
        lane=arrival.lane.value,
        content_type=arrival.content_type,
        reason=refusal.reason.value,
        detail=refusal.detail,
        epoch=refusal.epoch,
        seq=refusal.seq,
        items=refusal.items,
        content_hash=refusal.content_hash,
        payload=arrival.payload,
        received_at=datetime.fromtimestamp(arrival.received_at_ms / 1000, UTC),
    )


def _newest_observed(reading: Reading) -> int | None:
    times = [max(read.observed_ms) for read in reading.blocks]
    times += [event.observed_at_ms for event in reading.segment.events]
    times += [record.accepted_at_ms for record in reading.segment.records]
    return to_postgres(max(times)) if times else None


def _message(rows: BatchRows, new: Sequence[Reading], refusals: Sequence[Refusal]) -> str:
    return _json.encode(
        {
            "source": "ingest",
            "segments": len(new),
            "rows": rows.row_count,
            "kinds": [kind.value for kind in KINDS if kind in rows.kinds],
            "events": sum(len(reading.segment.events) for reading in new),
            "records": sum(len(reading.segment.records) for reading in new),
            "quarantined": len(refusals),
        }
    ).decode()
