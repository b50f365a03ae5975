"""Routes of teaching: lessons in session and afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AwareDatetime

from cloud.http import problems
from cloud.http.database import Reader
from cloud.http.token import operator_token
from cloud.records.consuming import Consumer
from cloud.teaching import reading, schemas
from cloud.teaching.access import ClassKey, LessonKey, note_class, note_lesson
from cloud.teaching.taking import TeachingService

router = APIRouter(prefix="/teaching", tags=["teaching"])

LONGEST = timedelta(days=366)
_LISTED = "GET /api/v1/teaching/lessons lists the lessons of a moment."
OfClass = Annotated[str | None, Query(max_length=63, description="Only this class.")]


def _consumer(request: Request) -> Consumer:
    return Consumer(request.app.state.rooms.pool, TeachingService())


Refused = Annotated[Consumer, Depends(_consumer)]


@router.get("/lessons", responses=problems.responses(422, 503))
async def teaching_lessons(
    reader: Reader,
    since: Annotated[AwareDatetime | None, Query(description="Lessons that end after this; default now.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Lessons that begin before this; default since.")] = None,
    school: Annotated[str | None, Query(max_length=63, description="Only this school.")] = None,
    school_class: OfClass = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="At most so many.")] = 1000,
) -> schemas.LessonList:
    """Lessons that run in a span of time, by default those in session now, of the timetable or opened in a room."""
    first = since or datetime.now(UTC)
    last = min(max(until or first, first) + timedelta(microseconds=1), first + LONGEST)
    return await reading.lessons(reader, first, last, school=school, school_class=school_class, limit=limit)


@router.get("/lessons/{lesson}", dependencies=[Depends(note_lesson)], responses=problems.responses(404, 422, 503))
async def teaching_lesson(lesson: LessonKey, reader: Reader) -> schemas.LessonDetail:
    """One lesson: who was there, what was asked, what counts of the answers."""
    found = await reading.lesson_detail(reader, lesson)
    if found is None:
        raise problems.not_found("lesson", lesson, hint=_LISTED)
    return found


@router.get(
    "/lessons/{lesson}/questions/{question}/board",
    dependencies=[Depends(note_lesson)],
    responses=problems.responses(404, 422, 503),
)
async def teaching_board(
    lesson: LessonKey,
    question: Annotated[str, Path(max_length=63, examples=["q-17"], description="Key of the question.")],
    reader: Reader,
) -> schemas.Board:
    """What the class answered to a question: the same numbers as on the board in the room."""
    found = await reading.board(reader, lesson, question)
    if found is None:
        raise problems.not_found("lesson", lesson, hint=_LISTED)
    return found


@router.get("/lessons/{lesson}/story", dependencies=[Depends(note_lesson)], responses=problems.responses(404, 422, 503))
async def teaching_story(lesson: LessonKey, reader: Reader) -> schemas.Story:
    """What happened in a lesson, in order, with the outages that fell into it and what arrived late."""
    found = await reading.story(reader, lesson)
    if found is None:
        raise problems.not_found("lesson", lesson, hint=_LISTED)
    return found


@router.get(
    "/classes/{school_class}/participation",
    dependencies=[Depends(note_class)],
    responses=problems.responses(422, 503),
)
async def teaching_participation(
    school_class: ClassKey,
    reader: Reader,
    since: Annotated[AwareDatetime, Query(description="Answers made from then on.")],
    until: Annotated[AwareDatetime, Query(description="Answers made before then.")],
) -> schemas.Participation:
    """How often the pupils of a class answered in a span of time."""
    return await reading.participation(reader, school_class, since, until)


@router.get("/refusals", responses=problems.responses(422, 503))
async def teaching_refusals(reader: Reader, school_class: OfClass = None) -> schemas.RefusalList:
    """Records that teaching could not take, counted by reason."""
    return await reading.refusals(reader, school_class)


@router.post("/refusals/replay", dependencies=[Depends(operator_token)], responses=problems.responses(401, 422, 503))
async def replay_teaching_refusals(refused: Refused) -> schemas.Replayed:
    """Try refused records again, after a roster has been imported, say."""
    tried, taken = await refused.replay()
    return schemas.Replayed(tried=tried, taken=taken)
