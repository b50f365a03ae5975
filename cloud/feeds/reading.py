"""Feeds as people see them."""

from __future__ import annotations

import psycopg
from psycopg.rows import dict_row

from cloud.feeds.repository import QUERIES
from cloud.feeds.schemas import MOST_WAITING, FeedList, FeedRefusal, FeedRefusalList, FeedRow


async def feeds(connection: psycopg.AsyncConnection, feed: str | None = None) -> FeedList:
    """Return every feed, or the one of that name if there is one."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["feeds"], {"feed": feed, "most": MOST_WAITING})
        return FeedList(items=[FeedRow(**{**row, "url": _shown(row["url"])}) for row in await cursor.fetchall()])


def _shown(url: str) -> str:
    """Return an address without its query, which may hold what lets one write there."""
    address, mark, _ = url.partition("?")
    return f"{address}?…" if mark else address


async def refusals(connection: psycopg.AsyncConnection, feed: str, limit: int, offset: int) -> FeedRefusalList:
    """Return a page of what a feed's receiver would not take."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["refusals_total"], {"feed": feed})
        row = await cursor.fetchone()
        assert row is not None
        await cursor.execute(QUERIES["refusals"], {"feed": feed, "limit": limit, "offset": offset})
        items = [FeedRefusal(**one) for one in await cursor.fetchall()]
    return FeedRefusalList(total=row["total"], limit=limit, offset=offset, items=items)
