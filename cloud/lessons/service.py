"""Adds up what faults came to, for the API, the wall and the reports."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import psycopg

from cloud.lessons import impact, reading
from cloud.lessons.models import Loss, Sum
from cloud.lessons.schemas import AffectedLesson, Grouping, ImpactReport, LessonImpact, LessonsAffected


def sums(losses: Iterable[Loss], by: Grouping) -> dict[str, Sum]:
    """Return lesson-seconds by cause (`kind key`), school or provider."""
    found: dict[str, Sum] = {}
    for loss in losses:
        match by:
            case Grouping.CAUSE:
                key = f"{loss.cause.kind} {loss.cause.key}"
            case Grouping.SCHOOL:
                key = loss.slot.school
            case Grouping.PROVIDER:
                key = loss.slot.provider
        found.setdefault(key, Sum()).add(loss)
    return found


async def report(
    connection: psycopg.AsyncConnection, since: datetime, until: datetime, by: Grouping, now: datetime
) -> ImpactReport:
    """Return the lesson-minutes of a span of time, most lost first."""
    added = sums(await reading.losses(connection, since, until, now), by)
    items = [
        LessonImpact(
            key=key,
            lessons=len(one.lessons),
            students=sum(one.students.values()),
            lost_minutes=round(one.lost_seconds / 60, 2),
            saved_minutes=round(one.saved_seconds / 60, 2),
            unknown_minutes=round(one.unknown_seconds / 60, 2),
            student_minutes=round(one.student_seconds / 60, 2),
        )
        for key, one in added.items()
    ]
    items.sort(key=lambda item: (-item.lost_minutes, -item.saved_minutes, item.key))
    return ImpactReport(since=since, until=until, by=by, items=items)


async def now(connection: psycopg.AsyncConnection, at: datetime) -> LessonsAffected:
    """Return what the faults of this moment mean for lessons."""
    slots = await reading.slots(connection, at, at + impact.AHEAD)
    spans = await reading.spans_of(connection, slots, at, at)
    hit = impact.affected(slots, spans, at)
    reached = impact.blasts(slots, spans, at).values()
    return LessonsAffected(
        at=at,
        in_session=sum(slot.starts_at <= at < slot.ends_at for slot in slots),
        affected=len(hit),
        saved=sum(one.saved for one in hit),
        students_affected=sum({one.slot.school_class: one.slot.students for one in hit}.values()),
        exams_affected=sum(one.slot.exam for one in hit),
        next_at=min((one.next_at for one in reached if one.next_at is not None), default=None),
        next_affected=sum(one.lessons_next for one in reached),
        items=[
            AffectedLesson(
                lesson=one.slot.lesson,
                school=one.slot.school,
                school_class=one.slot.school_class,
                classroom=one.slot.classroom,
                topic=one.slot.topic,
                ends_at=one.slot.ends_at,
                exam=one.slot.exam,
                students=one.slot.students,
                cause_kind=one.cause.kind,
                cause=one.cause.key,
                saved=one.saved,
            )
            for one in hit
        ],
    )
