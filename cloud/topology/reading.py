"""Reads the topology of a school, or of the whole district."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.topology.models import DRIFT, Declared, Sighting, counted, of_school, overlay
from cloud.topology.schemas import Topology, TopologyDevice, TopologyEdge

QUERIES = Queries(Path(__file__).with_name("queries.sql"))

_OF_A_DEVICE = ("device", "name", "school", "address", "parent", "parent_port", "protocols", "chassis", "system_name")


async def topology(connection: psycopg.AsyncConnection, school: str | None) -> Topology | None:
    """Return devices and edges of one school, or of all; None when the inventory does not know the school."""
    if school is not None and not await _rows(connection, "school", school=school):
        return None
    rows = await _rows(connection, "devices")
    devices = [Declared(**{name: row[name] for name in _OF_A_DEVICE}) for row in rows]
    sightings = [Sighting(**row) for row in await _rows(connection, "neighbours")]
    line_ports = {(row["device"], row["port"]) for row in await _rows(connection, "line_ports")}
    shown = [row for row in rows if school is None or row["school"] == school]
    # Over the whole district even for one school: what stands at its line's end may be the centre's.
    edges = list(of_school(overlay(devices, sightings, line_ports), {row["device"] for row in shown}))
    return Topology(
        school=school,
        devices=[TopologyDevice(**{name: row[name] for name in TopologyDevice.model_fields}) for row in shown],
        edges=[TopologyEdge(**asdict(edge)) for edge in edges],
        counts=counted(edges),
        drift=sum(edge.state in DRIFT for edge in edges),
    )


async def _rows(connection: psycopg.AsyncConnection, name: str, **parameters: Any) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[name], parameters)
        return await cursor.fetchall()
