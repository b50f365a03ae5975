"""How a service takes records: each stored one exactly once and in order, together with its own tables.

A consumer's `place` and what its service wrote move together, so a crash repeats nothing and skips nothing. A record
that the service cannot use is refused with a reason: kept in `record_refusals`, counted, tried again on request,
never in the way of the next; so is one that its service breaks on, or that this version cannot read. `place` is given
when a row is written, not when it is committed: `horizon` waits for the transactions of ingest under way (they hold
`STORING_LOCK` shared), so that no smaller place can appear behind a reader. While it waits ingest waits behind it, so
it gives up soon and its caller comes again. Whoever erases holds `record_consumers` first, so that nothing is taken
of a record that is being erased.
"""

from __future__ import annotations

import traceback
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec
import psycopg
import structlog
from psycopg.rows import dict_row

from cloud.db.pool import Pool
from cloud.db.queries import Queries
from protocols.records import AnyFact

QUERIES = Queries(Path(__file__).with_name("consuming.sql"))
STORING_LOCK = 0x72656364
BATCH = 500
HORIZON_WAIT_MILLISECONDS = 2_000

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """A record that counts, as services read it. Times are aware, UTC."""

    place: int
    record_id: str
    agent: str
    school: str | None
    type: str
    subject: str | None
    terminal: str | None
    school_class: str | None
    lesson: str | None
    observed_at: datetime
    accepted_at: datetime
    corrected_at: datetime
    received_at: datetime
    fact: AnyFact

    @property
    def made_at(self) -> datetime:
        """When the fact was made, on the centre's clock as well as it is known; never after the agent took it."""
        return min(self.observed_at + (self.corrected_at - self.accepted_at), self.corrected_at)


class Refusal(NamedTuple):
    """Why a service does not take a record: a stable code, and words for people without personal data."""

    record_id: str
    reason: str
    detail: str


class Service(Protocol):
    """A domain that takes records."""

    @property
    def name(self) -> str:
        """The consumer's name, such as `teaching`."""
        ...

    @property
    def types(self) -> Collection[str]:
        """The record types it takes."""
        ...

    async def take(self, connection: psycopg.AsyncConnection, records: Sequence[StoredRecord]) -> list[Refusal]:
        """Write what the records mean into the service's own tables; return those it refuses.

        Runs inside a transaction. An error makes the consumer try the records one by one and refuse those that fail
        (`database` or `service_failed`); only a `psycopg.OperationalError`, which is of the database and of no
        record, stops it.
        """
        ...


class Replayed(NamedTuple):
    """What trying refused records again came to."""

    tried: int
    taken: int


class _Read(NamedTuple):
    """A batch as it is stored: records, refusals of those that this version cannot read, and the highest place."""

    records: list[StoredRecord]
    unreadable: list[Refusal]
    of: dict[str, tuple[int, str | None]]
    """Place and class of each, readable or not, by its id; in the order of places."""


