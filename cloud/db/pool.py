"""Connections: an asyncio pool that waits for a database that is away, with a visible reason.

Every connection speaks UTC. A pool checks a connection before lending it, so that a restarted database costs one
attempt and not one error per connection. A connection that waits for hours, listening or holding a lock, finds out by
TCP keepalives within half a minute that the database's machine is gone; the kernel's own default is two hours.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import structlog
from psycopg_pool import AsyncConnectionPool

from cloud.errors import DatabaseUnavailable

Pool = AsyncConnectionPool[psycopg.AsyncConnection]

_log = structlog.get_logger(__name__)


CONNECT_SECONDS = 5
_KEEPALIVES: dict[str, Any] = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}

Prepare = Callable[[psycopg.AsyncConnection], Awaitable[None]]


def create_pool(dsn: str, *, max_size: int = 4, name: str = "cloud", prepare: Prepare | None = None) -> Pool:
    """Return a pool, not yet open. Connections are in autocommit mode: ask for transactions.

    `prepare` is run once on each new connection, for temporary tables and the like.
    """

    async def configure(connection: psycopg.AsyncConnection) -> None:
        await connection.set_autocommit(True)
        await connection.execute("SET timezone = 'UTC'")
        if prepare is not None:
            await prepare(connection)

    return AsyncConnectionPool(
        dsn,
        min_size=0,
        max_size=max_size,
        name=name,
        open=False,
        timeout=10,
        configure=configure,
        check=AsyncConnectionPool.check_connection,
        kwargs={"connect_timeout": CONNECT_SECONDS, "application_name": f"bellwether-{name}", **_KEEPALIVES},
    )


async def connect(dsn: str, *, name: str) -> psycopg.AsyncConnection:
    """Return a connection of its own in autocommit mode, to listen on or to hold a session's lock with.

    Raises:
        psycopg.OperationalError: the database is away.
    """
    return await psycopg.AsyncConnection.connect(
        dsn,
        autocommit=True,
        connect_timeout=CONNECT_SECONDS,
        application_name=f"bellwether-{name}",
        options="-c timezone=UTC",
        **_KEEPALIVES,
    )


async def wait_for_database(dsn: str, *, retry_seconds: float = 2.0) -> None:
    """Return when the database answers; say once why not, and once when it does."""
    waiting = False
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(dsn, connect_timeout=CONNECT_SECONDS)
            await connection.close()
        except psycopg.OperationalError as error:
            if not waiting:
                _log.warning("database_unavailable", reason=str(error).strip(), hint=DatabaseUnavailable.hint)
                waiting = True
            await asyncio.sleep(retry_seconds)
        else:
            if waiting:
                _log.info("database_available")
            return


@asynccontextmanager
async def open_pool(
    dsn: str, *, max_size: int = 4, name: str = "cloud", prepare: Prepare | None = None
) -> AsyncIterator[Pool]:
    """Open a pool for the time of the context."""
    pool = create_pool(dsn, max_size=max_size, name=name, prepare=prepare)
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()
