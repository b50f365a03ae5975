"""Routes of reports: a month's availability, as a document and as a file."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response

from cloud.http import problems
from cloud.http.database import Connection, Reader
from cloud.http.schemas import FieldProblem
from cloud.reports import export, reading
from cloud.reports.schemas import AvailabilityReport
from cloud.sheets.writing import SheetFormat, write_table

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


@router.get(
    "/reports/availability/file",
    response_class=Response,
    responses={
        200: {
            "description": "The file",
            "content": {form.media_type: {"schema": {"type": "string"}} for form in SheetFormat},
        },
        **problems.responses(422, 503),
    },
)
async def availability_file(
    request: Request,
    reader: Reader,
    month: Month = None,
    form: Annotated[SheetFormat, Query(alias="format", description="`csv` or `xlsx`.")] = SheetFormat.CSV,
    lang: Annotated[Literal["zh-CN", "en"], Query(description="Language of headings and names.")] = "zh-CN",
) -> Response:
    """The same for a spreadsheet: providers first, then every line."""
    english = lang == "en"
    report = await _report(request, reader, month)
    rows = [export.cells(row, english=english) for row in (*report.providers, *report.links)]
    time_zone: str = request.app.state.rooms.settings.district.time_zone
    content = await asyncio.to_thread(
        write_table,
        form,
        export.title(report, english=english),
        export.headings(english=english),
        rows,
        time_zone,
    )
    name = f'attachment; filename="availability-{report.month}.{form}"'
    return Response(content, media_type=form.media_type, headers={"content-disposition": name})
