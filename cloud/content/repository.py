"""Writes the tables of content; the caller's transaction commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import psycopg

from cloud.db.queries import Queries
from protocols.content import Resource

QUERIES = Queries(Path(__file__).with_name("queries.sql"))
DESIRED_CHANNEL = "bellwether_desired"
"""Notified, with the kind of document, when what agents should have may have changed."""


async def note_blob(connection: psycopg.AsyncConnection, sha256: str, size_bytes: int, media_type: str) -> None:
    """Note that a blob is whole, verified and in its place."""
    await connection.execute(QUERIES["note_blob"], {"hash": sha256, "size_bytes": size_bytes, "media_type": media_type})


async def note_push(
    connection: psycopg.AsyncConnection,
    *,
    manifest: str,
    token: str,
    title: str,
    audience: list[str],
    before_at: datetime | None,
    resources: list[Resource],
) -> bool:
    """Make a push, or find the same one and set its title and moment; tell whether it is new."""
    cursor = await connection.execute(
        QUERIES["note_push"],
        {"manifest": manifest, "token": token, "title": title, "audience": audience, "before_at": before_at},
    )
    row = await cursor.fetchone()
    for position, resource in enumerate(resources):
        values = {
            "manifest": manifest,
            "position": position,
            "resource": resource.resource,
            "title": resource.title,
            "hash": resource.blob.sha256,
        }
        await connection.execute(QUERIES["note_push_resource"], values)
    await connection.execute(QUERIES["tell_desired"], {"channel": DESIRED_CHANNEL})
    return row == (True,)


async def withdraw_push(connection: psycopg.AsyncConnection, manifest: str) -> None:
    """Withdraw a push, if it counts."""
    await connection.execute(QUERIES["withdraw_push"], {"manifest": manifest})
    await connection.execute(QUERIES["tell_desired"], {"channel": DESIRED_CHANNEL})


async def forget_blobs(connection: psycopg.AsyncConnection, hashes: Sequence[str]) -> list[str]:
    """Forget blobs that no push holds; return those whose files are to go."""
    cursor = await connection.execute(QUERIES["forget_blobs"], {"hashes": list(hashes)})
    return [sha256 for (sha256,) in await cursor.fetchall()]
