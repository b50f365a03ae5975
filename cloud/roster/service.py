"""Imports a district's roster: everything or nothing, the second time without effect.

One transaction reads the roster as it is, works out what it will be, writes what differs and retires what left. A dry
run does the same and rolls back, so that what it reports is what an import would do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import structlog

from cloud.db import require_schema
from cloud.errors import DatabaseUnavailable, RosterRefused
from cloud.roster import lessons, repository
from cloud.roster.merging import Merge
from cloud.roster.models import ImportReport
from cloud.roster.oneroster import SEATS, TABLES, Mode, read_export
from cloud.roster.timetable import FILES, Timetable, read_timetable
from cloud.sheets.models import Problem, TableChanges

_log = structlog.get_logger(__name__)
_FILLS = {"academicSessions": "terms", "users": "people", "classes": "classes", "enrollments": "enrolments"}
Read = TypeVar("Read")


class RosterProblems(RosterRefused):
    """Nothing was imported; `problems` holds everything found, in the order of files and lines."""

    exit_code = 2

    def __init__(self, source: str, problems: list[Problem], files: list[str]) -> None:
        super().__init__(f"{source}: {len(problems)} problem{'s' if len(problems) != 1 else ''}")
        order = {file: index for index, file in enumerate(("manifest.csv", *files))}
        self.problems = sorted(problems, key=lambda problem: (order.get(problem.file, 99), problem.line))


class RosterShrinks(RosterRefused):
    """The import would retire a large share of what exists; `report` tells what it would have changed."""

    hint = (
        "Is it the right file, and complete? `--dry-run` shows what would change;"
        " if what is missing is really gone, import with `--retire`."
    )
    exit_code = 2

    def __init__(self, report: ImportReport) -> None:
        losses = ", ".join(
            f"{report.changes[name].retired:,} of {report.changes[name].before:,} {name}" for name in report.shrinking
        )
        super().__init__(f"{report.source}: would retire {losses}; nothing was imported")
        self.report = report


def import_roster(
    dsn: str,
    source: Path,
    *,
    dry_run: bool = False,
    retire: bool = False,
    headers: Mapping[str, Mapping[str, str]] | None = None,
    now: datetime | None = None,
) -> ImportReport:
    """Import a OneRoster zip or folder; `retire` accepts that a large share of what exists may be retired.

    Raises:
        RosterProblems: nothing was imported; every problem is in it.
        RosterShrinks: nothing was imported; a large share would be retired, and `retire` was not given.
        DatabaseUnavailable: nothing was imported; try again later.
        MigrationError: nothing was imported; the database lacks this version's schema.
    """
    at = now or datetime.now(UTC)
    problems: list[Problem] = []
    export = read_export(source, at.date(), problems, headers)
    files = [table.file for table in TABLES]
    if problems and not export.sheets:
        raise RosterProblems(str(source), problems, files)

    def work(cursor: psycopg.Cursor[Any]) -> ImportReport:
        before = repository.state(cursor)
        merge = Merge(before, repository.places(cursor), export)
        merge.run()
        if problems or merge.problems:
            raise RosterProblems(str(source), problems + merge.problems, files)
        changes = repository.write(cursor, before, merge.target, at)
        there = {one.school_class for one in merge.target.classes.active.values()}
        left = [one.school_class for one in before.classes.active.values() if one.school_class not in there]
        changes["lessons"] = TableChanges(retired=repository.retire_lessons(cursor, left, at))
        guarded = {table for file, table in _FILLS.items() if export.mode(file) is Mode.BULK}
        if SEATS in export.sheets:
            guarded.add("terminal_holders")
        return ImportReport(str(source), dry_run, changes, tuple(sorted(guarded)), merge.warnings, export.ignored)

    return _in_transaction(dsn, work, dry_run=dry_run, retire=retire)


def import_timetable(
    dsn: str,
    source: Path,
    time_zone: str,
    *,
    dry_run: bool = False,
    retire: bool = False,
    now: datetime | None = None,
) -> ImportReport:
    """Work out the lessons of whole terms from bells, days and timetable; past lessons keep their rows.

    Only the schools whose classes the timetable names are touched. Raises as `import_roster` does.
    """
    at = now or datetime.now(UTC)
    problems: list[Problem] = []
    timetable: Timetable = read_timetable(source, problems)
    if problems and not timetable.sheets:
        raise RosterProblems(str(source), problems, list(FILES))

    def work(cursor: psycopg.Cursor[Any]) -> ImportReport:
        plan = lessons.plan(timetable, repository.state(cursor), repository.places(cursor), time_zone)
        if problems or plan.problems:
            raise RosterProblems(str(source), problems + plan.problems, list(FILES))
        changes = {"lessons": lessons.write(cursor, plan, at)}
        return ImportReport(str(source), dry_run, changes, ("lessons",), plan.warnings)

    return _in_transaction(dsn, work, dry_run=dry_run, retire=retire)


def _in_transaction(
    dsn: str, work: Callable[[psycopg.Cursor[Any]], ImportReport], *, dry_run: bool, retire: bool
) -> ImportReport:
    require_schema(dsn)
    try:
        with psycopg.connect(dsn, connect_timeout=10) as connection:
            with connection.cursor() as cursor:
                cursor.execute(repository.QUERIES["lock"])
                report = work(cursor)
                cursor.execute(repository.QUERIES["tell_desired"])
            if report.shrinking and not retire:
                raise RosterShrinks(report)
            if dry_run:
                connection.rollback()
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(str(error).strip()) from error
    total = report.total
    _log.info(
        "roster_imported",
        tables=sorted(report.changes),
        dry_run=dry_run,
        added=total.added,
        changed=total.changed,
        retired=total.retired,
    )
    return report
