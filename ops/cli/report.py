"""`bellwether report`: a month's availability, on screen, as JSON, CSV or Excel."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from ops.cli import output
from ops.cli.centre import AsJson, ConfigFile, database_of, settings_of

if TYPE_CHECKING:
    from cloud.reports.schemas import AvailabilityReport

app = typer.Typer(
    name="report",
    help="What a month came to: availability and lesson-minutes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _reports() -> None:
    """What a month came to: availability and lesson-minutes."""


@app.command()
def availability(
    month: Annotated[str | None, typer.Option(help="Such as 2026-11; this month without.", show_default=False)] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write it there; .csv or .xlsx says as what.", show_default=False)
    ] = None,
    english: Annotated[bool, typer.Option("--english", help="Headings and names in English.")] = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Availability of every provider and line, from evidence alone; unknown time is neither up nor down."""
    from cloud.db import connect
    from cloud.reports import export, reading
    from cloud.sheets.writing import SheetFormat, write_table

    forms = {f".{form}": form for form in SheetFormat}
    if out is not None and out.suffix not in forms:
        output.fail(f"cannot write {out.name}", hint="name it .csv or .xlsx", code=output.ExitCode.USAGE)
    time_zone = settings_of(config).district.time_zone
    now, zone = datetime.now(UTC), ZoneInfo(time_zone)
    asked = month or f"{now.astimezone(zone):%Y-%m}"
    try:
        since, until = reading.month_of(asked, now, zone)
    except ValueError as error:
        output.fail(str(error), hint="give a month such as 2026-11", code=output.ExitCode.USAGE)
    dsn = database_of(config)

    async def ask() -> AvailabilityReport:
        async with await connect(dsn, name="report") as connection:
            return await reading.report(connection, asked, since, until)

    found = asyncio.run(ask())
    table = export.table(found)
    title, headings = table.title(english=english), table.headings(english=english)
    rows = [table.cells(row, english=english) for row in (*found.providers, *found.links)]
    if out is not None:
        out.write_bytes(write_table(forms[out.suffix], title, headings, rows, time_zone))
        output.say(f"written to {out}")
    if json:
        output.print_json(found.model_dump(mode="json"))
    elif out is None:
        output.print_table(headings, rows, title=title)
