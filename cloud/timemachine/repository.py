"""Writes what is said of terminals whenever it changes, and forgets what no moment is made of any more."""

from __future__ import annotations

from datetime import datetime

import psycopg

from cloud.timemachine.reading import QUERIES


async def note_letters(connection: psycopg.AsyncConnection, at: datetime) -> int:
    """Note the letters of every agent whose terminals are not what was noted last; return how many agents."""
    return (await connection.execute(QUERIES["note_letters"], {"at": at})).rowcount


async def expire(connection: psycopg.AsyncConnection, before: datetime) -> int:
    """Forget what no moment after `before` is made of; return how many rows went."""
    gone = 0
    for name in ("expire_letters", "expire_history"):
        gone += (await connection.execute(QUERIES[name], {"before": before})).rowcount
    return gone + (await connection.execute(QUERIES["expire_sets"])).rowcount
