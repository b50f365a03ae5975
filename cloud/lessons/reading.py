"""Reads lessons with what they hang on, and what the faults of a time came to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.lessons import impact
from cloud.lessons.models import LessonSlot, Loss
from cloud.status.models import StatusKind, Thing
from cloud.status.spans import spans

QUERIES = Queries(Path(__file__).with_name("queries.sql"))


async def slots(
    connection: psycopg.AsyncConnection, since: datetime, until: datetime, school: str | None = None
) -> list[LessonSlot]:
    """Return the lessons that run in a span of time, of one school or of all."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["slots"], {"since": since, "until": until, "school": school})
        rows = await cursor.fetchall()
    facts: dict[str, list[datetime]] = {}
    asked = {"since": since, "until": until, "lessons": [row["lesson"] for row in rows]}
    for lesson, at in await (await connection.execute(QUERIES["facts"], asked)).fetchall():
        facts.setdefault(lesson, []).append(at)
    return [
        LessonSlot(
            lesson=row["lesson"],
            school=row["school"],
            school_class=row["school_class"],
            classroom=row["classroom"],
            topic=row["topic"],
            starts_at=row["starts_at"],
            ends_at=row["ends_at"],
            exam=row["exam"],
            students=row["students"],
            provider=row["provider"] or "",
            chain=_chain(row["link"], row["gateway"], row["classroom"] if row["room_agent"] else None),
            facts=facts.get(row["lesson"], []),
            ready=row["ready"],
        )
        for row in rows
    ]


def _chain(link: str | None, gateway: str | None, classroom: str | None) -> list[Thing]:
    """A provider's outage is the root that its links name, so the chain begins with the link."""
    parts = ((StatusKind.LINK, link), (StatusKind.GATEWAY, gateway), (StatusKind.CLASSROOM, classroom))
    return [Thing(kind, key) for kind, key in parts if key is not None]


def things_of(slots: Iterable[LessonSlot]) -> set[Thing]:
    """Return everything that lessons hang on."""
    return {thing for slot in slots for thing in slot.chain}


async def spans_of(
    connection: psycopg.AsyncConnection, slots: Iterable[LessonSlot], since: datetime, until: datetime
) -> impact.Spans:
    """Return what everything that lessons hang on was during a span of time."""
    keys = {thing.key for thing in things_of(slots)}
    kinds = [StatusKind.LINK, StatusKind.GATEWAY, StatusKind.CLASSROOM]
    return impact.by_thing(await spans(connection, since, until, kinds=kinds, keys=keys)) if keys else {}


async def losses(
    connection: psycopg.AsyncConnection, since: datetime, until: datetime, now: datetime, school: str | None = None
) -> list[Loss]:
    """Return what every cause did to every lesson of a span of time until now."""
    found = await slots(connection, since, until, school)
    return impact.losses(found, await spans_of(connection, found, since, until), min(now, until))
