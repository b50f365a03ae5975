"""Imports a timetable: bells.csv, days.csv and timetable.csv become the lessons of the term. Lessons that began stay.

The files are ours and named in the operating guide: `bells.csv` (plan, period, starts, ends), `days.csv` (school or
`*`, date, plan, kind, works_like) and `timetable.csv` (class, weekday, period, topic, teacher, classroom). A class is
named by its key or sourcedId, a teacher by sourcedId.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import structlog
from psycopg.rows import dict_row

from cloud.db import require_schema
from cloud.errors import DatabaseUnavailable
from cloud.inventory.models import ImportReport, Problem, TableChanges
from cloud.inventory.service import InventoryShrinks
from cloud.roster.merging import Key, Target, Values, merge
from cloud.roster.planning import (
    DEFAULT_PLAN,
    EVERY_SCHOOL,
    KINDS,
    Bell,
    DayRule,
    Entry,
    PlannedLesson,
    clashes,
    lesson_key,
    plan,
)
from cloud.roster.service import QUERIES
from cloud.roster.tabular import Files, RosterProblems, Row, clock, day, whole

MAX_KEY = 63
_LESSONS = Target(
    "lessons",
    ("lesson",),
    ("school", "school_class", "classroom", "topic", "teacher", "day", "period", "starts_at", "ends_at", "exam"),
    ("text",) * 6 + ("date", "int4", "timestamptz", "timestamptz", "bool"),
)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """What a timetable needs to know of a class."""

    school_class: str
    school: str
    classroom: str | None
    begins_on: date | None
    ends_on: date | None


@dataclass(slots=True)
class Timetable:
    """What the three files hold."""

    bells: dict[str, dict[int, Bell]] = field(default_factory=dict)
    calendar: dict[tuple[str, date], DayRule] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TimetableReport(ImportReport):
    """What a timetable's import changed, and what in it looks wrong without being refused."""

    warnings: tuple[Problem, ...] = ()


def import_timetable(
    dsn: str, source: Path, zone: ZoneInfo, *, now: datetime | None = None, dry_run: bool = False, retire: bool = False
) -> TimetableReport:
    """Import a timetable folder or zip: lessons from now to the end of each class's term.

    Raises:
        RosterProblems: nothing was imported; every problem is in it.
        InventoryShrinks: a large share of the coming lessons would be retired, and `retire` was not given.
        DatabaseUnavailable, MigrationError: nothing was imported.
    """
    files = Files(source).open()
    require_schema(dsn)
    at = now or datetime.now(UTC)
    try:
        with psycopg.connect(dsn, connect_timeout=10) as connection, connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute("SET LOCAL timezone = 'UTC'")
            cursor.execute(QUERIES["lock"])
            classes, teachers, rooms = _known(cursor)
            read = _Reading(files, classes, teachers, rooms).run()
            changes = {"lessons": _merge(cursor, read, classes, zone, at)}
            report = TimetableReport(str(source), dry_run, changes, warnings=tuple(read.warnings))
            if report.shrinking and not retire:
                raise InventoryShrinks(report)
            cursor.execute(QUERIES["tell_desired"])
            if dry_run:
                connection.rollback()
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(str(error).strip()) from error
    _log.info("timetable_imported", dry_run=dry_run, added=report.total.added, warnings=len(report.warnings))
    return report


def _known(cursor: psycopg.Cursor[Any]) -> tuple[dict[str, ClassFacts], dict[str, str], dict[str, str]]:
    cursor.execute(QUERIES["class_facts"])
    classes: dict[str, ClassFacts] = {}
    for row in cursor.fetchall():
        source_id = row.pop("source_id")
        classes[row["school_class"]] = classes[source_id] = ClassFacts(**row)
    cursor.execute(QUERIES["known"])
    rows = cursor.fetchall()
    people = {row["key"]: row["name"] for row in rows if row["what"] == "person"}
    return classes, people, {row["key"]: row["of"] for row in rows if row["what"] == "classroom"}


def _merge(
    cursor: psycopg.Cursor[Any], read: Timetable, classes: Mapping[str, ClassFacts], zone: ZoneInfo, at: datetime
) -> TableChanges:
    today = at.astimezone(zone).date()
    wanted: dict[Key, Values] = {}
    facts = {one.school_class: one for one in classes.values()}
    ends = {one.ends_on for one in facts.values() if one.ends_on is not None}
    if ends and read.entries:
        for lesson in plan(read.entries, read.bells, read.calendar, today, max(ends), zone):
            one = facts[lesson.entry.school_class]
            if lesson.ends_at > at and _in_term(one, lesson.day):
                wanted[(lesson.lesson,)] = _lesson_values(lesson, one)
    cursor.execute(QUERIES["lessons_from"], {"first": today, "classes": sorted(facts)})
    before: dict[Key, tuple[Values, bool]] = {}
    begun: set[Key] = set()
    for row in cursor.fetchall():
        key = (row["lesson"],)
        before[key] = (tuple(row[name] for name in _LESSONS.columns), row["retired"])
        if row["starts_at"] <= at:
            begun.add(key)
    for key in begun:
        wanted.pop(key, None)
    leaving = [key for key in before if key not in wanted and key not in begun]
    return merge(cursor, _LESSONS, before, wanted, leaving, at)


def _in_term(facts: ClassFacts, on: date) -> bool:
    return facts.begins_on is not None and facts.ends_on is not None and facts.begins_on <= on <= facts.ends_on


