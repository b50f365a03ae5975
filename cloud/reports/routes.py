"""Routes of reports: a month's availability, as a document and as a file."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response

from cloud.http import files, problems
from cloud.http.database import Connection, Reader
from cloud.http.schemas import FieldProblem
from cloud.reports import export, reading
from cloud.reports.schemas import AvailabilityReport

router = APIRouter(tags=["reports"])

Month = Annotated[
    str | None,
    Query(max_length=7, examples=["2026-11"], description="The month, of the district's calendar; this one without."),
]


async def _report(request: Request, connection: Connection, month: str | None) -> AvailabilityReport:
    zone, now = ZoneInfo(request.app.state.rooms.settings.district.time_zone), datetime.now(UTC)
    asked = month or f"{now.astimezone(zone):%Y-%m}"
    try:
        since, until = reading.month_of(asked, now, zone)
    except ValueError as error:
        raise problems.invalid_input([FieldProblem(field="month", detail=str(error))]) from None
    return await reading.report(connection, asked, since, until)


@router.get("/reports/availability", responses=problems.responses(422, 503))
async def availability(request: Request, reader: Reader, month: Month = None) -> AvailabilityReport:
    """Availability of every line and provider in a month, from evidence alone, with what it cost in lessons."""
    return await _report(request, reader, month)


@router.get("/reports/availability/file", response_class=Response, responses=files.responses(422, 503))
async def availability_file(request: Request, reader: Reader, asked: files.Asked, month: Month = None) -> Response:
    """The same for a spreadsheet: providers first, then every line."""
    report = await _report(request, reader, month)
    return await files.file_answer(request, asked, export.table(report), (*report.providers, *report.links))
