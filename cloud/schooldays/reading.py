"""Reads a school's day, the check before the bell, and what a principal is told."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.schooldays.models import RoomFacts, What, faults, well
from cloud.schooldays.schemas import (
    AffectedLesson,
    CheckFault,
    CheckReport,
    DaySpan,
    Period,
    PrincipalPage,
    PrincipalState,
    RoomCheck,
    SchoolCheck,
    SchoolDay,
)
from cloud.status import spans as status_spans
from cloud.status.models import StatusKind, StatusWord
from cloud.terminals.models import BATTERY_LOW_RATIO

QUERIES = Queries(Path(__file__).with_name("queries.sql"))


async def school_day(
    connection: psycopg.AsyncConnection, school: str, day: date | None, now: datetime, zone: ZoneInfo
) -> SchoolDay | None:
    """Return a school's day, today without one; None when the inventory does not know the school."""
    if not await _rows(connection, "school", school=school):
        return None
    chosen = day or now.astimezone(zone).date()
    starts_at = datetime.combine(chosen, time.min, zone)
    ends_at = datetime.combine(chosen + timedelta(days=1), time.min, zone)
    keys = [row["key"] for row in await _rows(connection, "keys_of_school", school=school)]
    found = await status_spans.spans(
        connection, starts_at, ends_at, kinds=(StatusKind.LINK, StatusKind.GATEWAY), keys=keys
    )
    return SchoolDay(
        school=school,
        day=chosen,
        starts_at=starts_at,
        ends_at=ends_at,
        periods=[Period(**row) for row in await _rows(connection, "periods", school=school, day=chosen)],
        spans=[
            DaySpan(
                kind=span.thing.kind,
                key=span.thing.key,
                status=span.status,
                since=span.since,
                until=span.until,
                reason=span.reason,
            )
            for span in sorted(found, key=lambda span: (span.since, span.thing))
            if span.status is not StatusWord.UP
        ],
    )


async def check(
    connection: psycopg.AsyncConnection, school: str | None, check_at: time, now: datetime, zone: ZoneInfo
) -> CheckReport:
    """Return how every classroom, or a school's, stands before the bell; `check_at` is the district's clock."""
    today = now.astimezone(zone).date()
    due_at = datetime.combine(today, check_at, zone)
    rooms = await _rows(connection, "rooms", school=school, day=today, battery_low=BATTERY_LOW_RATIO)
    silent = await _rows(connection, "silent_devices", school=school)
    then = await _rows(connection, "statuses_at", at=due_at) if due_at <= now else []
    at_check = {row["key"]: row["status"] for row in then}
    schools: dict[str, SchoolCheck] = {}
    for row in rooms:
        found = faults(_facts(row))
        one = schools.get(row["school"])
        if one is None:
            one = schools[row["school"]] = SchoolCheck(
                school=row["school"],
                name=row["school_name"],
                name_en=row["school_name_en"],
                faults=[
                    *(_fault(row, fault.what) for fault in found if fault.what in (What.LINE, What.GATEWAY)),
                    *(
                        CheckFault(what=What.DEVICE, thing=device["device"])
                        for device in silent
                        if device["school"] == row["school"]
                    ),
                ],
                rooms=[],
            )
        one.rooms.append(
            RoomCheck(
                classroom=row["classroom"],
                name=row["name"],
                name_en=row["name_en"],
                ready=not found,
                faults=[_fault(row, fault.what, fault.number) for fault in found],
                at_check=at_check.get(row["classroom"]),
                first_lesson_at=row["first_lesson_at"],
            )
        )
    ready = [room.ready for one in schools.values() for room in one.rooms]
    return CheckReport(
        at=now, check_at=due_at, green=sum(ready), amber=len(ready) - sum(ready), schools=list(schools.values())
    )


async def principal(
    connection: psycopg.AsyncConnection, school: str, now: datetime, zone: ZoneInfo
) -> PrincipalPage | None:
    """Return what a school's principal is told; None when the inventory does not know the school."""
    found = await _rows(connection, "school", school=school)
    if not found:
        return None
    (row,) = found
    rooms = {one["classroom"]: one["status"] for one in await _rows(connection, "room_statuses", school=school)}
    line_out = row["link_status"] is not None and not well(row["link_status"])
    dark = {room for room, status in rooms.items() if line_out or not well(status)}
    state = _state(row, rooms, dark)
    lessons = await _rows(connection, "lessons_from", school=school, day=now.astimezone(zone).date(), at=now)
    reached = [lesson for lesson in lessons if state is not PrincipalState.UNKNOWN and lesson["classroom"] in dark]
    running = [lesson for lesson in lessons if lesson["starts_at"] <= now]
    to_come = [lesson for lesson in reached if lesson["starts_at"] > now]
    return PrincipalPage(
        school=school,
        name=row["name"],
        name_en=row["name_en"],
        at=now,
        state=state,
        since=row["link_since"] if state in (PrincipalState.OFFLINE, PrincipalState.SLOW) else None,
        classrooms=len(rooms),
        classrooms_affected=0 if state is PrincipalState.UNKNOWN else len(dark),
        lessons_now=len(running),
        affected_now=[_lesson(lesson) for lesson in reached if lesson["starts_at"] <= now],
        next_affected=_lesson(to_come[0]) if to_come else None,
        lessons_left=len(lessons) - len(running),
    )


def _state(school: dict[str, Any], rooms: dict[str, str], dark: set[str]) -> PrincipalState:
    if school["link_status"] in (StatusWord.DOWN, StatusWord.UNREACHABLE):
        return PrincipalState.OFFLINE
    if school["link_status"] in (None, StatusWord.UNKNOWN) or (rooms and set(rooms.values()) == {StatusWord.UNKNOWN}):
        return PrincipalState.UNKNOWN
    if dark:
        return PrincipalState.PARTLY
    return PrincipalState.WELL if school["link_status"] == StatusWord.UP else PrincipalState.SLOW


def _facts(row: dict[str, Any]) -> RoomFacts:
    return RoomFacts(**{name: row[name] for name in RoomFacts.__slots__})


def _fault(row: dict[str, Any], what: What, number: int | None = None) -> CheckFault:
    thing = {What.LINE: row["link"], What.GATEWAY: row["gateway"]}.get(what)
    return CheckFault(what=what, number=number, thing=thing)


def _lesson(row: dict[str, Any]) -> AffectedLesson:
    return AffectedLesson(
        title=row["title"],
        title_en=row["title_en"],
        topic=row["topic"],
        room=row["classroom_name"],
        room_en=row["classroom_name_en"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        exam=row["exam"],
    )


async def _rows(connection: psycopg.AsyncConnection, name: str, **parameters: Any) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[name], parameters)
        return await cursor.fetchall()
