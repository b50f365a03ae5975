"""Reads classes, pupils and lessons for the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.roster.schemas import (
    ClassDetail,
    ClassList,
    ClassRow,
    LessonList,
    LessonRow,
    LessonsNow,
    PupilRow,
    TeacherRow,
)

QUERIES = Queries(Path(__file__).with_name("reading.sql"))


async def classes(connection: psycopg.AsyncConnection, today: date, school: str | None, grade: str | None) -> ClassList:
    """Return the classes of a school and grade, or of all."""
    parameters = {"today": today, "school": school, "grade": grade, "school_class": None}
    return ClassList(items=[ClassRow(**row) for row in await _rows(connection, "classes", parameters)])


async def class_detail(
    connection: psycopg.AsyncConnection, today: date, school_class: str, *, names: bool
) -> ClassDetail | None:
    """Return a class with who belongs to it today; None when there is no such class. Names only when asked for."""
    parameters = {"today": today, "school": None, "grade": None, "school_class": school_class}
    found = await _rows(connection, "classes", parameters)
    if not found:
        return None
    members = await _rows(connection, "members", {"today": today, "school_class": school_class})
    return ClassDetail(
        school_class=ClassRow(**found[0]),
        teachers=sorted(
            (
                TeacherRow(person=row["person"], name=row["name"] if names else None)
                for row in members
                if row["role"] == "teacher"
            ),
            key=lambda teacher: teacher.person,
        ),
        pupils=[
            PupilRow(
                person=row["person"],
                number=row["number"],
                row=row["seat_row"],
                column=row["seat_column"],
                terminal=row["terminal"],
                under_14=row["under_14"],
                name=row["name"] if names else None,
            )
            for row in members
            if row["role"] == "pupil"
        ],
    )


async def lessons(
    connection: psycopg.AsyncConnection, school_class: str, first_day: date, last_day: date
) -> LessonList:
    """Return a class's lessons from a day to a day, both included."""
    parameters = {"school_class": school_class, "first_day": first_day, "last_day": last_day}
    return LessonList(items=[LessonRow(**row) for row in await _rows(connection, "lessons", parameters)])


async def lessons_at(connection: psycopg.AsyncConnection, at: datetime, school: str | None) -> LessonsNow:
    """Return the lessons that are running at a moment, of a school or of all."""
    rows = await _rows(connection, "lessons_at", {"at": at, "school": school})
    return LessonsNow(at=at, items=[LessonRow(**row) for row in rows])


async def _rows(connection: psycopg.AsyncConnection, name: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[name], parameters)
        return await cursor.fetchall()
