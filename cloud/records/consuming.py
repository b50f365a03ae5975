"""How a service takes records: each stored one exactly once and in order, together with its own tables.

A consumer's `place` and what its service wrote move together, so a crash repeats nothing and skips nothing. A record
that the service cannot use is refused with a reason: kept in `record_refusals`, counted, tried again on request,
never in the way of the next. `place` is given when a row is written, not when it is committed: `horizon` waits for
the transactions of ingest under way (they hold `STORING_LOCK` shared), so that no smaller place can appear behind a
reader.
"""

from __future__ import annotations

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

        Runs inside a transaction. A `psycopg.DataError` or `IntegrityError` makes the consumer try the records one by
        one and refuse those that fail.
        """
        ...


class Replayed(NamedTuple):
    """What trying refused records again came to."""

    tried: int
    taken: int


class Consumer:
    """Feeds one service."""

    def __init__(self, pool: Pool, service: Service) -> None:
        self._pool = pool
        self._service = service

    async def catch_up(self) -> int:
        """Hand everything that is new to the service; return the number of records read."""
        total = 0
        while read := await self._next_batch():
            total += read
        return total

    async def _next_batch(self) -> int:
        upto = await self._horizon()
        async with self._pool.connection() as connection, connection.transaction():
            cursor = await connection.execute(QUERIES["claim_consumer"], {"consumer": self._service.name})
            row = await cursor.fetchone()
            assert row is not None
            records = await _read(
                connection,
                "next_records",
                {"types": list(self._service.types), "after": row[0], "upto": upto, "limit": BATCH},
            )
            refusals = await self._take(connection, records)
            await self._keep(connection, refusals, records)
            reached = records[-1].place if len(records) == BATCH else max(upto, row[0])
            await connection.execute(
                QUERIES["advance"],
                {
                    "consumer": self._service.name,
                    "place": reached,
                    "taken": len(records) - len(refusals),
                },
            )
        return len(records)

    async def replay(self, record_ids: Sequence[str] | None = None) -> Replayed:
        """Try refused records again, all of them or those named."""
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(QUERIES["claim_consumer"], {"consumer": self._service.name})
            records = await _read(
                connection,
                "refused_records",
                {"consumer": self._service.name, "record_ids": None if record_ids is None else list(record_ids)},
            )
            refusals = await self._take(connection, records)
            await self._keep(connection, refusals, records)
            refused = {refusal.record_id for refusal in refusals}
            taken = [record.record_id for record in records if record.record_id not in refused]
            await connection.execute(QUERIES["settle"], {"consumer": self._service.name, "record_ids": taken})
        return Replayed(len(records), len(taken))

    async def _horizon(self) -> int:
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(%s)", [STORING_LOCK])
            row = await (await connection.execute(QUERIES["highest_place"])).fetchone()
            assert row is not None
            return int(row[0])

    async def _take(self, connection: psycopg.AsyncConnection, records: Sequence[StoredRecord]) -> list[Refusal]:
        if not records:
            return []
        try:
            async with connection.transaction():
                return await self._service.take(connection, records)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            if len(records) == 1:
                _log.warning("record_refused_by_database", consumer=self._service.name, error=type(error).__name__)
                return [Refusal(records[0].record_id, "database", type(error).__name__)]
        refusals: list[Refusal] = []
        for record in records:
            refusals += await self._take(connection, [record])
        return refusals

    async def _keep(
        self, connection: psycopg.AsyncConnection, refusals: Sequence[Refusal], records: Sequence[StoredRecord]
    ) -> None:
        by_id = {record.record_id: record for record in records}
        for refusal in refusals:
            record = by_id[refusal.record_id]
            await connection.execute(
                QUERIES["refuse"],
                {
                    "consumer": self._service.name,
                    "record_id": refusal.record_id,
                    "place": record.place,
                    "school_class": record.school_class,
                    "reason": refusal.reason,
                    "detail": refusal.detail,
                },
            )


async def _read(connection: psycopg.AsyncConnection, query: str, values: dict[str, Any]) -> list[StoredRecord]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[query], values)
        return [
            StoredRecord(**{**row, "fact": msgspec.convert(row["fact"], AnyFact)}) for row in await cursor.fetchall()
        ]
