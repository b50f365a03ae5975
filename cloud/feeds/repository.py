"""Rows of feeds: registered, moved on, paused, removed, and what receivers would not take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.feeds.models import Feed, Format
from cloud.records.consuming import QUERIES as CONSUMING
from cloud.records.consuming import StoredRecord, stored_record

QUERIES = Queries(Path(__file__).with_name("queries.sql"))
CHANNEL = "bellwether_feeds"
"""Notified when a feed was added or changed by somebody."""

Connection = psycopg.AsyncConnection


async def add(connection: Connection, values: dict[str, Any]) -> bool:
    """Make a feed known; False when its name is taken."""
    cursor = await connection.execute(QUERIES["add_feed"], values)
    added = await cursor.fetchone() is not None
    await notify(connection)
    return added


async def change(connection: Connection, query: str, **values: Any) -> int:
    """Run one of the changes that people ask for, and wake whoever delivers; return how many rows it changed."""
    cursor = await connection.execute(QUERIES[query], values)
    changed = cursor.rowcount
    await notify(connection)
    return changed


async def note(connection: Connection, query: str, **values: Any) -> None:
    """Run one of the changes that delivery itself makes."""
    await connection.execute(QUERIES[query], values)


async def keep_refusal(connection: Connection, feed: str, record_id: str, reason: str) -> None:
    """Keep a record that a receiver will not take, unless it has been erased; inside the caller's transaction."""
    await connection.execute(QUERIES["await_erasures"])
    await note(connection, "keep_refusal", feed=feed, record_id=record_id, reason=reason)


async def notify(connection: Connection) -> None:
    """Wake whoever delivers, with the commit."""
    await connection.execute(QUERIES["notify"], {"channel": CHANNEL})


async def school_known(connection: Connection, school: str) -> bool:
    """Return whether there is such a school."""
    row = await (await connection.execute(QUERIES["school_known"], {"school": school})).fetchone()
    return row == (True,)


async def alone(connection: Connection, key: int) -> bool:
    """Take the lock of those who deliver, for as long as the connection lasts; False while another has it."""
    row = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", [key])).fetchone()
    return row == (True,)


async def running(connection: Connection) -> list[str]:
    """Return the names of feeds that are to be delivered."""
    return [feed for (feed,) in await (await connection.execute(QUERIES["running_feeds"])).fetchall()]


async def find(connection: Connection, feed: str) -> Feed | None:
    """Return a feed, or None when it has been removed."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["feed"], {"feed": feed})
        row = await cursor.fetchone()
        return None if row is None else Feed(**{**row, "format": Format(row["format"])})


async def highest_place(connection: Connection) -> int:
    """Return the highest place that is committed; smaller ones may still be under way."""
    row = await (await connection.execute(CONSUMING["highest_place"])).fetchone()
    assert row is not None
    return int(row[0])


async def next_records(
    connection: Connection, feed: Feed, *, after: int, upto: int, limit: int
) -> list[StoredRecord | tuple[int, str]]:
    """Return a feed's next records in order; one that this version cannot read by its place and id."""
    values = {"types": feed.types, "school": feed.school, "after": after, "upto": upto, "limit": limit}
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["next_for_feed"], values)
        return [_readable(row) for row in await cursor.fetchall()]


async def asked_again(connection: Connection, feed: str) -> StoredRecord | tuple[int, str] | None:
    """Return the first refused record that is to be sent once more, or None."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["asked_again"], {"feed": feed})
        row = await cursor.fetchone()
        return None if row is None else _readable(row)


def _readable(row: dict[str, Any]) -> StoredRecord | tuple[int, str]:
    try:
        return stored_record(row)
    except msgspec.ValidationError:
        return row["place"], row["record_id"]


async def next_erasures(connection: Connection, feed: str, limit: int) -> list[str]:
    """Return the ids of records that a receiver is still to be told to erase."""
    cursor = await connection.execute(QUERIES["next_erasures"], {"feed": feed, "limit": limit})
    return [record_id for (record_id,) in await cursor.fetchall()]


async def tell_erased(connection: Connection, record_ids: Sequence[str]) -> None:
    """Have receivers told to erase records; called in the transaction that erases them, before it does."""
    await connection.execute(QUERIES["note_erased"], {"record_ids": list(record_ids)})
    await notify(connection)


async def forget(connection: Connection, record_ids: Sequence[str]) -> None:
    """Forget what is kept of records that are erased or have expired."""
    await connection.execute(QUERIES["forget_feed_refusals"], {"record_ids": list(record_ids)})
