"""Keeps the database in shape: rollups, retention, pruned identities, replay of segments whose agent became known.

The leader of the ingest processes runs it; each duty has its interval, a duty that fails is logged and comes again.
Rollups are computed only for buckets that ingest marked, so a week-old backlog costs its own buckets and no more. What
is removed by retention is counted per agent in the same transaction: the ledger still balances.

On TimescaleDB the same marks drive `refresh_continuous_aggregate`, and retention drops whole chunks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg.sql import SQL, Composed, Identifier, Literal
from psycopg_pool import PoolTimeout

from cloud.config import Retention
from cloud.db import Pool, Queries
from cloud.errors import CloudError
from cloud.telemetry.tables import BUCKET_SECONDS, KINDS, TABLES, KindTables, Width
from protocols.samples import Kind

QUERIES = Queries(Path(__file__).with_name("queries.sql"))

SETTLE_SECONDS: dict[Width, float] = {"5m": 15.0, "1h": 120.0}
"""How long a bucket's oldest mark waits: a bucket that still fills is computed a few times, not with every batch."""

BUCKETS_PER_RUN = 400
IDENTITY_MEMORY = timedelta(hours=1)
INTERVALS_SECONDS = {"rollups": 10.0, "replay": 15.0, "prune": 60.0, "retention": 3_600.0}

_log = structlog.get_logger(__name__)


def rollup_sql(kind: Kind, width: Width) -> tuple[Composed, Composed]:
    """Return the statements that remove and compute one bucket of a plain rollup table."""
    tables = TABLES[kind]
    key = [name for name, _ in tables.rollup_key]
    names = [Identifier(name) for name in (*key, "samples", *(name for name, _, _ in tables.rollup_columns))]
    values = SQL(", ").join(
        [
            *(Identifier(name) for name in key),
            SQL("count(*)"),
            *(SQL(expression) for _, _, expression in tables.rollup_columns),
        ]
    )
    table = Identifier(tables.rollup(width))
    remove = SQL("DELETE FROM {} WHERE bucket = %(bucket)s").format(table)
    compute = SQL(
        "INSERT INTO {table} (bucket, {names}) SELECT %(bucket)s, {values} FROM {samples}"
        " WHERE corrected_at >= %(bucket)s AND corrected_at < %(end)s GROUP BY {key}"
    ).format(
        table=table,
        names=SQL(", ").join(names),
        values=values,
        samples=Identifier(tables.samples),
        key=SQL(", ").join(map(Identifier, key)),
    )
    return remove, compute


