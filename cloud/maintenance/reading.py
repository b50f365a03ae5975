"""Reads planned work: what is covered now, which windows there are, what they cost, when work costs least."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.lessons import reading as lessons
from cloud.lessons.models import LessonSlot
from cloud.maintenance import occurrences
from cloud.maintenance.models import TargetKind, Window
from cloud.maintenance.schemas import Forecast, Proposal, ProposalRow, WindowList, WindowRow
from cloud.status.models import StatusKind, Thing

QUERIES = Queries(Path(__file__).with_name("queries.sql"))
HORIZON = timedelta(days=366)
LOOK_AHEAD = timedelta(days=60)
"""How far occurrences of a new window are compared with the timetable."""
MOST_TIMES = 3


async def _rows(
    connection: psycopg.AsyncConnection, now: datetime, *, over: bool = False, window_id: int | None = None
) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["windows"], {"now": now, "over": over, "window_id": window_id})
        return await cursor.fetchall()


def _window(row: dict[str, Any]) -> Window:
    return Window(
        row["window_id"],
        TargetKind(row["kind"]),
        row["key"],
        row["starts_at"],
        timedelta(seconds=row["duration_seconds"]),
        row["recurrence"],
        row["ended_at"],
    )


async def known(connection: psycopg.AsyncConnection, kind: TargetKind, key: str) -> bool:
    """Tell whether the inventory has such a thing."""
    row = await (await connection.execute(QUERIES["known"], {"kind": kind.value, "key": key})).fetchone()
    return row == (True,)


async def covered(connection: psycopg.AsyncConnection, kind: TargetKind, key: str) -> set[Thing]:
    """Return the thing itself and everything behind it."""
    rows = await (await connection.execute(QUERIES["covered"], {"kind": kind.value, "key": key})).fetchall()
    return {Thing(StatusKind(one), name) for one, name in rows}


async def active(connection: psycopg.AsyncConnection, at: datetime, zone: ZoneInfo) -> dict[Thing, int]:
    """Return everything that is being worked on at a moment, with the number of the window that says so."""
    found: dict[Thing, int] = {}
    for row in await _rows(connection, at):
        window = _window(row)
        if occurrences.holds(window, at, zone) is not None:
            found |= dict.fromkeys(await covered(connection, window.kind, window.key), window.window_id)
    return found


async def slots_of(
    connection: psycopg.AsyncConnection, kind: TargetKind, key: str, since: datetime, until: datetime
) -> list[LessonSlot]:
    """Return the lessons that work on a thing would reach."""
    reached = await covered(connection, kind, key)
    return [slot for slot in await lessons.slots(connection, since, until) if reached.intersection(slot.chain)]


async def windows(
    connection: psycopg.AsyncConnection,
    now: datetime,
    zone: ZoneInfo,
    *,
    over: bool = False,
    window_id: int | None = None,
) -> WindowList:
    """Return windows with when they hold next and what that costs."""
    items = []
    for row in await _rows(connection, now, over=over or window_id is not None, window_id=window_id):
        window = _window(row)
        following = next(iter(occurrences.occurrences(window, now, now + HORIZON, zone)), None)
        minutes = 0.0
        if following is not None:
            found = await slots_of(connection, window.kind, window.key, *following)
            minutes = occurrences.cost(found, following[0], following[1] - following[0]).lesson_minutes
        items.append(
            WindowRow(
                **{name: row[name] for name in WindowRow.model_fields if name in row},
                holds_now=following is not None and following[0] <= now,
                next_at=following[0] if following is not None else None,
                lesson_minutes=minutes,
            )
        )
    return WindowList(items=items)


async def proposal(
    connection: psycopg.AsyncConnection,
    kind: TargetKind,
    key: str,
    since: datetime,
    until: datetime,
    duration: timedelta,
) -> Proposal:
    """Return the cheapest times for work on a thing."""
    found = await slots_of(connection, kind, key, since, until)
    return Proposal(
        items=[
            ProposalRow(
                starts_at=one.starts_at, lesson_minutes=one.lesson_minutes, lessons=one.lessons, exams=one.exams
            )
            for one in occurrences.cheapest(found, since, until, duration)
        ]
    )


async def forecast(connection: psycopg.AsyncConnection, window: Window, now: datetime, zone: ZoneInfo) -> Forecast:
    """Return what a rule would cost from now on, as far as the timetable is looked at, and when it holds first."""
    times: list[datetime] = []
    minutes, lessons, exams = 0.0, 0, 0
    for begin, end in occurrences.occurrences(window, now, now + LOOK_AHEAD, zone):
        found = occurrences.cost(await slots_of(connection, window.kind, window.key, begin, end), begin, end - begin)
        minutes, lessons, exams = minutes + found.lesson_minutes, lessons + found.lessons, exams + found.exams
        if len(times) < MOST_TIMES:
            times.append(begin)
    return Forecast(times=times, days=LOOK_AHEAD.days, lesson_minutes=round(minutes, 2), lessons=lessons, exams=exams)
