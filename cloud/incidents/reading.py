"""Reads incidents for the API, the live stream and the command line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import psycopg
from psycopg.rows import dict_row

from cloud.incidents.models import IncidentState
from cloud.incidents.repository import QUERIES
from cloud.incidents.schemas import IncidentDetail, IncidentList, IncidentRow, MemberRow, TimelineEntry


async def incidents(
    connection: psycopg.AsyncConnection,
    *,
    states: Sequence[IncidentState] | None = None,
    school: str | None = None,
    kind: str | None = None,
    severity: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    incident_id: int | None = None,
    limit: int = 1000,
    offset: int = 0,
) -> IncidentList:
    """Return the incidents that match, the most urgent first."""
    values = {
        "states": [state.value for state in states] if states is not None else None,
        "school": school,
        "kind": kind,
        "severity": severity,
        "since": since,
        "until": until,
    }
    async with connection.cursor(row_factory=dict_row) as cursor:
        paged = {**values, "incident_id": incident_id, "limit": limit, "offset": offset}
        await cursor.execute(QUERIES["rows"], paged)
        rows = await cursor.fetchall()
    counted = await (await connection.execute(QUERIES["count"], values)).fetchone()
    return IncidentList(
        total=counted[0] if counted is not None else 0,
        limit=limit,
        offset=offset,
        items=[IncidentRow(**{name: row[name] for name in IncidentRow.model_fields}) for row in rows],
    )


async def incident(connection: psycopg.AsyncConnection, incident_id: int) -> IncidentDetail | None:
    """Return one incident with members and timeline; None when there is none of that number."""
    found = (await incidents(connection, incident_id=incident_id, limit=1)).items
    if not found:
        return None
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["members"], {"incident_id": incident_id})
        members = [MemberRow(**row) for row in await cursor.fetchall()]
        await cursor.execute(QUERIES["timeline"], {"incident_id": incident_id})
        timeline = [TimelineEntry(**row) for row in await cursor.fetchall()]
    return IncidentDetail(**found[0].model_dump(), things=members, timeline=timeline)
