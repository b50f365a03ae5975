"""Counts records, and what services refused of them, for the API."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.records.consuming import QUERIES as CONSUMING
from cloud.records.schemas import RecordCount, RecordCounts, RefusedRecordsList, RefusedRecordsOfConsumer
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


async def refusals(
    connection: psycopg.AsyncConnection, consumer: str | None, school_class: str | None
) -> RefusedRecordsList:
    """Return the open refusals of one service or all, of one class or all."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(CONSUMING["refusals_by_consumer"], {"consumer": consumer, "school_class": school_class})
        items = [RefusedRecordsOfConsumer(**row) for row in await cursor.fetchall()]
    return RefusedRecordsList(total=sum(item.records for item in items), items=items)