class Maintenance:
    """Runs the duties until cancelled."""

    def __init__(
        self,
        pool: Pool,
        retention: Retention,
        *,
        replay: Callable[[], Awaitable[int]],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._pool = pool
        self._retention = retention
        self._replay = replay
        self._now = now
        self._timescale: bool | None = None

    async def run(self) -> None:
        """Do what is due, in turn; a database that is away is waited for."""
        due = dict.fromkeys(INTERVALS_SECONDS, 0.0)
        duties: dict[str, Callable[[], Awaitable[int]]] = {
            "rollups": self.roll_up,
            "replay": self._replay,
            "prune": self.prune_identities,
            "retention": self.expire,
        }
        while True:
            for name, duty in duties.items():
                if time.monotonic() < due[name]:
                    continue
                try:
                    done = await duty()
                except (psycopg.Error, PoolTimeout, CloudError) as error:
                    _log.warning("maintenance_failed", duty=name, reason=str(error).strip())
                else:
                    if done:
                        _log.debug("maintenance_done", duty=name, count=done)
                due[name] = time.monotonic() + INTERVALS_SECONDS[name]
            await asyncio.sleep(1)

    async def roll_up(self, *, settle: bool = True) -> int:
        """Compute the marked buckets; without `settle` all of them, at once. Return how many were computed."""
        done = 0
        for width in BUCKET_SECONDS:
            while True:
                wait_seconds = SETTLE_SECONDS[width] if settle else 0.0
                async with self._pool.connection() as connection:
                    cursor = await connection.execute(
                        QUERIES["due_buckets"],
                        {
                            "width": width,
                            "before": self._now() - timedelta(seconds=wait_seconds),
                            "limit": BUCKETS_PER_RUN,
                        },
                    )
                    due = await cursor.fetchall()
                    for kind, bucket in due:
                        await self._compute(connection, Kind(kind), width, bucket)
                done += len(due)
                if settle or not due:
                    break
        return done

    async def prune_identities(self) -> int:
        """Forget identities below their epoch's low mark an hour after they came; return how many."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(QUERIES["prune_identities"], {"before": self._now() - IDENTITY_MEMORY})
            return cursor.rowcount

    async def expire(self) -> int:
        """Remove what is past its retention, counting it for the ledger; return the rows removed from plain tables."""
        now, removed = self._now(), 0
        async with self._pool.connection() as connection:
            timescale = await self._is_timescale(connection)
            for kind in KINDS:
                tables = TABLES[kind]
                before = _day(now - timedelta(days=self._retention.samples_days))
                if timescale:
                    await self._drop_chunks(connection, tables, before)
                else:
                    removed += await self._delete_samples(connection, tables, before)
                for rollup, days in (
                    (tables.rollup("5m"), self._retention.rollup_5m_days),
                    (tables.rollup("1h"), self._retention.rollup_1h_days),
                ):
                    removed += await self._expire_rollup(
                        connection, rollup, _day(now - timedelta(days=days)), timescale
                    )
            cursor = await connection.execute(
                QUERIES["expire_events"], {"before": now - timedelta(days=self._retention.events_days)}
            )
            return removed + cursor.rowcount

    async def _is_timescale(self, connection: AsyncConnection) -> bool:
        if self._timescale is None:
            cursor = await connection.execute("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')")
            row = await cursor.fetchone()
            self._timescale = row == (True,)
        return self._timescale

    async def _compute(self, connection: AsyncConnection, kind: Kind, width: Width, bucket: datetime) -> None:
        marks = {"width": width, "kind": kind.value, "bucket": bucket}
        end = bucket + timedelta(seconds=BUCKET_SECONDS[width])
        hour = {"width": "1h", "kind": kind.value, "bucket": _hour(bucket), "at": self._now()}
        if bucket < _day(self._now() - timedelta(days=self._retention.samples_days)):
            # Its samples may be gone in part: a rollup computed now would replace a right one.
            await connection.execute(QUERIES["take_marks"], marks)
            return
        if await self._is_timescale(connection):
            async with connection.transaction():
                await connection.execute(QUERIES["take_marks"], marks)
                if width == "5m":
                    await connection.execute(QUERIES["mark"], hour)
            try:
                await connection.execute(
                    SQL("CALL refresh_continuous_aggregate({}, {}::timestamptz, {}::timestamptz)").format(
                        Literal(TABLES[kind].rollup(width)), Literal(bucket), Literal(end)
                    )
                )
            except psycopg.Error:
                await connection.execute(QUERIES["mark"], {**marks, "at": self._now()})
                raise
            return
        remove, compute = rollup_sql(kind, width)
        async with connection.transaction():
            await connection.execute(QUERIES["take_marks"], marks)
            await connection.execute(remove, {"bucket": bucket})
            await connection.execute(compute, {"bucket": bucket, "end": end})
            if width == "5m":
                await connection.execute(QUERIES["mark"], hour)

    @staticmethod
    async def _delete_samples(connection: AsyncConnection, tables: KindTables, before: datetime) -> int:
        async with connection.transaction():
            cursor = await connection.execute(
                SQL(
                    "WITH gone AS (DELETE FROM {} WHERE corrected_at < %(before)s RETURNING agent_id)"
                    " INSERT INTO expired_items AS x (agent_id, samples, events)"
                    " SELECT agent_id, count(*), 0 FROM gone GROUP BY agent_id ORDER BY agent_id"
                    " ON CONFLICT (agent_id) DO UPDATE SET samples = x.samples + EXCLUDED.samples"
                    " RETURNING samples"
                ).format(Identifier(tables.samples)),
                {"before": before},
            )
            return cursor.rowcount

    @staticmethod
    async def _drop_chunks(connection: AsyncConnection, tables: KindTables, before: datetime) -> None:
        samples = Identifier(tables.samples)
        async with connection.transaction():
            # Chunks are whole UTC days and `before` is midnight UTC: what is dropped is exactly what is counted.
            await connection.execute(
                SQL(
                    "INSERT INTO expired_items AS x (agent_id, samples, events)"
                    " SELECT agent_id, count(*), 0 FROM {} WHERE corrected_at < %(before)s"
                    " GROUP BY agent_id ORDER BY agent_id"
                    " ON CONFLICT (agent_id) DO UPDATE SET samples = x.samples + EXCLUDED.samples"
                ).format(samples),
                {"before": before},
            )
            await connection.execute(
                SQL("SELECT drop_chunks({}, older_than => {}::timestamptz)").format(
                    Literal(tables.samples), Literal(before)
                )
            )

    @staticmethod
    async def _expire_rollup(connection: AsyncConnection, rollup: str, before: datetime, timescale: bool) -> int:
        if timescale:
            await connection.execute(
                SQL("SELECT drop_chunks({}, older_than => {}::timestamptz)").format(Literal(rollup), Literal(before))
            )
            return 0
        cursor: Any = await connection.execute(
            SQL("DELETE FROM {} WHERE bucket < %(before)s").format(Identifier(rollup)), {"before": before}
        )
        return int(cursor.rowcount)


def _day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
