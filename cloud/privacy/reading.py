"""Reads orders to erase and accesses for the API."""

from __future__ import annotations

import psycopg
from psycopg.rows import dict_row

from cloud.privacy.erasing import QUERIES
from cloud.privacy.schemas import Access, AccessList, Erasure, ErasureList


async def erasures(
    connection: psycopg.AsyncConnection, limit: int, offset: int, erasure: str | None = None
) -> ErasureList:
    """Return a page of orders, newest first, or the one named."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["erasures"], {"limit": limit, "offset": offset, "erasure": erasure})
        rows = await cursor.fetchall()
        await cursor.execute(QUERIES["erasures_total"])
        total = await cursor.fetchone()
        assert total is not None
    return ErasureList(items=[Erasure(**row) for row in rows], total=total["total"], limit=limit, offset=offset)


async def accesses(connection: psycopg.AsyncConnection, person: str, limit: int) -> AccessList:
    """Return who looked at a person's records."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["accesses"], {"person": person, "limit": limit})
        return AccessList(items=[Access(**row) for row in await cursor.fetchall()])
