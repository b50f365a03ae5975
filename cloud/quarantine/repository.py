"""The quarantine table: inserted by ingest's transaction, read and closed by the service."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import class_row

from cloud.db.queries import Queries
from cloud.quarantine.models import Entry, NewEntry, OpenEntry

QUERIES = Queries(Path(__file__).with_name("queries.sql"))


async def insert(cursor: AsyncCursor[Any], entries: Iterable[NewEntry]) -> None:
    """Keep refused payloads, inside the caller's transaction; sorted by key, so that workers cannot deadlock."""
    for entry in sorted(entries, key=lambda entry: (entry.agent, entry.content_hash, entry.reason)):
        await cursor.execute(
            QUERIES["insert"],
            {
                "agent": entry.agent,
                "topic": entry.topic,
                "lane": entry.lane,
                "content_type": entry.content_type.replace("\0", "\\0"),
                "reason": entry.reason,
                "detail": entry.detail.replace("\0", "\\0"),
                "epoch": entry.epoch,
                "seq": entry.seq,
                "items": entry.items,
                "size_bytes": len(entry.payload),
                "content_hash": entry.content_hash,
                "payload": entry.payload,
                "received_at": entry.received_at,
            },
        )


async def used_bytes(cursor: AsyncCursor[Any], agents: Collection[str], least_bytes: int) -> dict[str, int]:
    """Return how many bytes the open entries of agents count for, each entry at least `least_bytes`."""
    if not agents:
        return {}
    await cursor.execute(QUERIES["used_bytes"], {"agents": list(agents), "least": least_bytes})
    return dict(await cursor.fetchall())


async def kept(cursor: AsyncCursor[Any], entries: Collection[NewEntry]) -> set[tuple[str, bytes, str]]:
    """Return agent, content hash and reason of those of `entries` that are in quarantine already, open or replayed."""
    await cursor.execute(
        QUERIES["kept"],
        {
            "agents": list({entry.agent for entry in entries}),
            "hashes": list({entry.content_hash for entry in entries}),
        },
    )
    return {(agent, bytes(content_hash), reason) for agent, content_hash, reason in await cursor.fetchall()}


async def open_entries(
    connection: AsyncConnection,
    *,
    reason: str | None = None,
    agent: str | None = None,
    quarantine_id: int | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[OpenEntry]:
    """Return open entries with their bytes, oldest first, after an id."""
    async with connection.cursor(row_factory=class_row(OpenEntry)) as cursor:
        await cursor.execute(
            QUERIES["open_entries"],
            {"reason": reason, "agent": agent, "quarantine_id": quarantine_id, "after": after, "limit": limit},
        )
        return await cursor.fetchall()


async def entries(
    connection: AsyncConnection, *, reason: str | None, agent: str | None, state: str | None, limit: int
) -> list[Entry]:
    """Return entries without their bytes, newest first."""
    async with connection.cursor(row_factory=class_row(Entry)) as cursor:
        await cursor.execute(QUERIES["entries"], {"reason": reason, "agent": agent, "state": state, "limit": limit})
        return await cursor.fetchall()


async def entry(connection: AsyncConnection, quarantine_id: int) -> tuple[Entry, bytes] | None:
    """Return one entry and its bytes, or None."""
    async with connection.cursor() as cursor:
        await cursor.execute(QUERIES["entry"], {"quarantine_id": quarantine_id})
        row = await cursor.fetchone()
    return None if row is None else (Entry(*row[:-1]), row[-1])


async def close(cursor: AsyncCursor[Any], quarantine_id: int, outcome: str, at: datetime | None = None) -> None:
    """Note that a replay took an entry in, inside the transaction that stores it."""
    await cursor.execute(
        QUERIES["close"], {"quarantine_id": quarantine_id, "outcome": outcome, "at": at or datetime.now(UTC)}
    )


async def replayable_agents(connection: AsyncConnection) -> list[str]:
    """Return agents that were unknown when their segments came and are known now."""
    cursor = await connection.execute(QUERIES["replayable_agents"])
    return [agent for (agent,) in await cursor.fetchall()]