def _lesson_values(lesson: PlannedLesson, facts: ClassFacts) -> Values:
    entry = lesson.entry
    return (
        facts.school, facts.school_class, entry.classroom, entry.topic, entry.teacher, lesson.day, entry.period,
        lesson.starts_at, lesson.ends_at, lesson.exam,
    )  # fmt: skip


class _Reading:
    """One reading of the three files; problems add up."""

    def __init__(
        self, files: Files, classes: Mapping[str, ClassFacts], teachers: Mapping[str, str], rooms: Mapping[str, str]
    ) -> None:
        self._files = files
        self._classes = classes
        self._teachers = teachers
        self._rooms = rooms
        self._problems: list[Problem] = []
        self._read = Timetable()
        self._lines: dict[tuple[str, int, int], Row] = {}

    def run(self) -> Timetable:
        """Return what they hold, or raise `RosterProblems`."""
        for name, needed, take in (
            ("bells.csv", ("plan", "period", "starts", "ends"), self._bell),
            ("days.csv", ("school", "date", "plan", "kind", "works_like"), self._day),
            ("timetable.csv", ("class", "weekday", "period", "topic", "teacher", "classroom"), self._entry),
        ):
            if name not in self._files:
                self._problems.append(Problem(name, 0, "", "missing; without rows it is its header only"))
                continue
            for row in self._files.rows(name, needed, self._problems):
                take(row)
        self._check_plans()
        if self._problems:
            raise RosterProblems(str(self._files.source), self._problems)
        for other, entry, what in clashes(self._read.entries):
            row = self._lines[(entry.school_class, entry.weekday, entry.period)]
            reason = f"is needed by {other.school_class!r} at the same time"
            self._read.warnings.append(row.problem(what, reason))
        return self._read

    def _bell(self, row: Row) -> None:
        period = whole(row, "period", 1, 30, self._problems, needed=True)
        starts, ends = clock(row, "starts", self._problems), clock(row, "ends", self._problems)
        if period is None or starts is None or ends is None:
            return
        if ends <= starts:
            self._problem(row, "ends", f"{ends:%H:%M} is not after starts {starts:%H:%M}")
        periods = self._read.bells.setdefault(row["plan"] or DEFAULT_PLAN, {})
        if period in periods:
            self._problem(row, "period", f"{period} stands already in this plan")
        for number, bell in periods.items():
            if starts < bell.ends and bell.starts < ends:
                self._problem(row, "starts", f"overlaps with period {number}")
        periods[period] = Bell(starts, ends)

    def _day(self, row: Row) -> None:
        on = day(row, "date", self._problems, needed=True)
        school, kind = row["school"] or EVERY_SCHOOL, row["kind"]
        works_like = whole(row, "works_like", 1, 7, self._problems)
        if kind not in KINDS:
            self._problem(row, "kind", f"{kind!r} is not one of {', '.join(KINDS)}")
        if kind == "adjusted" and not row["works_like"]:
            self._problem(row, "works_like", "an adjusted day needs the weekday that it works like, 1 to 7")
        if school != EVERY_SCHOOL and school not in {one.school for one in self._classes.values()}:
            self._problem(row, "school", f"{school!r} is no school with classes")
        if on is not None:
            if (school, on) in self._read.calendar:
                self._problem(row, "date", f"{on} stands already for {school}")
            self._read.calendar[(school, on)] = DayRule(kind, row["plan"] or DEFAULT_PLAN, works_like)

    def _entry(self, row: Row) -> None:
        found = self._classes.get(row["class"])
        weekday = whole(row, "weekday", 1, 7, self._problems, needed=True)
        period = whole(row, "period", 1, 30, self._problems, needed=True)
        if found is None:
            self._problem(row, "class", f"{row['class']!r} is no class; import the roster first")
        teacher = self._teachers.get(row["teacher"]) if row["teacher"] else None
        if row["teacher"] and teacher is None:
            self._problem(row, "teacher", f"{row['teacher']!r} is nobody's sourcedId")
        room = row["classroom"] or (None if found is None else found.classroom)
        if room is not None and found is not None and self._rooms.get(room) != found.school:
            self._problem(row, "classroom", f"{room!r} is no classroom of {found.school!r}")
        if not row["topic"]:
            self._problem(row, "topic", "must not be empty")
        if found is None or weekday is None or period is None:
            return
        key = (found.school_class, weekday, period)
        if key in self._lines:
            self._problem(row, "period", f"the class has a lesson then already in line {self._lines[key].line}")
        if len(lesson_key(found.school_class, date.max, 30)) > MAX_KEY:
            self._problem(row, "class", f"the key {found.school_class!r} is too long to name lessons by")
        if found.ends_on is None:
            self._problem(row, "class", f"{row['class']!r} has no term, so its lessons have no end")
        self._lines[key] = row
        self._read.entries.append(Entry(found.school_class, found.school, weekday, period, row["topic"], teacher, room))

    def _check_plans(self) -> None:
        for (school, on), rule in self._read.calendar.items():
            if rule.kind != "holiday" and rule.plan not in self._read.bells and "bells.csv" in self._files:
                self._problems.append(Problem("days.csv", 0, "plan", f"{rule.plan!r} of {school} on {on} has no bells"))

    def _problem(self, row: Row, column: str, reason: str) -> None:
        self._problems.append(row.problem(column, reason))
