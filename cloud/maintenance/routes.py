"""Routes of planned work: seen by anybody, planned by whoever holds the operator's token."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Path, Query, Request

from cloud.errors import MaintenanceRefused, MaintenanceUnknown
from cloud.http import problems
from cloud.http.database import Reader, Writer
from cloud.http.schemas import FieldProblem
from cloud.http.token import operator_token
from cloud.maintenance import reading, service
from cloud.maintenance.models import TargetKind
from cloud.maintenance.schemas import Proposal, WindowList, WindowOrder, WindowRow

router = APIRouter(tags=["maintenance"])
_TOKEN = [Depends(operator_token)]


def _zone(request: Request) -> ZoneInfo:
    return ZoneInfo(request.app.state.rooms.settings.district.time_zone)


Zone = Annotated[ZoneInfo, Depends(_zone)]


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


@router.get("/maintenance/proposal", responses=problems.responses(422, 503))
async def propose_maintenance(
    reader: Reader,
    kind: Annotated[TargetKind, Query(description="What the work is on.")],
    key: Annotated[str, Query(max_length=200, description="Its key.", examples=["s07-wan"])],
    duration_seconds: Annotated[int, Query(ge=60, le=86_400, description="How long it takes.")] = 7200,
    days: Annotated[int, Query(ge=1, le=14, description="How many days to look ahead.")] = 7,
) -> Proposal:
    """The cheapest times for the work by the timetable: no exam, then least lesson-minutes, then early."""
    now = datetime.now(UTC)
    return await reading.proposal(
        reader, kind, key, now, now + timedelta(days=days), timedelta(seconds=duration_seconds)
    )
