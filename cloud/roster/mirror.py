"""What each agent is to hold of roster and timetable: a gateway its whole school, a classroom agent its room.

Equal tables give equal values, in a fixed order, so that what has not changed is not sent again. No names: the mirror
reads `people` not at all.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from protocols.roster import Lesson, Pupil, Roster, SchoolClass, Timetable

QUERIES = Queries(Path(__file__).with_name("mirror.sql"))


async def roster_for(connection: psycopg.AsyncConnection, agent: str) -> Roster | None:
    """Return the classes that an agent serves; None for the core, for an unknown agent and for one that has left.

    Classes are in order of their key, pupils of their number (those without one last), teachers of their reference.
    Who has not begun or has left a class is not in it.
    """
    place = await _place(connection, agent)
    if place is None:
        return None
    classes = await _rows(connection, "classes", place)
    members = await _rows(connection, "members", {"school_classes": [row["school_class"] for row in classes]})
    pupils: dict[str, list[Pupil]] = defaultdict(list)
    teachers: dict[str, list[str]] = defaultdict(list)
    for row in members:
        if row["role"] == "teacher":
            teachers[row["school_class"]].append(row["person"])
        else:
            pupils[row["school_class"]].append(
                Pupil(
                    person=row["person"],
                    number=row["number"],
                    row=row["seat_row"],
                    column=row["seat_column"],
                    terminal=row["terminal"],
                )
            )
    return Roster(
        classes=[
            SchoolClass(**row, teachers=sorted(teachers[row["school_class"]]), pupils=pupils[row["school_class"]])
            for row in classes
        ]
    )


async def timetable_for(
    connection: psycopg.AsyncConnection, agent: str, today: date, days: int = 14, *, time_zone: str
) -> Timetable | None:
    """Return an agent's lessons of `days` days from `today` on, in order of their beginning; None as for the roster.

    `today` and the lessons' days are in `time_zone`, the district's.
    """
    place = await _place(connection, agent)
    if place is None:
        return None
    last_day = today + timedelta(days=days - 1)
    lessons = await _rows(connection, "lessons", {**place, "first_day": today, "last_day": last_day})
    return Timetable(
        time_zone=time_zone,
        from_day=today.isoformat(),
        to_day=last_day.isoformat(),
        lessons=[Lesson(**row) for row in lessons],
    )


async def _place(connection: psycopg.AsyncConnection, agent: str) -> dict[str, Any] | None:
    """Return the school that an agent serves, and its room unless it serves the whole school."""
    found = await _rows(connection, "agent", {"agent": agent})
    if not found or found[0]["role"] == "core":
        return None
    (row,) = found
    return {"school": row["school"], "classroom": row["classroom"] if row["role"] == "classroom" else None}


async def _rows(connection: psycopg.AsyncConnection, name: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[name], parameters)
        return await cursor.fetchall()
