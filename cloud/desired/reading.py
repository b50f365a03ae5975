"""Reads desired and reported state."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

import psycopg
from psycopg.rows import class_row

from cloud.db.queries import Queries
from cloud.desired.models import ContentState

QUERIES = Queries(Path(__file__).with_name("reading.sql"))


async def content_states(connection: psycopg.AsyncConnection) -> dict[str, ContentState]:
    """Return what is known of the content of every agent in use."""
    async with connection.cursor(row_factory=class_row(ContentState)) as cursor:
        await cursor.execute(QUERIES["content_states"])
        return {row.agent: row for row in await cursor.fetchall()}


async def held_manifests(
    connection: psycopg.AsyncConnection, manifests: Collection[str]
) -> dict[str, set[tuple[str, str]]]:
    """Return which of the manifests each agent holds whole, as `(manifest, token)`."""
    held: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    cursor = await connection.execute(QUERIES["held_manifests"], {"manifests": list(manifests)})
    for agent, manifest, token in await cursor.fetchall():
        held[agent].add((manifest, token))
    return dict(held)
