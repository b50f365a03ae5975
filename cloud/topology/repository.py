"""Keeps what agents tell of neighbours, in ingest's own transaction: exactly once, like all that a segment holds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from psycopg import AsyncCursor

from cloud.db.queries import Queries
from protocols.events import Event

QUERIES = Queries(Path(__file__).with_name("queries.sql"))

SEEN, GONE, READ = "neighbour.seen", "neighbour.gone", "neighbours.read"
EVENT_TYPES = frozenset({SEEN, GONE, READ})

_TEXTS = (
    "protocol",
    "chassis",
    "remote_port",
    "port_description",
    "system_name",
    "address",
    "platform",
    "capabilities",
)


class Told(NamedTuple):
    """An event about neighbours, and when it happened by the centre's clock as well as that is known."""

    agent_id: int
    event: Event
    at: datetime


async def note(cursor: AsyncCursor[Any], told: Iterable[Told]) -> None:
    """Note what was told, device by device in one order everywhere, each in the order of time."""
    for one in sorted(told, key=lambda one: (_device(one.event), one.at, one.event.type == READ)):
        values = _values(one)
        if one.event.type == READ:
            await cursor.execute(QUERIES["read"], values)
            await cursor.execute(QUERIES["close_older"], values)
            await cursor.execute(QUERIES["forget"], values)
        elif values["port"]:
            await cursor.execute(QUERIES["seen" if one.event.type == SEEN else "gone"], values)


def _values(told: Told) -> dict[str, Any]:
    attributes = told.event.attributes
    endpoints = attributes.get("endpoints")
    return {
        **{name: str(attributes.get(name) or "") for name in (*_TEXTS, "reading", "protocols")},
        "device": _device(told.event),
        "port": told.event.thing.partition("/")[2],
        "agent_id": told.agent_id,
        "at": told.at,
        "endpoints": endpoints if isinstance(endpoints, int) and 0 <= endpoints < 2**31 else 0,
    }


def _device(event: Event) -> str:
    return event.thing.partition("/")[0]
