"""Routes of a school's day, the check before the bell and the principal's page."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Path, Query, Request

from cloud.http import problems
from cloud.http.database import Reader
from cloud.schooldays import reading
from cloud.schooldays.schemas import CheckReport, PrincipalPage, SchoolDay

router = APIRouter(tags=["schooldays"])

SchoolKey = Annotated[str, Path(max_length=160, examples=["s07"], description="School id.")]
_HINT = "GET /api/v1/schools lists every school."


def _zone(request: Request) -> ZoneInfo:
    return ZoneInfo(request.app.state.rooms.settings.district.time_zone)


Zone = Annotated[ZoneInfo, Depends(_zone)]


@router.get("/schools/{school}/day", responses=problems.responses(404, 422, 503))
async def school_day(
    school: SchoolKey,
    reader: Reader,
    zone: Zone,
    day: Annotated[
        date | None,
        Query(ge=date(1971, 1, 2), le=date(2199, 1, 1), description="Default today, by the district's clock."),
    ] = None,
) -> SchoolDay:
    """A school's periods of a day, and when its line or gateway was not up."""
    found = await reading.school_day(reader, school, day, datetime.now(UTC), zone)
    if found is None:
        raise problems.not_found("school", school, hint=_HINT)
    return found


@router.get("/schools/{school}/principal", responses=problems.responses(404, 422, 503))
async def principal(school: SchoolKey, reader: Reader, zone: Zone) -> PrincipalPage:
    """How a school stands and which lessons a fault reaches, without a word about devices."""
    found = await reading.principal(reader, school, datetime.now(UTC), zone)
    if found is None:
        raise problems.not_found("school", school, hint=_HINT)
    return found


@router.get("/check", responses=problems.responses(422, 503))
async def check(
    request: Request,
    reader: Reader,
    zone: Zone,
    school: Annotated[str | None, Query(max_length=160, description="Only this school.", examples=["s07"])] = None,
) -> CheckReport:
    """Every classroom green or amber before the bell, with what is to be seen to and where."""
    check_at = time.fromisoformat(request.app.state.rooms.settings.lessons.check_at)
    return await reading.check(reader, school, check_at, datetime.now(UTC), zone)
