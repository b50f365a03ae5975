"""The erasures that an agent must have applied, for `cloud.desired` to sign and send."""

from __future__ import annotations

import psycopg

from cloud.privacy.erasing import QUERIES
from protocols.desired import Erasures, Tombstone


async def erasures_for(connection: psycopg.AsyncConnection, agent: str) -> Erasures | None:
    """Return every tombstone of an agent's school in order; None when there is none."""
    cursor = await connection.execute(QUERIES["tombstones"], {"agent": agent})
    tombstones = [
        Tombstone(
            erasure=erasure,
            subject=person,
            ordered_at_ms=round(ordered_at.timestamp() * 1000),
            records=records,
            blobs=blobs,
        )
        for erasure, person, ordered_at, records, blobs in await cursor.fetchall()
    ]
    return Erasures(tombstones=tombstones) if tombstones else None
