"""Routes of the roster: classes, who belongs to them, their lessons. A look at names is logged before it is granted."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Path, Query, Request

from cloud.http import problems
from cloud.http.database import Reader
from cloud.http.schemas import FieldProblem
from cloud.http.token import Token, operator_token
from cloud.privacy.access import User, note_access
from cloud.roster import reading
from cloud.roster.schemas import ClassDetail, ClassList, LessonList, LessonsNow

MAX_DAYS = 62
_PURPOSE = "names beside the references of a class"

router = APIRouter(tags=["roster"])

School = Annotated[str | None, Query(max_length=160, description="School id; default all schools.")]
Names = Annotated[
    bool, Query(description="With names, for people who may see them: needs the operator's token, and is logged.")
]


async def _names_allowed(request: Request, names: Names = False, x_bellwether_token: Token = None) -> bool:
    if names:
        await operator_token(request, x_bellwether_token)
    return names


def _today(request: Request) -> date:
    zone = ZoneInfo(request.app.state.rooms.settings.district.time_zone)
    return datetime.now(zone).date()


Today = Annotated[date, Depends(_today)]


@router.get("/roster/classes", responses=problems.responses(422, 503))
async def classes(
    reader: Reader,
    today: Today,
    school: School = None,
    grade: Annotated[str | None, Query(max_length=160, description="Grade as the district writes it.")] = None,
) -> ClassList:
    """Classes with the number of their pupils and teachers."""
    return await reading.classes(reader, today, school, grade)


@router.get("/roster/classes/{school_class}", responses=problems.responses(401, 404, 422, 503))
async def class_detail(
    request: Request,
    reader: Reader,
    today: Today,
    school_class: Annotated[str, Path(max_length=160, examples=["s01-g3c1"], description="Key of the class.")],
    names: Annotated[bool, Depends(_names_allowed)],
    user: User = "operator",
) -> ClassDetail:
    """A class with its pupils: reference, number, seat, terminal, and whether under 14."""
    detail = await reading.class_detail(reader, today, school_class, names=names)
    if detail is None:
        raise problems.not_found("class", school_class, hint="GET /api/v1/roster/classes lists every class.")
    if names:
        await note_access(request, user, _PURPOSE, detail.people)
    return detail


@router.get("/roster/lessons", responses=problems.responses(422, 503))
async def lessons(
    reader: Reader,
    today: Today,
    school_class: Annotated[str, Query(max_length=160, examples=["s01-g3c1"], description="Key of the class.")],
    first_day: Annotated[date | None, Query(alias="from", description="First day; default today.")] = None,
    last_day: Annotated[
        date | None, Query(alias="to", description=f"Last day, at most {MAX_DAYS} days on; default the seventh day.")
    ] = None,
) -> LessonList:
    """Lessons of a class over some days of the district's calendar."""
    first_day = first_day or today
    last_day = last_day or date.fromordinal(min(first_day.toordinal() + 6, date.max.toordinal()))
    if not 0 <= (last_day - first_day).days < MAX_DAYS:
        detail = f"{last_day} is not within {MAX_DAYS} days from {first_day} on"
        raise problems.invalid_input([FieldProblem(field="to", detail=detail)])
    return await reading.lessons(reader, school_class, first_day, last_day)


@router.get("/roster/lessons/now", responses=problems.responses(422, 503))
async def lessons_now(reader: Reader, school: School = None) -> LessonsNow:
    """Lessons that are running now."""
    return await reading.lessons_at(reader, datetime.now(UTC), school)
