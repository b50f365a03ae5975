"""Reads what was told to whom."""

from __future__ import annotations

import psycopg
from psycopg.rows import dict_row

from cloud.notifications.repository import QUERIES
from cloud.notifications.schemas import DeliveryList, DeliveryRow


async def deliveries(
    connection: psycopg.AsyncConnection, incident_id: int | None, limit: int, offset: int
) -> DeliveryList:
    """Return deliveries, newest first; of one incident, or all."""
    values = {"incident_id": incident_id, "limit": limit, "offset": offset}
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["deliveries"], values)
        rows = await cursor.fetchall()
    counted = await (await connection.execute(QUERIES["count"], {"incident_id": incident_id})).fetchone()
    return DeliveryList(
        total=counted[0] if counted is not None else 0,
        limit=limit,
        offset=offset,
        items=[DeliveryRow(**row) for row in rows],
    )
