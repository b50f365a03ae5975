"""The duty that delivers every running feed, each in a task of its own, so that a slow receiver holds up no other.

Woken by new records and by changes to feeds, and at least every second. Only the process that holds the duty's advisory
lock sends, so that two never send at the same time; the lock stands and falls with the connection that is listened on.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import psycopg
import structlog

from cloud.db.pool import Pool, connect
from cloud.feeds import repository
from cloud.feeds.delivery import Delivery
from cloud.feeds.sending import open_sender
from cloud.records.writing import CHANNEL as RECORDS_CHANNEL

LOCK_KEY = 0x66656564
INTERVAL_SECONDS = 1.0
IDLE_SECONDS = 30.0
BROKEN_SECONDS = 30.0

_log = structlog.get_logger(__name__)


class FeedsDuty:
    """Delivers until `run` is cancelled."""

    def __init__(self, dsn: str, pool: Pool) -> None:
        self._dsn = dsn
        self._pool = pool
        self._wake: dict[str, asyncio.Event] = {}

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            psycopg.OperationalError, maybe in a group: the database is away; whoever runs duties waits for it.
        """
        async with (
            await connect(self._dsn, name="feeds") as listening,
            open_sender() as sender,
            asyncio.TaskGroup() as tasks,
        ):
            for channel in (RECORDS_CHANNEL, repository.CHANNEL):
                await listening.execute(f"LISTEN {channel}")
            while not await repository.alone(listening, LOCK_KEY):
                async for _ in listening.notifies(timeout=INTERVAL_SECONDS):
                    pass  # what was stored meanwhile is found when it is this process's turn
            delivery = Delivery(self._pool, sender)
            while True:
                for feed in await repository.running(listening):
                    if feed not in self._wake:
                        self._wake[feed] = asyncio.Event()
                        tasks.create_task(self._keep(delivery, feed), name=f"feed {feed}")
                async for _ in listening.notifies(timeout=INTERVAL_SECONDS, stop_after=1):
                    for wake in self._wake.values():
                        wake.set()

    async def _keep(self, delivery: Delivery, feed: str) -> None:
        """Deliver a feed until it is paused or removed."""
        try:
            while True:
                self._wake[feed].clear()
                wait = await _step(delivery, feed)
                if wait is None:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(wait, IDLE_SECONDS)):
                        await self._wake[feed].wait()
        finally:
            del self._wake[feed]


async def _step(delivery: Delivery, feed: str) -> float | None:
    try:
        return await delivery.step(feed)
    except psycopg.OperationalError:
        raise
    except Exception:  # noqa: BLE001 - the outermost loop of a feed: one that breaks must not stop the others
        _log.exception("feed_failed", feed=feed)
        return BROKEN_SECONDS
