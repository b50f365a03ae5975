"""Reads a OneRoster 1.2 CSV export, as far as it is kept, and says what is wrong with each file by itself. No database.

Source: 1EdTech OneRoster 1.2 CSV binding. `manifest.csv` says of each file whether it is the whole (`bulk`), changes
(`delta`) or `absent`. Kept are orgs (as our schools), terms, classes, people with name and date of birth, enrolments;
courses only lend a class their grade. Beside them our own `seats.csv`. Columns that are not named here are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from cloud.roster.archive import read_files
from cloud.sheets.models import Column, Problem, Sheet, Table, Value, day, integer, one_of, optional, required, text
from cloud.sheets.reading import duplicates, read_sheet

MAX_TERM_DAYS = 800
VERSIONS = ("1.2", "1.2.0", "1.2.1")


class Mode(StrEnum):
    """What a file holds, by the manifest."""

    BULK = "bulk"
    DELTA = "delta"
    ABSENT = "absent"


def _moment(cell: str) -> Value:
    if cell:
        try:
            datetime.fromisoformat(cell)
        except ValueError:
            raise ValueError(f"{cell!r} is not a time such as 2026-09-01T08:00:00Z") from None
    return cell or None


_STATUS = (
    Column("status", one_of("active", "tobedeleted", empty=True), optional=True),
    Column("dateLastModified", _moment, optional=True),
)
_ROLES = (
    "aide", "counselor", "districtAdministrator", "guardian", "parent", "principal", "proctor", "relative",
    "siteAdministrator", "student", "systemAdministrator", "teacher",
)  # fmt: skip

TABLES: tuple[Table, ...] = (
    Table(
        "orgs",
        ("sourcedId",),
        (
            Column("sourcedId", required),
            *_STATUS,
            Column("name", required),
            Column("type", one_of("department", "school", "district", "local", "state", "national")),
            Column("identifier", optional),
        ),
    ),
    Table(
        "academicSessions",
        ("sourcedId",),
        (
            Column("sourcedId", required),
            *_STATUS,
            Column("title", required),
            Column("type", one_of("gradingPeriod", "semester", "schoolYear", "term")),
            Column("startDate", day(required=True)),
            Column("endDate", day(required=True)),
        ),
    ),
    Table(
        "courses",
        ("sourcedId",),
        (Column("sourcedId", required), *_STATUS, Column("grades", text, optional=True)),
    ),
    Table(
        "classes",
        ("sourcedId",),
        (
            Column("sourcedId", required),
            *_STATUS,
            Column("title", required),
            Column("grades", text, optional=True),
            Column("courseSourcedId", required),
            Column("classCode", text, optional=True),
            Column("classType", one_of("homeroom", "scheduled")),
            Column("location", text, optional=True),
            Column("schoolSourcedId", required),
            Column("termSourcedIds", required),
            Column("metadata.titleEn", text, optional=True),
        ),
    ),
    Table(
        "users",
        ("sourcedId",),
        (
            Column("sourcedId", required),
            *_STATUS,
            Column("enabledUser", one_of("true", "false")),
            Column("givenName", required),
            Column("familyName", required),
        ),
    ),
    Table(
        "roles",
        ("sourcedId",),
        (
            Column("sourcedId", required),
            *_STATUS,
            Column("userSourcedId", required),
            Column("roleType", one_of("primary", "secondary")),
            Column("role", one_of(*_ROLES)),
            Column("orgSourcedId", required),
        ),
    ),
    Table(
        "demographics",
        ("userSourcedId",),
        (Column("userSourcedId", required), *_STATUS, Column("birthDate", day(), optional=True)),
    ),
    Table(
        "enrollments",
        ("sourcedId",),
        (
            Column("sourcedId", required),
            *_STATUS,
            Column("classSourcedId", required),
            Column("schoolSourcedId", required),
            Column("userSourcedId", required),
            Column("role", one_of("administrator", "proctor", "student", "teacher")),
            Column("beginDate", day(), optional=True),
            Column("endDate", day(), optional=True),
        ),
    ),
    Table(
        "seats",
        ("classSourcedId", "userSourcedId"),
        (
            Column("classSourcedId", required),
            Column("userSourcedId", required),
            Column("number", integer(1, 999), optional=True),
            Column("row", integer(1, 200), optional=True),
            Column("column", integer(1, 200), optional=True),
            Column("terminal", optional, optional=True),
        ),
    ),
)
"""Every file that is read, each after those it refers to."""

TABLE: dict[str, Table] = {table.name: table for table in TABLES}
SEATS = "seats"
_MANIFEST = Table("manifest", ("propertyName",), (Column("propertyName", required), Column("value", text)))
NOT_KEPT = frozenset({
    "categories", "classResources", "courseResources", "lineItemLearningObjectiveIds", "lineItems",
    "lineItemScoreScales", "resources", "resultLearningObjectiveIds", "results", "resultScoreScales", "scoreScales",
    "userProfiles", "userResources",
})  # fmt: skip
"""Files of OneRoster 1.2 of which nothing is kept."""


@dataclass(slots=True)
class Export:
    """The rows of an export by table, and what each file holds; a table without a file has no rows and is absent."""

    sheets: dict[str, Sheet] = field(default_factory=dict)
    modes: dict[str, Mode] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    """Tables some of whose rows could not be read: what refers to them cannot be judged."""
    _ids: dict[str, set[Any]] = field(default_factory=dict)

    def mode(self, name: str) -> Mode:
        """Return what the file of a table holds."""
        return self.modes.get(name, Mode.ABSENT)

    def present(self, name: str) -> list[tuple[int, dict[str, Any]]]:
        """Return the rows that are to be in force, with their lines."""
        return [(line, row) for line, row in self._rows(name) if row.get("status") != "tobedeleted"]

    def deleted(self, name: str) -> list[tuple[int, dict[str, Any]]]:
        """Return the rows of a delta that are to be retired, with their lines."""
        return [(line, row) for line, row in self._rows(name) if row.get("status") == "tobedeleted"]

    def ids(self, name: str) -> set[Any]:
        """Return the ids of the rows that are to be in force, their lines right or wrong."""
        if name not in self._ids:
            self._ids[name] = {row["sourcedId"] for _, row in self.present(name)}
        return self._ids[name]

    def _rows(self, name: str) -> list[tuple[int, dict[str, Any]]]:
        return self.sheets[name].records() if name in self.sheets else []


def read_export(
    source: Path, today: date, problems: list[Problem], headers: Mapping[str, Mapping[str, str]] | None = None
) -> Export:
    """Return the rows of a zip or folder, and add to `problems` whatever can be told without the database.

    `headers` says, by file and column, under which other name a column stands in the district's own export.
    """
    export = Export()
    texts = read_files(source, problems)
    if problems and not texts:
        return export
    modes = _modes(texts, problems)
    for name in [file.removesuffix(".csv") for file in texts]:
        if name not in TABLE and name in NOT_KEPT:
            export.ignored.append(f"{name}.csv")
        elif name not in TABLE and name != _MANIFEST.name:
            known = ", ".join(table.file for table in TABLES)
            problems.append(Problem(f"{name}.csv", 0, "", f"unknown file; read are {known}"))
    damaged = {problem.file for problem in problems}
    for table in TABLES:
        name = table.name
        mode = modes.get(name, Mode.ABSENT)
        if table.file not in texts:
            if mode is not Mode.ABSENT and table.file not in damaged:
                problems.append(Problem(table.file, 0, "", f"missing; manifest.csv says that it is there ({mode})"))
            if mode is not Mode.ABSENT:
                export.unread.add(name)
            continue
        if name == SEATS:
            mode = Mode.BULK
        elif mode is Mode.ABSENT:
            problems.append(Problem(table.file, 0, "", "is there, though manifest.csv says that it is absent"))
            continue
        sheet = read_sheet(table, texts[table.file], problems, others=True, headers=(headers or {}).get(name))
        export.sheets[name], export.modes[name] = sheet, mode
        if not sheet.complete:
            export.unread.add(name)
        _check_sheet(sheet, mode, problems)
        _check_days(sheet, today, problems)
    return export


def _modes(texts: Mapping[str, str], problems: list[Problem]) -> dict[str, Mode]:
    """Return what the manifest says of each file."""
    if "manifest.csv" not in texts:
        problems.append(Problem("manifest.csv", 0, "", "missing; it says which files are bulk, delta or absent"))
        return {name.removesuffix(".csv"): Mode.BULK for name in texts}
    modes: dict[str, Mode] = {}
    version = None
    manifest = read_sheet(_MANIFEST, texts["manifest.csv"], problems, others=True)
    problems += duplicates(manifest)
    for line, row in manifest.records():
        name, value = str(row["propertyName"]), row["value"]
        if name == "oneroster.version":
            version = value
            if value not in VERSIONS:
                problems.append(Problem("manifest.csv", line, name, f"{value!r} is not {VERSIONS[0]}"))
        elif name.startswith("file."):
            if value not in list(Mode):
                problems.append(Problem("manifest.csv", line, name, f"{value!r} is not one of {', '.join(Mode)}"))
                value = Mode.BULK
            modes[name.removeprefix("file.")] = Mode(value)
    if version is None:
        problems.append(Problem("manifest.csv", 0, "oneroster.version", "is missing"))
    return modes


def _check_sheet(sheet: Sheet, mode: Mode, problems: list[Problem]) -> None:
    table = sheet.table
    problems += duplicates(sheet)
    for line, row in sheet.records():
        if mode is Mode.BULK and row.get("status") == "tobedeleted":
            reason = "a bulk file holds only what is there; leave the line out"
            problems.append(Problem(table.file, line, "status", reason))
        if mode is Mode.DELTA:
            problems += [
                Problem(table.file, line, column, "must not be empty in a delta file")
                for column in ("status", "dateLastModified")
                if row[column] is None
            ]


_RANGES = {"academicSessions": ("startDate", "endDate"), "enrollments": ("beginDate", "endDate")}


def _check_days(sheet: Sheet, today: date, problems: list[Problem]) -> None:
    name, file = sheet.table.name, sheet.table.file
    if name == "demographics":
        problems += [
            Problem(file, line, "birthDate", f"{row['birthDate']} lies in the future")
            for line, row in sheet.records()
            if row["birthDate"] is not None and row["birthDate"] > today
        ]
    if name in _RANGES:
        begin, end = _RANGES[name]
        problems += [
            Problem(file, line, end, f"{row[end]} lies before {begin} {row[begin]}")
            for line, row in sheet.records()
            if row[begin] is not None and row[end] is not None and row[end] < row[begin]
        ]
    if name == "academicSessions":
        problems += [
            Problem(file, line, "endDate", f"{row['endDate']} lies more than {MAX_TERM_DAYS} days after startDate")
            for line, row in sheet.records()
            if row["startDate"] is not None
            and row["endDate"] is not None
            and (row["endDate"] - row["startDate"]).days > MAX_TERM_DAYS
        ]
