"""How long each type of record is kept, and the job that removes what is older, with what services made of it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from cloud.config import RecordRetention
from cloud.db.pool import Pool
from cloud.privacy.erasing import QUERIES, Forget

INTERVAL_SECONDS = 3_600.0
BATCH = 5_000

_log = structlog.get_logger(__name__)


def days_by_type(retention: RecordRetention) -> dict[str, int]:
    """Return the retention in days of every record type."""
    return {name.removesuffix("_days"): days for name, days in dataclasses.asdict(retention).items()}


class Expiry:
    """Removes records beyond their retention until cancelled."""

    def __init__(
        self,
        pool: Pool,
        retention: RecordRetention,
        forget: Sequence[Forget],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._pool = pool
        self._days = days_by_type(retention)
        self._forget = forget
        self._now = now

    async def run(self) -> None:
        """Look every hour; a database that is away is waited for."""
        while True:
            try:
                if removed := await self.expire():
                    _log.info("records_expired", records=removed)
            except (psycopg.Error, PoolTimeout) as error:
                _log.warning("expiry_waits", reason=str(error).strip())
            await asyncio.sleep(INTERVAL_SECONDS)

    async def expire(self) -> int:
        """Remove everything that is due, in batches; return how many records went."""
        removed = 0
        for record_type, days in self._days.items():
            before = self._now() - timedelta(days=days)
            while batch := await self._expire_batch(record_type, before):
                removed += batch
        return removed

    async def _expire_batch(self, record_type: str, before: datetime) -> int:
        async with self._pool.connection() as connection, connection.transaction():
            await connection.execute(QUERIES["hold_consumers"])
            cursor = await connection.execute(
                QUERIES["expired_records"], {"type": record_type, "before": before, "limit": BATCH}
            )
            record_ids = [record_id for (record_id,) in await cursor.fetchall()]
            if record_ids:
                values = {"record_ids": record_ids}
                for forget in self._forget:
                    await forget(connection, record_ids)
                for name in ("forget_refusals", "expire", "forget_identities"):
                    await connection.execute(QUERIES[name], values)
        return len(record_ids)
