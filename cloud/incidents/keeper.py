"""The duty that keeps incidents: it follows the status log exactly once, and works out their figures as time passes.

What was followed and what came of it are one transaction: a kill in the middle repeats nothing and skips nothing. Woken
by changes of status, and at least every few seconds: bells ring without a change.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import psycopg
import structlog

from cloud.db.pool import Pool, connect
from cloud.incidents import figures, repository
from cloud.incidents.following import decide, overlooked
from cloud.lessons import impact, reading
from cloud.status.models import Thing

CHANNEL = "bellwether_live"
WOKEN_BY = "status"
_log = structlog.get_logger(__name__)


class IncidentKeeper:
    """Keeps incidents until `run` is cancelled."""

    def __init__(self, dsn: str, pool: Pool, *, interval_seconds: float = 2.0, figures_seconds: float = 10.0) -> None:
        self._dsn = dsn
        self._pool = pool
        self._interval_seconds = interval_seconds
        self._figures_seconds = figures_seconds
        self._figured_at = datetime.now(UTC) - timedelta(days=1)
        self._figured = 0.0

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            psycopg.OperationalError: the database is away; whoever runs duties waits for it.
        """
        async with await connect(self._dsn, name="incidents") as listening:
            await listening.execute(f"LISTEN {CHANNEL}")
            while True:
                changed = await self.catch_up()
                if changed or time.monotonic() - self._figured >= self._figures_seconds:
                    await self.figure()
                await self._wait(listening)

    async def _wait(self, listening: psycopg.AsyncConnection) -> None:
        ends = time.monotonic() + self._interval_seconds
        async for told in listening.notifies(timeout=self._interval_seconds):
            if told.payload == WOKEN_BY or time.monotonic() >= ends:
                return

    async def catch_up(self) -> bool:
        """Follow the log to its end; return whether anything came of it."""
        followed = False
        while True:
            async with self._pool.connection() as connection, connection.transaction():
                after = await repository.lock_cursor(connection)
                changes = await repository.changes(connection, after)
                if not changes:
                    return followed
                books = await repository.books(connection)
                for change in changes:
                    for action in decide(books, change):
                        await repository.carry_out(connection, books, action)
                        followed = True
                await repository.move_cursor(connection, changes[-1].change_id)
                if followed:
                    await repository.notify(connection)
            _log.info("incidents_followed", changes=len(changes), open=len(books.open))

    async def figure(self, at: datetime | None = None) -> None:
        """Open what was overlooked, and work out what every open incident means for lessons now, or at a moment."""
        now = at or datetime.now(UTC)
        async with self._pool.connection() as connection, connection.transaction():
            await repository.lock_cursor(connection)
            books = await repository.books(connection)
            standing = await repository.standing(connection)
            actions = overlooked(books, standing, await self._near(connection, now)) if standing else []
            for action in actions:
                await repository.carry_out(connection, books, action)
            if await figures.refresh(connection, now, self._figured_at) or actions:
                await repository.notify(connection)
        self._figured_at = now
        self._figured = time.monotonic()

    async def _near(self, connection: psycopg.AsyncConnection, now: datetime) -> set[Thing]:
        """Return what the lessons in session and of the coming quarter of an hour hang on."""
        return reading.things_of(await reading.slots(connection, now, now + impact.AHEAD / 4))
