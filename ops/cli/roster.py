"""`bellwether roster`: import who learns where and when."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli import output
from ops.cli.centre import AsJson, ConfigFile, settings_of
from ops.cli.inventory import print_report

if TYPE_CHECKING:
    from cloud.roster.models import ImportReport

app = typer.Typer(
    name="roster",
    help="Import who learns where and when: a OneRoster export, and the timetable.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Check and compare; change nothing.")]
Retire = Annotated[bool, typer.Option("--retire", help="Go on although a large share of what exists leaves with this.")]


@app.callback()
def roster() -> None:
    """Who learns where and when: classes, pupils, teachers, seats, lessons."""


@app.command("import")
def import_roster(
    source: Annotated[Path, typer.Argument(help="OneRoster 1.2 CSV: a zip or a folder.", show_default=False)],
    dry_run: DryRun = False,
    retire: Retire = False,
    columns: Annotated[
        Path | None, typer.Option("--columns", help="TOML that says under which other name a column stands.")
    ] = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Import a OneRoster export, all of it or nothing; a second import of the same changes nothing."""
    from cloud.roster.oneroster import TABLE
    from cloud.roster.service import import_roster as run

    headers = _headers(columns, {name: table.column_names for name, table in TABLE.items()}) if columns else None
    dsn = settings_of(config).database.dsn
    _import(source, lambda: run(dsn, source, dry_run=dry_run, retire=retire, headers=headers), json=json)


@app.command("timetable")
def import_timetable(
    source: Annotated[
        Path, typer.Argument(help="Folder or zip with bells.csv, days.csv, timetable.csv.", show_default=False)
    ],
    dry_run: DryRun = False,
    retire: Retire = False,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Work out the lessons of the terms; lessons that have begun keep their rows."""
    from cloud.roster.service import import_timetable as run

    settings = settings_of(config)
    dsn, time_zone = settings.database.dsn, settings.district.time_zone
    _import(source, lambda: run(dsn, source, time_zone, dry_run=dry_run, retire=retire), json=json)


def _import(source: Path, run: Callable[[], ImportReport], *, json: bool) -> None:
    from cloud.roster.service import RosterProblems, RosterShrinks

    try:
        report = run()
    except RosterProblems as refused:
        if json:
            output.print_json({"source": str(source), "problems": [asdict(problem) for problem in refused.problems]})
        else:
            for problem in refused.problems:
                output.say(str(problem))
        raise
    except RosterShrinks as refused:
        _print(refused.report, "refused: nothing was changed", json=json, refused=refused.report.shrinking)
        raise
    _print(report, "dry run: nothing was changed" if report.dry_run else None, json=json)


def _print(report: ImportReport, title: str | None, *, json: bool, refused: Sequence[str] = ()) -> None:
    """Print what changed, after what looks wrong without being refused and what is not kept."""
    if not json:
        for warning in report.warnings:
            output.say(f"warning: {warning}")
        if report.ignored:
            output.say(f"nothing is kept of {', '.join(report.ignored)}")
    print_report(report, title, json=json, refused=refused)


def _headers(path: Path, known: dict[str, list[str]]) -> dict[str, dict[str, str]]:
    """Return the column names of a mapping file; leave with every problem when it cannot be used."""
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        output.fail(f"{path} cannot be read: {error}", code=output.ExitCode.USAGE)
    problems = []
    for file, columns in document.items():
        if file not in known or not isinstance(columns, dict):
            problems.append(f"[{file}]: unknown section; known are {', '.join(known)}")
            continue
        for column, header in columns.items():
            if column not in known[file]:
                problems.append(f"{file}.{column}: unknown column; known are {', '.join(known[file])}")
            elif not isinstance(header, str) or not header.strip():
                problems.append(f"{file}.{column}: must be the name of a column in the export")
    if problems:
        for problem in problems:
            output.say(f"{path}: {problem}")
        output.fail("the column mapping cannot be used", code=output.ExitCode.USAGE)
    return document
