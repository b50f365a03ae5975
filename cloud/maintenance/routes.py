"""Routes of planned work: seen by anybody, planned by whoever holds the operator's token."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AwareDatetime

from cloud.errors import MaintenanceRefused, MaintenanceUnknown
from cloud.http import problems
from cloud.http.database import Reader, Writer
from cloud.http.schemas import FieldProblem
from cloud.http.token import operator_token
from cloud.maintenance import occurrences, reading, service
from cloud.maintenance.models import TargetKind, Window
from cloud.maintenance.schemas import Forecast, Proposal, WindowList, WindowOrder, WindowRow

router = APIRouter(tags=["maintenance"])
_TOKEN = [Depends(operator_token)]


def _zone(request: Request) -> ZoneInfo:
    return ZoneInfo(request.app.state.rooms.settings.district.time_zone)


Zone = Annotated[ZoneInfo, Depends(_zone)]


async def _must_be_known(reader: Reader, kind: TargetKind, key: str) -> None:
    """What is not there costs nothing: say that it is not there instead."""
    if not await reading.known(reader, kind, key):
        raise problems.invalid_input([FieldProblem(field="key", detail=f"the inventory has no {kind} {key!r}")])


@router.get("/maintenance", responses=problems.responses(422, 503))
async def maintenance(
    reader: Reader,
    zone: Zone,
    over: Annotated[bool, Query(description="Also those that are over for good.")] = False,
) -> WindowList:
    """Planned work, newest first, with when it holds next and what that costs in lessons."""
    return await reading.windows(reader, datetime.now(UTC), zone, over=over)


@router.post("/maintenance", status_code=201, dependencies=_TOKEN, responses=problems.responses(401, 422, 503))
async def plan_maintenance(order: WindowOrder, writer: Writer, zone: Zone) -> WindowRow:
    """Plan work. While it holds everything it covers is in maintenance: no incident, no page, no loss counted.

    Work that lessons or exams fall into is refused without a reason.
    """
    try:
        return await service.add(writer, order, zone)
    except MaintenanceRefused as refused:
        raise problems.invalid_input(
            [FieldProblem(field=field, detail=detail) for field, detail in refused.problems]
        ) from None


@router.post("/maintenance/{window_id}/end", dependencies=_TOKEN, responses=problems.responses(401, 404, 422, 503))
async def end_maintenance(
    window_id: Annotated[int, Path(ge=1, le=2**53, examples=[4], description="Number of the window.")],
    writer: Writer,
    zone: Zone,
) -> WindowRow:
    """End a window now and for ever: the work is done, or will not be."""
    try:
        return await service.end(writer, window_id, zone)
    except MaintenanceUnknown:
        raise problems.not_found("window", str(window_id), hint="GET /api/v1/maintenance lists them.") from None


@router.get("/maintenance/forecast", responses=problems.responses(422, 503))
async def forecast_maintenance(
    reader: Reader,
    zone: Zone,
    kind: Annotated[TargetKind, Query(description="What the work is on.")],
    key: Annotated[str, Query(max_length=200, description="Its key.", examples=["s07-wan"])],
    starts_at: Annotated[AwareDatetime, Query(description="When it begins.", examples=["2026-11-28T22:00:00+08:00"])],
    duration_seconds: Annotated[int, Query(ge=60, le=604_800, description="How long it lasts, each time.")] = 7200,
    recurrence: Annotated[
        str | None, Query(max_length=500, description="RFC 5545 RRULE.", examples=["FREQ=WEEKLY;BYDAY=SA"])
    ] = None,
) -> Forecast:
    """What a window would cost in lessons and when it would hold, before it is planned."""
    await _must_be_known(reader, kind, key)
    if recurrence is not None:
        try:
            occurrences.check_recurrence(recurrence, starts_at)
        except ValueError as error:
            raise problems.invalid_input([FieldProblem(field="recurrence", detail=str(error))]) from None
    window = Window(0, kind, key, starts_at, timedelta(seconds=duration_seconds), recurrence)
    return await reading.forecast(reader, window, datetime.now(UTC), zone)


@router.get("/maintenance/proposal", responses=problems.responses(422, 503))
async def propose_maintenance(
    reader: Reader,
    kind: Annotated[TargetKind, Query(description="What the work is on.")],
    key: Annotated[str, Query(max_length=200, description="Its key.", examples=["s07-wan"])],
    duration_seconds: Annotated[int, Query(ge=60, le=86_400, description="How long it takes.")] = 7200,
    days: Annotated[int, Query(ge=1, le=14, description="How many days to look ahead.")] = 7,
) -> Proposal:
    """The cheapest times for the work by the timetable: no exam, then least lesson-minutes, then early."""
    await _must_be_known(reader, kind, key)
    now = datetime.now(UTC)
    return await reading.proposal(
        reader, kind, key, now, now + timedelta(days=days), timedelta(seconds=duration_seconds)
    )
