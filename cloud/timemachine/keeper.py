"""The duty that notes what is said of terminals, every few seconds and only what changed.

A note is as late as the interval; the state of a moment is exact to that. One process does it: the services that were
elected.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from cloud.db.pool import Pool
from cloud.timemachine import repository
from cloud.timemachine.models import KEPT

INTERVAL_SECONDS = 5.0
EXPIRY_SECONDS = 3_600.0

_log = structlog.get_logger(__name__)


class LettersKeeper:
    """Notes and forgets until `run` is cancelled."""

    def __init__(self, pool: Pool, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._pool = pool
        self._now = now

    async def run(self) -> None:
        """Note every five seconds, forget every hour; a database that is away is waited for."""
        expired_at = time.monotonic()
        while True:
            try:
                await self.note()
                if time.monotonic() - expired_at >= EXPIRY_SECONDS:
                    expired_at = time.monotonic()
                    await self.expire()
            except (psycopg.Error, PoolTimeout) as error:
                _log.warning("timemachine_waits", reason=str(error).strip())
            await asyncio.sleep(INTERVAL_SECONDS)

    async def note(self) -> int:
        """Note what is said of terminals now; return of how many agents it differs from the last note."""
        async with self._pool.connection() as connection:
            return await repository.note_letters(connection, self._now())

    async def expire(self) -> int:
        """Forget what is older than any moment that can be asked for; return how many rows went."""
        async with self._pool.connection() as connection:
            return await repository.expire(connection, self._now() - KEPT)
