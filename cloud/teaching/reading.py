"""Works out lessons from their facts: nothing here depends on the order in which facts arrived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from cloud.records.consuming import QUERIES as CONSUMER_QUERIES
from cloud.status.repository import outages
from cloud.teaching.schemas import (
    Attempt,
    Board,
    LessonDetail,
    LessonList,
    LessonRow,
    Participation,
    Present,
    PupilParticipation,
    RefusalList,
    RefusedRecords,
    Step,
    Story,
)
from cloud.teaching.taking import QUERIES, TeachingService

LATE = timedelta(seconds=60)
"""What arrives so long after the lesson's end is late."""


async def _rows(connection: psycopg.AsyncConnection, query: str, **values: Any) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[query], values)
        return await cursor.fetchall()


async def lessons(
    connection: psycopg.AsyncConnection,
    since: datetime,
    until: datetime,
    *,
    lesson: str | None = None,
    school: str | None = None,
    school_class: str | None = None,
    limit: int = 1000,
) -> LessonList:
    """Return the lessons that run in a span of time."""
    found = await _rows(
        connection, "lessons", since=since, until=until, lesson=lesson, school=school, school_class=school_class,
        limit=limit,
    )  # fmt: skip
    return LessonList(items=[LessonRow(**row) for row in found])


async def lesson_row(connection: psycopg.AsyncConnection, lesson: str) -> LessonRow | None:
    """Return one lesson, or None when neither timetable nor room knows it."""
    span = (await _rows(connection, "span", lesson=lesson))[0]
    if span["starts_at"] is None:
        return None
    found = await lessons(
        connection, span["starts_at"] - timedelta(microseconds=1), span["ends_at"] + LATE, lesson=lesson, limit=1
    )
    return found.items[0] if found.items else None


async def lesson_detail(connection: psycopg.AsyncConnection, lesson: str) -> LessonDetail | None:
    """Return one lesson with who was there and what was answered."""
    row = await lesson_row(connection, lesson)
    if row is None:
        return None
    there = await _attendance(connection, row)
    attempts = await _rows(connection, "last_attempts", lesson=lesson, question=None)
    by_question: dict[str, list[dict[str, Any]]] = {}
    for attempt in attempts:
        by_question.setdefault(attempt["question"], []).append(attempt)
    when = await _questions(connection, lesson)
    answering = {attempt["person"] for attempt in attempts}
    expected = {one.person for one in there if one.state != "absent"} | answering
    return LessonDetail(
        **row.model_dump(),
        attendance=there,
        participation_ratio=len(answering) / len(expected) if expected else None,
        boards=[
            _board(question, by_question.get(question, []), there, row.ends_at, when.get(question))
            for question in [*when, *(one for one in by_question if one not in when)]
        ],
    )


async def board(connection: psycopg.AsyncConnection, lesson: str, question: str) -> Board | None:
    """Return what a class answered to a question, or None when there is no such lesson."""
    row = await lesson_row(connection, lesson)
    if row is None:
        return None
    attempts = await _rows(connection, "last_attempts", lesson=lesson, question=question)
    when = await _questions(connection, lesson)
    return _board(question, attempts, await _attendance(connection, row), row.ends_at, when.get(question))


async def _questions(connection: psycopg.AsyncConnection, lesson: str) -> dict[str, dict[str, Any]]:
    """Return when each question of a lesson was opened and closed, in the order of opening."""
    return {one["question"]: one for one in await _rows(connection, "questions", lesson=lesson)}


async def _attendance(connection: psycopg.AsyncConnection, row: LessonRow) -> list[Present]:
    found = await _rows(connection, "attendance", lesson=row.lesson, school_class=row.school_class)
    return [Present(**one) for one in found]


def _board(
    question: str,
    attempts: Sequence[Mapping[str, Any]],
    there: Sequence[Present],
    ends_at: datetime | None,
    when: Mapping[str, Any] | None,
) -> Board:
    said = [attempt["correct"] for attempt in attempts]
    expected = {one.person for one in there if one.state != "absent"} | {attempt["person"] for attempt in attempts}
    return Board(
        question=question,
        opened_at=None if when is None else when["opened_at"],
        closed_at=None if when is None else when["closed_at"],
        answered=len(attempts),
        total=len(expected),
        counts=dict(sorted(Counter(attempt["response"] for attempt in attempts).items())),
        correct=None if all(one is None for one in said) else sum(one is True for one in said),
        answers=[
            Attempt(
                person=attempt["person"],
                response=attempt["response"],
                attempt=attempt["attempt"],
                attempts=attempt["attempts"],
                correct=attempt["correct"],
                made_at=attempt["made_at"],
                late=_late_seconds(attempt["received_at"], ends_at) > 0,
            )
            for attempt in attempts
        ],
    )


def _late_seconds(received_at: datetime, ends_at: datetime | None) -> float:
    if ends_at is None or received_at <= ends_at + LATE:
        return 0.0
    return (received_at - ends_at).total_seconds()


async def story(connection: psycopg.AsyncConnection, lesson: str) -> Story | None:
    """Return what happened in a lesson: what was told, how many answered what, when line or gateway were down."""
    row = await lesson_row(connection, lesson)
    if row is None:
        return None
    steps = [
        Step(
            at=one["made_at"],
            kind=one["type"],
            what=one["word"],
            about=one["object"],
            person=one["person"],
            count=1,
            late_seconds=_late_seconds(one["received_at"], row.ends_at),
        )
        for one in await _rows(connection, "timeline", lesson=lesson)
    ]
    answers: dict[str, list[dict[str, Any]]] = {}
    for one in await _rows(connection, "last_attempts", lesson=lesson, question=None):
        answers.setdefault(one["question"], []).append(one)
    steps += [
        Step(
            at=min(one["made_at"] for one in found),
            kind="answers",
            what="",
            about=question,
            person=None,
            count=len(found),
            late_seconds=max(_late_seconds(one["received_at"], row.ends_at) for one in found),
        )
        for question, found in answers.items()
    ]
    ends_at = row.ends_at or datetime.max.replace(tzinfo=row.starts_at.tzinfo)
    steps += [
        Step(
            at=out.since,
            kind="outage",
            what=out.status,
            about=out.thing,
            person=None,
            count=1,
            late_seconds=0.0,
            until=out.until,
        )
        for out in await outages(connection, row.school, row.starts_at, ends_at)
    ]
    return Story(
        lesson=lesson,
        steps=sorted(steps, key=lambda step: step.at),
        late=row.late,
        longest_late_seconds=0.0 if row.last_at is None else _late_seconds(row.last_at, row.ends_at),
    )


async def participation(
    connection: psycopg.AsyncConnection, school_class: str, since: datetime, until: datetime
) -> Participation:
    """Return how often the pupils of a class took part in a span of time."""
    values = {"school_class": school_class, "since": since, "until": until}
    asked = (await _rows(connection, "asked", **values))[0]
    found = await _rows(connection, "participation", **values)
    return Participation(**asked, items=[PupilParticipation(**one) for one in found])


async def refusals(connection: psycopg.AsyncConnection, school_class: str | None) -> RefusalList:
    """Return the records that could not be taken, by reason."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            CONSUMER_QUERIES["refusal_counts"], {"consumer": TeachingService.name, "school_class": school_class}
        )
        return RefusalList(items=[RefusedRecords(**row) for row in await cursor.fetchall()])
