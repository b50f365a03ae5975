"""Removes files that nothing needs: no push holds them and no record refers to them, for longer than a record may take.

So go the attachments of records that expired, those of an erased person that arrived after the erasure, and what was
handed in and never declared.
"""

from __future__ import annotations

import asyncio

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from cloud.content.repository import forget_blobs
from cloud.content.store import BlobStore
from cloud.db.pool import Pool
from cloud.privacy.erasing import QUERIES

INTERVAL_SECONDS = 3600.0
BATCH = 500

_log = structlog.get_logger(__name__)


class AttachmentExpiry:
    """Removes unclaimed files until cancelled."""

    def __init__(self, pool: Pool, store: BlobStore, *, unclaimed_days: int) -> None:
        self._pool = pool
        self._store = store
        self._unclaimed_days = unclaimed_days

    async def run(self) -> None:
        """Look every hour; a database or a disk that is away is waited for."""
        while True:
            try:
                while await self.expire():
                    pass
            except (psycopg.Error, PoolTimeout, OSError) as error:
                _log.warning("attachments_not_expired", reason=str(error).strip())
            await asyncio.sleep(INTERVAL_SECONDS)

    async def expire(self) -> int:
        """Remove a batch of what is due; return how many files went.

        Raises:
            OSError: the disk refuses; nothing was forgotten.
        """
        async with self._pool.connection() as connection, connection.transaction():
            cursor = await connection.execute(QUERIES["unclaimed"], {"days": self._unclaimed_days, "limit": BATCH})
            gone = await forget_blobs(connection, [sha256 for (sha256,) in await cursor.fetchall()])
            # Before the commit: should it fail, the files are due again.
            for sha256 in gone:
                await asyncio.to_thread(self._store.remove, sha256)
        if gone:
            _log.info("attachments_expired", files=len(gone))
        return len(gone)