class Consumer:
    """Feeds one service."""

    def __init__(self, pool: Pool, service: Service) -> None:
        self._pool = pool
        self._service = service

    @property
    def name(self) -> str:
        """The consumer's name."""
        return self._service.name

    async def catch_up(self) -> int:
        """Hand everything that is new to the service; return the number of records read.

        What is stored meanwhile is left to the next call: ingest waits while a horizon is found, so one is enough.
        """
        if not await self._anything_new() or (upto := await horizon(self._pool)) is None:
            return 0
        total = read = await self._next_batch(upto)
        while read == BATCH:
            read = await self._next_batch(upto)
            total += read
        return total

    async def _anything_new(self) -> bool:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(QUERIES["anything_new"], {"consumer": self._service.name})
            return await cursor.fetchone() == (True,)

    async def _next_batch(self, upto: int) -> int:
        async with self._pool.connection() as connection, connection.transaction():
            cursor = await connection.execute(QUERIES["claim_consumer"], {"consumer": self._service.name})
            row = await cursor.fetchone()
            assert row is not None
            batch = await _read(
                connection,
                "next_records",
                {"types": list(self._service.types), "after": row[0], "upto": upto, "limit": BATCH},
            )
            refused = await self._give(connection, batch)
            last = max((place for place, _ in batch.of.values()), default=0)
            reached = last if len(batch.of) == BATCH else max(upto, row[0])
            await connection.execute(
                QUERIES["advance"],
                {"consumer": self._service.name, "place": reached, "taken": len(batch.of) - len(refused)},
            )
        return len(batch.of)

    async def replay(self, record_ids: Sequence[str] | None = None) -> Replayed:
        """Try refused records again, all of them or those named; each batch is a transaction of its own."""
        tried = taken = after = 0
        while True:
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute(QUERIES["claim_consumer"], {"consumer": self._service.name})
                batch = await _read(
                    connection,
                    "refused_records",
                    {
                        "consumer": self._service.name,
                        "record_ids": None if record_ids is None else list(record_ids),
                        "after": after,
                        "limit": BATCH,
                    },
                )
                if not batch.of:
                    return Replayed(tried, taken)
                refused = await self._give(connection, batch)
                settled = [record_id for record_id in batch.of if record_id not in refused]
                await connection.execute(QUERIES["settle"], {"consumer": self._service.name, "record_ids": settled})
            tried, taken = tried + len(batch.of), taken + len(settled)
            after = max(place for place, _ in batch.of.values())

    async def _give(self, connection: psycopg.AsyncConnection, batch: _Read) -> set[str]:
        """Hand a batch to the service, keep what is refused; return the ids of that."""
        refusals = [*batch.unreadable, *await self._take(connection, batch.records)]
        async with connection.cursor() as cursor:
            await cursor.executemany(
                QUERIES["refuse"],
                [
                    {
                        "consumer": self._service.name,
                        "record_id": refusal.record_id,
                        "place": batch.of[refusal.record_id][0],
                        "school_class": batch.of[refusal.record_id][1],
                        "reason": refusal.reason,
                        "detail": refusal.detail,
                    }
                    for refusal in refusals
                ],
            )
        return {refusal.record_id for refusal in refusals}

    async def _take(self, connection: psycopg.AsyncConnection, records: Sequence[StoredRecord]) -> list[Refusal]:
        if not records:
            return []
        try:
            async with connection.transaction():
                return await self._service.take(connection, records)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 - a record that breaks its service must not hold up the others
            if len(records) == 1:
                return [self._broken(records[0], error)]
        refusals: list[Refusal] = []
        for record in records:
            refusals += await self._take(connection, [record])
        return refusals

    def _broken(self, record: StoredRecord, error: Exception) -> Refusal:
        reason = "database" if isinstance(error, psycopg.Error) else "service_failed"
        # The error's words may hold what a pupil said; its kind and its place in the code do not.
        where = traceback.extract_tb(error.__traceback__)[-1]
        _log.error(
            "record_broke_service",
            consumer=self._service.name,
            record_id=record.record_id,
            error=type(error).__name__,
            at=f"{Path(where.filename).name}:{where.lineno}",
        )
        return Refusal(record.record_id, reason, type(error).__name__)


async def horizon(pool: Pool) -> int | None:
    """Return the place up to which every record is committed; None while a storing transaction does not end."""
    try:
        async with pool.connection() as connection, connection.transaction():
            await connection.execute(QUERIES["wait_at_most"], {"milliseconds": str(HORIZON_WAIT_MILLISECONDS)})
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [STORING_LOCK])
            row = await (await connection.execute(QUERIES["highest_place"])).fetchone()
            assert row is not None
            return int(row[0])
    except psycopg.errors.LockNotAvailable:
        _log.warning("records_wait_for_storing", waited_milliseconds=HORIZON_WAIT_MILLISECONDS)
        return None


async def _read(connection: psycopg.AsyncConnection, query: str, values: dict[str, Any]) -> _Read:
    batch = _Read([], [], {})
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[query], values)
        for row in await cursor.fetchall():
            batch.of[row["record_id"]] = (row["place"], row["school_class"])
            try:
                batch.records.append(stored_record(row))
            except msgspec.ValidationError:
                batch.unreadable.append(
                    Refusal(row["record_id"], "unreadable", "this version cannot read the stored fact")
                )
    return batch


def stored_record(row: dict[str, Any]) -> StoredRecord:
    """Return a row of `records` as services read it.

    Raises:
        msgspec.ValidationError: this version cannot read the fact.
    """
    return StoredRecord(**{**row, "fact": msgspec.convert(row["fact"], AnyFact)})
