"""Reads quarantine for the API: lists without bytes, one entry with its bytes made readable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.quarantine.schemas import QuarantineDetail, QuarantineList, QuarantineRow, ReasonCount
from protocols.codec import DecodeError, decode_segment
from protocols.segments import Segment
from protocols.topics import Lane

QUERIES = Queries(Path(__file__).with_name("reading.sql"))

_SHOWN_PAYLOAD_BYTES = 4096
_SHOWN_DECODED_CHARACTERS = 64 * 1024


async def _rows(connection: psycopg.AsyncConnection, name: str, **parameters: Any) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[name], parameters)
        return await cursor.fetchall()


async def listing(
    connection: psycopg.AsyncConnection,
    reason: str | None,
    agent: str | None,
    pattern: str | None,
    limit: int,
    offset: int,
) -> QuarantineList:
    """Return a page of what waits, newest first, with all reasons counted."""
    filters = {"reason": reason, "agent": agent, "pattern": pattern}
    counted = await _rows(connection, "count_listed", **filters)
    return QuarantineList(
        total=counted[0]["count"],
        limit=limit,
        offset=offset,
        reasons=[ReasonCount(**row) for row in await _rows(connection, "reasons")],
        items=[
            QuarantineRow(**row) for row in await _rows(connection, "listed", **filters, limit=limit, offset=offset)
        ],
    )


async def detail(connection: psycopg.AsyncConnection, quarantine_id: int) -> QuarantineDetail | None:
    """Return one entry with its bytes, decoded when they can be; None when there is none."""
    found = await _rows(connection, "detail", id=quarantine_id)
    if not found:
        return None
    (row,) = found
    payload: bytes = bytes(row.pop("payload"))
    segment = _decoded(payload, row["content_type"])
    # What a pupil said is not an operator's to read (classroom-sync P9); its bytes stay in quarantine for the replay.
    private = row["lane"] == Lane.RECORDS or (segment is not None and bool(segment.records))
    return QuarantineDetail(
        **row,
        payload_hex="" if private else payload[:_SHOWN_PAYLOAD_BYTES].hex(),
        decoded=None if segment is None else _readable(segment),
    )


def _decoded(payload: bytes, content_type: str) -> Segment | None:
    try:
        return decode_segment(payload, content_type)
    except DecodeError:
        return None


def _readable(segment: Segment) -> str:
    """Return a segment as JSON, its records by id and type alone."""
    document = msgspec.to_builtins(msgspec.structs.replace(segment, records=[]))
    if segment.records:
        document["records"] = [{"record_id": one.record_id, "type": one.type} for one in segment.records]
    return msgspec.json.encode(document).decode()[:_SHOWN_DECODED_CHARACTERS]
