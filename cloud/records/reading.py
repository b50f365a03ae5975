"""Counts records for the API."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.records.schemas import RecordCount, RecordCounts
from protocols.records import PURPOSES

QUERIES = Queries(Path(__file__).with_name("queries.sql"))


async def counts(connection: psycopg.AsyncConnection, agent: str | None) -> RecordCounts:
    """Return the arrivals of every registered type, of one agent or of all."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["counts"], {"agent": agent})
        found = {row.pop("type"): row for row in await cursor.fetchall()}
    nothing = {"stored": 0, "duplicate": 0, "conflict": 0, "last_received_at": None}
    return RecordCounts(
        items=[
            RecordCount(type=name, purpose=purpose, **found.get(name, nothing)) for name, purpose in PURPOSES.items()
        ]
    )
