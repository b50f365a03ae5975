"""Carries out erasures at the centre: records blanked, what services made of them forgotten, names and files removed.

One order is one transaction, so nobody ever sees it half done. What arrives later for an erased person is blanked on
arrival (`cloud.records.writing`); agents get a tombstone, and confirm it, once the centre itself has forgotten.
Source: PIPL art. 47.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from cloud.content.repository import forget_blobs
from cloud.content.store import BlobStore
from cloud.db.pool import Pool
from cloud.db.queries import Queries

QUERIES = Queries(Path(__file__).with_name("queries.sql"))
INTERVAL_SECONDS = 2.0

Forget = Callable[[psycopg.AsyncConnection, Sequence[str]], Awaitable[None]]
"""A service's way to forget what it made of records, by their ids, inside the caller's transaction."""

_log = structlog.get_logger(__name__)


class Eraser:
    """Carries out orders until cancelled."""

    def __init__(self, pool: Pool, forget: Sequence[Forget], store: BlobStore) -> None:
        self._pool = pool
        self._forget = forget
        self._store = store

    async def run(self) -> None:
        """Look for orders every few seconds; a database that is away is waited for."""
        while True:
            try:
                while await self.erase_next():
                    pass
            except (psycopg.Error, PoolTimeout) as error:
                _log.warning("erasure_waits", reason=str(error).strip())
            await asyncio.sleep(INTERVAL_SECONDS)

    async def erase_next(self) -> bool:
        """Carry out the oldest order; False when none waits."""
        async with self._pool.connection() as connection, connection.transaction():
            row = await (await connection.execute(QUERIES["next_erasure"])).fetchone()
            if row is None:
                return False
            await connection.execute(QUERIES["hold_consumers"])
            erasure, person, records = row
            order = {"erasure": erasure, "person": person, "records": records}
            cursor = await connection.execute(QUERIES["affected"], order)
            affected = [record_id for (record_id,) in await cursor.fetchall()]
            cursor = await connection.execute(QUERIES["own_blobs"], {"record_ids": affected})
            blobs = [sha256 for (sha256,) in await cursor.fetchall()]
            for forget in self._forget:
                await forget(connection, affected)
            await connection.execute(QUERIES["forget_refusals"], {"record_ids": affected})
            blanked = await connection.execute(QUERIES["blank"], {"record_ids": affected})
            if not records:
                for name in ("forget_person", "leave_classes", "hand_back_terminals"):
                    await connection.execute(QUERIES[name], order)
            gone = await forget_blobs(connection, blobs)
            # Before the commit: should it fail, the order comes again, and nothing but these records needed the files.
            await asyncio.to_thread(self._remove, gone)
            await connection.execute(
                QUERIES["erasure_done"], {"erasure": erasure, "erased": blanked.rowcount, "blobs": gone}
            )
        _log.info("erasure_done", erasure=erasure, records=blanked.rowcount, blobs=len(gone))
        return True

    def _remove(self, hashes: Sequence[str]) -> None:
        for sha256 in hashes:
            self._store.remove(sha256)
