"""Takes records of lessons: events, attendance, answers, resource views.

A record that names no lesson belongs to the one that its class had when it was made; an answer or a view outside any
lesson is somebody else's business (homework) and is left alone. What a record means is decided when it is read.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.records.consuming import Refusal, StoredRecord
from protocols.records import Answer, Attendance, LessonEvent, ResourceView

QUERIES = Queries(Path(__file__).with_name("queries.sql"))
CHANNEL = "bellwether_lessons"
"""Notified with the key of each lesson that has new facts."""
ABOUT_PUPILS = frozenset({"attendance", "answer", "resource_view"})
OUTSIDE_LESSONS = frozenset({"answer", "resource_view"})


class Place(NamedTuple):
    """Where a record belongs: what is known of its class, lesson and person at the moment it was made."""

    class_known: bool
    school_class: str | None
    lesson: str | None
    lesson_class: str | None
    person_known: bool
    enrolled: bool


class TeachingService:
    """The consumer `teaching`."""

    name = "teaching"
    types: Collection[str] = ("lesson_event", "attendance", "answer", "resource_view")

    async def take(self, connection: psycopg.AsyncConnection, records: Sequence[StoredRecord]) -> list[Refusal]:
        """Keep what belongs to lessons; refuse what belongs to no class or pupil, each with its reason."""
        places = await _places(connection, records)
        refusals, rows = [], []
        for record in records:
            place = places[record.record_id]
            if (problem := problem_of(record, place)) is not None:
                refusals.append(Refusal(record.record_id, *problem))
            elif place.lesson is not None:
                rows.append(_row(record, place))
        async with connection.cursor() as cursor:
            await cursor.executemany(QUERIES["keep_fact"], rows)
            lessons = sorted({row["lesson"] for row in rows})
            await cursor.execute(QUERIES["tell_lessons"], {"channel": CHANNEL, "lessons": lessons})
        return refusals


def problem_of(record: StoredRecord, place: Place) -> tuple[str, str] | None:
    """Return the reason and the words for which a record cannot be taken, or None. Pure."""
    about_pupil = record.type in ABOUT_PUPILS
    if record.school_class is not None and not place.class_known:
        return "unknown_class", "the class is not in the roster"
    if about_pupil and not place.person_known:
        return "unknown_subject", "the subject is not a pupil of the roster"
    if place.school_class is None:
        return "no_class", "neither the record nor the roster says which class this is about"
    if place.lesson is None:
        return None if record.type in OUTSIDE_LESSONS else ("no_lesson", "the class had no lesson at that moment")
    if place.lesson_class is not None and place.lesson_class != place.school_class:
        return "lesson_of_another_class", "the lesson is in the timetable of another class"
    if about_pupil and not place.enrolled:
        return "not_enrolled", "the pupil was not in the class on that day"
    return None


async def _places(connection: psycopg.AsyncConnection, records: Sequence[StoredRecord]) -> dict[str, Place]:
    values = {
        "record_ids": [one.record_id for one in records],
        "classes": [one.school_class for one in records],
        "subjects": [one.subject for one in records],
        "lessons": [one.lesson for one in records],
        "made_at": [one.made_at for one in records],
    }
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["places"], values)
        return {row.pop("record_id"): Place(**row) for row in await cursor.fetchall()}


def _row(record: StoredRecord, place: Place) -> dict[str, Any]:
    fact = record.fact
    told: dict[str, Any] = {
        "word": "", "object": None, "attempt": None, "correct": None, "duration_seconds": None,
    }  # fmt: skip
    match fact:
        case LessonEvent():
            told |= {"word": fact.step.value, "object": fact.object}
        case Attendance():
            told |= {"word": fact.state.value}
        case Answer():
            told |= {
                "word": fact.response,
                "object": fact.question,
                "attempt": fact.attempt,
                "correct": fact.correct,
                "duration_seconds": fact.duration_seconds,
            }
        case ResourceView():
            told |= {"object": fact.resource, "duration_seconds": fact.duration_seconds}
    return told | {
        "record_id": record.record_id,
        "lesson": place.lesson,
        "school_class": place.school_class,
        "type": record.type,
        "person": record.subject,
        "observed_at": record.observed_at,
        "made_at": record.made_at,
        "received_at": record.received_at,
    }


async def forget(connection: psycopg.AsyncConnection, record_ids: Sequence[str]) -> None:
    """Forget what was kept of records that are erased or have expired."""
    await connection.execute(QUERIES["forget_facts"], {"channel": CHANNEL, "record_ids": list(record_ids)})
