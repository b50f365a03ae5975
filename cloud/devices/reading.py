"""Reads one device, one port or one classroom."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.devices.schemas import ClassroomDetail, DeviceChild, DeviceDetail, PortDetail, RoomLesson
from cloud.fleet import reading as fleet
from cloud.fleet.schemas import EventRow
from cloud.inventory import reading as inventory
from cloud.inventory.schemas import PortRow
from cloud.status import repository as status
from cloud.status.models import StatusKind
from cloud.status.schemas import StatusCounts

QUERIES = Queries(Path(__file__).with_name("queries.sql"))

_SHOWN = 50


async def device(connection: psycopg.AsyncConnection, key: str) -> DeviceDetail | None:
    """Return one device; None when the inventory does not know it."""
    found = await _rows(connection, "device", device=key)
    if not found:
        return None
    return DeviceDetail(
        **found[0],
        ports=[PortRow(**row) for row in await _rows(connection, "ports", device=key, port=None)],
        children=[DeviceChild(**row) for row in await _rows(connection, "children", device=key)],
        status_changes=await status.changes_of(connection, StatusKind.DEVICE, key, _SHOWN),
        recent_events=[EventRow(**row) for row in await _rows(connection, "device_events", device=key, limit=_SHOWN)],
    )


async def port(connection: psycopg.AsyncConnection, device: str, name: str) -> PortDetail | None:
    """Return one port by its device and name; None when the inventory does not know it."""
    devices = await _rows(connection, "device", device=device)
    ports = await _rows(connection, "ports", device=device, port=name)
    if not devices or not ports:
        return None
    links = await _rows(connection, "link_of_port", device=device, port=name)
    key = f"{device}/{name}"
    events = await _rows(connection, "thing_events", kind="port", key=key, limit=_SHOWN)
    return PortDetail(
        **ports[0],
        device=device,
        device_name=devices[0]["name"],
        school=devices[0]["school"],
        school_name=devices[0]["school_name"],
        school_name_en=devices[0]["school_name_en"],
        link=links[0]["link"] if links else None,
        status_changes=await status.changes_of(connection, StatusKind.PORT, key, _SHOWN),
        recent_events=[EventRow(**row) for row in events],
    )


async def classroom(connection: psycopg.AsyncConnection, key: str, today: date) -> ClassroomDetail | None:
    """Return one classroom with its lessons of a day; None when the inventory does not know it."""
    found = await _rows(connection, "classroom", classroom=key)
    if not found:
        return None
    (row,) = found
    rooms = await inventory.classroom_rows(connection, row["school"])
    terminals = next((room.terminals for room in rooms if room.classroom == key), StatusCounts())
    return ClassroomDetail(
        **row,
        terminals=terminals,
        agent_row=await fleet.agent_row(connection, row["agent"]) if row["agent"] else None,
        lessons=[
            RoomLesson(**lesson) for lesson in await _rows(connection, "lessons_of_room", classroom=key, day=today)
        ],
        status_changes=await status.changes_of(connection, StatusKind.CLASSROOM, key, _SHOWN),
    )


async def _rows(connection: psycopg.AsyncConnection, name: str, **parameters: Any) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[name], parameters)
        return await cursor.fetchall()
