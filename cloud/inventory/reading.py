"""Reads links, schools and unclaimed things for the API: the inventory joined with status and newest values."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.fleet import reading as fleet
from cloud.fleet.schemas import EventRow
from cloud.inventory.schemas import (
    ClassroomRow,
    DeviceRow,
    LinkDetail,
    LinkEnd,
    LinkList,
    LinkRow,
    LinkVantage,
    PortRow,
    SchoolDetail,
    SchoolList,
    SchoolRow,
    SchoolSummary,
    UnclaimedList,
    UnclaimedThing,
)
from cloud.status import repository as status
from cloud.status.models import StatusKind
from cloud.status.rules import FRESH, is_fresh
from cloud.status.schemas import StatusCounts
from protocols.blocks import metric_names
from protocols.samples import Kind, Vantage

QUERIES = Queries(Path(__file__).with_name("reading.sql"))

_SHOWN_CHANGES = 50
_SHOWN_EVENTS = 50


async def _rows(connection: psycopg.AsyncConnection, name: str, **parameters: Any) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[name], parameters)
        return await cursor.fetchall()


async def _count(connection: psycopg.AsyncConnection, name: str, **parameters: Any) -> int:
    row = await (await connection.execute(QUERIES[name], parameters)).fetchone()
    return int(row[0]) if row is not None else 0


async def link_rows(connection: psycopg.AsyncConnection, link: str | None = None) -> list[LinkRow]:
    """Return every link, or the one named, in district order."""
    return [_link_row(row) for row in await _rows(connection, "links", link=link, fresh=FRESH)]


async def links(connection: psycopg.AsyncConnection) -> LinkList:
    """Return every link, in district order."""
    return LinkList(at=datetime.now(UTC), items=await link_rows(connection))


async def link(connection: psycopg.AsyncConnection, key: str) -> LinkDetail | None:
    """Return one link with both ends, its school, its gateway and what happened to it; None when there is none."""
    found = await link_rows(connection, key)
    if not found:
        return None
    (row,) = found
    schools_found = await _rows(connection, "schools", school=row.school, pattern=None, limit=1, offset=0)
    school = _school_row(schools_found[0]) if schools_found else None
    gateway = await fleet.agent_row(connection, school.gateway) if school is not None and school.gateway else None
    return LinkDetail(
        **dict(row),
        school_summary=SchoolSummary(school=school.school, name=school.name, name_en=school.name_en, stage=school.stage)
        if school is not None
        else None,
        gateway=gateway,
        vantages=await _vantages(connection, key),
        status_changes=await status.changes_of(connection, StatusKind.LINK, key, _SHOWN_CHANGES),
        recent_events=[
            EventRow(**event) for event in await _rows(connection, "link_events", link=key, limit=_SHOWN_EVENTS)
        ],
    )


async def schools(connection: psycopg.AsyncConnection, pattern: str | None, limit: int, offset: int) -> SchoolList:
    """Return a page of schools."""
    total = await _count(connection, "count_schools", school=None, pattern=pattern)
    found = await _rows(connection, "schools", school=None, pattern=pattern, limit=limit, offset=offset)
    return SchoolList(total=total, limit=limit, offset=offset, items=[_school_row(row) for row in found])


async def school(connection: psycopg.AsyncConnection, key: str) -> SchoolDetail | None:
    """Return one school with everything in it; None when there is none."""
    found = await _rows(connection, "schools", school=key, pattern=None, limit=1, offset=0)
    if not found:
        return None
    row = _school_row(found[0])
    ports: dict[str, list[PortRow]] = {}
    for port in await _rows(connection, "ports", school=key):
        ports.setdefault(port.pop("device"), []).append(PortRow(**port))
    devices = await _rows(connection, "devices", school=key)
    links_found = await link_rows(connection, row.link) if row.link else []
    return SchoolDetail(
        **dict(row),
        link_row=links_found[0] if links_found else None,
        gateway_row=await fleet.agent_row(connection, row.gateway) if row.gateway else None,
        classroom_rows=await classroom_rows(connection, key),
        devices=[DeviceRow(**device, ports=ports.get(device["device"], [])) for device in devices],
    )


async def classroom_rows(connection: psycopg.AsyncConnection, school: str) -> list[ClassroomRow]:
    """Return the classrooms of a school, in the inventory's order."""
    return [
        ClassroomRow(**{**room, "terminals": StatusCounts(**(room["terminals"] or {}))})
        for room in await _rows(connection, "classrooms", school=school)
    ]


async def unclaimed(
    connection: psycopg.AsyncConnection, kind: Kind | None, pattern: str | None, limit: int, offset: int
) -> UnclaimedList:
    """Return a page of unclaimed things."""
    filters = {"kind": kind.value if kind is not None else None, "pattern": pattern}
    found = await _rows(connection, "unclaimed", **filters, limit=limit, offset=offset)
    return UnclaimedList(
        total=await _count(connection, "count_unclaimed", **filters),
        limit=limit,
        offset=offset,
        items=[UnclaimedThing(**row) for row in found],
    )


def _link_row(row: dict[str, Any]) -> LinkRow:
    school_end = LinkEnd(device=row.pop("school_device"), port=row.pop("school_port"))
    centre_end = LinkEnd(device=row.pop("centre_device"), port=row.pop("centre_port"))
    rates = [rate for rate in (row["in_bps"], row["out_bps"]) if rate is not None]
    contracted_bps = row["contracted_bps"]
    utilisation_ratio = round(max(rates) / contracted_bps, 6) if rates and contracted_bps else None
    return LinkRow(**row, utilisation_ratio=utilisation_ratio, school_end=school_end, centre_end=centre_end)


def _school_row(row: dict[str, Any]) -> SchoolRow:
    classrooms, terminals = row.pop("classrooms"), row.pop("terminals")
    return SchoolRow(**row, classrooms=StatusCounts(**(classrooms or {})), terminals=StatusCounts(**(terminals or {})))


async def _vantages(connection: psycopg.AsyncConnection, link: str) -> list[LinkVantage]:
    seen = {row["vantage"]: row for row in await _rows(connection, "link_vantages", link=link)}
    names = [name for name in metric_names(Kind.LINK) if name != "vantage"]
    now = datetime.now(UTC)
    vantages = []
    for vantage in Vantage:
        row = seen.get(vantage.value)
        observed_at = row["corrected_at"] if row is not None else None
        vantages.append(
            LinkVantage(
                vantage=vantage,
                observed_at=observed_at,
                fresh=is_fresh(observed_at, now),
                metrics={name: row[name] if row is not None else None for name in names},
            )
        )
    return vantages
