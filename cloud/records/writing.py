"""Stores arrivals of records inside ingest's transaction; decides which arrival of an id is the one that counts.

Invariant: of all arrivals of a record id exactly one is `stored`, whatever the number of workers, agents and resends;
of one that falls under an erasure none is, and nothing of it is kept but that it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from psycopg import AsyncCursor
from psycopg.types.json import Jsonb

from cloud.db.queries import Queries
from cloud.records.consuming import STORING_LOCK
from cloud.records.models import Arrived
from protocols.records import fingerprint

QUERIES = Queries(Path(__file__).with_name("queries.sql"))

CHANNEL = "bellwether_records"
"""Notified with the commit of new records."""

_TYPES = [*["text", "int4"], *["text"] * 5, *["int8"] * 4, "text", "jsonb"]


async def store(cursor: AsyncCursor[Any], arrivals: Sequence[Arrived]) -> None:
    """Store a batch's records, in the order of their arrival."""
    if not arrivals:
        return
    await cursor.execute(QUERIES["storing"], {"lock": STORING_LOCK, "channel": CHANNEL})
    fingerprints = [fingerprint(arrived.record) for arrived in arrivals]
    ids = [arrived.record.record_id for arrived in arrivals]
    await cursor.execute(QUERIES["claim_identities"], {"record_ids": ids, "fingerprints": fingerprints})
    new = {record_id for (record_id,) in await cursor.fetchall()}
    known: dict[str, bytes] = {}
    if len(new) < len(ids):
        await cursor.execute(QUERIES["fingerprints"], {"record_ids": ids})
        known = {record_id: bytes(found) for record_id, found in await cursor.fetchall()}
    erased = await _erased(cursor, arrivals)
    async with cursor.copy(QUERIES["copy_records"]) as copy:
        copy.set_types(_TYPES)
        for arrived, said in zip(arrivals, fingerprints, strict=True):
            record = arrived.record
            if record.record_id in new:
                outcome = "stored"
                new.remove(record.record_id)
            else:
                outcome = "duplicate" if known[record.record_id] == said else "conflict"
            blank = record.record_id in erased
            await copy.write_row(
                (
                    record.record_id,
                    arrived.agent_id,
                    record.type,
                    None if blank else record.subject,
                    None if blank else record.terminal,
                    record.school_class,
                    None if blank else record.lesson,
                    arrived.observed_at,
                    arrived.accepted_at,
                    arrived.corrected_at,
                    arrived.received_at,
                    "erased" if blank else outcome,
                    Jsonb({} if blank else msgspec.to_builtins(record.fact)),
                )
            )


async def _erased(cursor: AsyncCursor[Any], arrivals: Sequence[Arrived]) -> set[str]:
    """Return the ids that fall under an erasure: about an erased person, named by an order, or a judgement of such."""
    await cursor.execute(
        QUERIES["erased_among"],
        {
            "record_ids": [arrived.record.record_id for arrived in arrivals],
            "subjects": [arrived.record.subject for arrived in arrivals],
            "submissions": [getattr(arrived.record.fact, "submission", None) for arrived in arrivals],
        },
    )
    return {record_id for (record_id,) in await cursor.fetchall()}
