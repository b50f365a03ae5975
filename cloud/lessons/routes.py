"""Routes of lessons in the way of faults."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query

from cloud.http import problems
from cloud.http.database import Reader
from cloud.http.schemas import FieldProblem
from cloud.http.times import FORMATS, parse_moment
from cloud.lessons import service
from cloud.lessons.schemas import Grouping, ImpactReport, LessonsAffected

router = APIRouter(tags=["lessons"])

LONGEST = timedelta(days=400)
_EXAMPLE = "2026-11-01T00:00:00+08:00"


@router.get("/lessons/now", responses=problems.responses(503))
async def lessons_now(reader: Reader) -> LessonsAffected:
    """Lessons that a fault stands in the way of now, and those of the coming hour."""
    return await service.now(reader, datetime.now(UTC))


@router.get("/lessons/impact", responses=problems.responses(422, 503))
async def lessons_impact(
    reader: Reader,
    since: Annotated[str, Query(description="Begin of the span.", examples=[_EXAMPLE])],
    until: Annotated[str, Query(description="End of the span, not included.", examples=[_EXAMPLE])],
    by: Annotated[Grouping, Query(description="What lesson-minutes are added up by.")] = Grouping.CAUSE,
) -> ImpactReport:
    """Lesson-minutes lost, saved by the cache and unknown in a span of at most 400 days."""
    found: dict[str, datetime] = {}
    wrong: list[FieldProblem] = []
    for name, text in (("since", since), ("until", until)):
        try:
            found[name] = parse_moment(text)
        except ValueError as error:
            wrong.append(FieldProblem(field=name, detail=str(error), allowed=FORMATS))
    if not wrong and not timedelta() < found["until"] - found["since"] <= LONGEST:
        wrong.append(FieldProblem(field="until", detail="must be after `since`, by at most 400 days"))
    if wrong:
        raise problems.invalid_input(wrong)
    return await service.report(reader, found["since"], found["until"], by, datetime.now(UTC))
