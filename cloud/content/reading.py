"""Reads what is stored: which blobs are whole."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import psycopg

from cloud.db.queries import Queries

QUERIES = Queries(Path(__file__).with_name("queries.sql"))


async def present(connection: psycopg.AsyncConnection, hashes: Iterable[str]) -> set[str]:
    """Return those of the SHA-256 (hex) whose blob is whole and verified."""
    cursor = await connection.execute(QUERIES["present"], {"hashes": list(hashes)})
    return {row[0] for row in await cursor.fetchall()}
