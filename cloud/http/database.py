"""A transaction per request, from the API's pool: read-only unless the route asks to write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import psycopg
from fastapi import Depends, Request

from cloud.db.pool import Pool

Connection = psycopg.AsyncConnection


@asynccontextmanager
async def read_only(pool: Pool) -> AsyncIterator[Connection]:
    """Lend a connection inside one read-only snapshot: every query in it sees the same moment."""
    async with pool.connection() as connection:
        await connection.set_read_only(True)
        await connection.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        try:
            async with connection.transaction():
                yield connection
        finally:
            if not connection.closed:
                await connection.set_read_only(None)
                await connection.set_isolation_level(None)


async def _reader(request: Request) -> AsyncIterator[Connection]:
    async with read_only(request.app.state.rooms.pool) as connection:
        yield connection


Reader = Annotated[Connection, Depends(_reader)]
"""One request is one transaction that can write nothing."""


async def _writer(request: Request) -> AsyncIterator[Connection]:
    async with request.app.state.rooms.pool.connection() as connection, connection.transaction():
        yield connection


Writer = Annotated[Connection, Depends(_writer, scope="function")]
"""One request is one transaction, committed before the answer is sent, rolled back when the route raises."""
