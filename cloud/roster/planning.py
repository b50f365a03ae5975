"""Works out lessons from a weekly timetable, bells and a calendar. Pure: dates and times in, moments out.

A school day is a calendar fact: an ordinary day follows its weekday, an adjusted one works like another weekday (调休),
a holiday has no lessons, an exam day has the day's lessons marked as exams. A rule of a school stands before one of
all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DEFAULT_PLAN = "default"
EVERY_SCHOOL = "*"
KINDS = ("school", "adjusted", "exam", "holiday")


@dataclass(frozen=True, slots=True)
class Bell:
    """When a period begins and ends, by the clock on the wall."""

    starts: time
    ends: time


Bells = Mapping[str, Mapping[int, Bell]]
"""Periods by plan."""


@dataclass(frozen=True, slots=True)
class DayRule:
    """What is special about a day. `works_like` is a weekday (1 Monday to 7 Sunday), None for its own."""

    kind: str
    plan: str = DEFAULT_PLAN
    works_like: int | None = None


Calendar = Mapping[tuple[str, date], DayRule]
"""Rules by school (or `*`) and day."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A lesson of every week."""

    school_class: str
    school: str
    weekday: int
    period: int
    topic: str
    teacher: str | None
    classroom: str | None


@dataclass(frozen=True, slots=True)
class PlannedLesson:
    """One lesson of one day."""

    lesson: str
    entry: Entry
    day: date
    starts_at: datetime
    ends_at: datetime
    exam: bool


@dataclass(frozen=True, slots=True)
class DayPlan:
    """How a school works on a day: like which weekday, by which bells."""

    weekday: int
    plan: str
    exam: bool


def day_plan(calendar: Calendar, school: str, day: date) -> DayPlan | None:
    """Return how a school works on a day, or None when it does not."""
    rule = calendar.get((school, day)) or calendar.get((EVERY_SCHOOL, day))
    if rule is None:
        return DayPlan(day.isoweekday(), DEFAULT_PLAN, exam=False) if day.isoweekday() <= 5 else None
    if rule.kind == "holiday":
        return None
    return DayPlan(rule.works_like or day.isoweekday(), rule.plan, exam=rule.kind == "exam")


def lesson_key(school_class: str, day: date, period: int) -> str:
    """Return what a lesson is called everywhere."""
    return f"{school_class}.{day:%Y%m%d}.p{period}"


def plan(
    entries: Iterable[Entry], bells: Bells, calendar: Calendar, first: date, last: date, zone: ZoneInfo
) -> Iterator[PlannedLesson]:
    """Return the lessons from `first` to `last`, both included; a period without a bell on that day falls out."""
    by_weekday: dict[tuple[str, int], list[Entry]] = {}
    for entry in entries:
        by_weekday.setdefault((entry.school, entry.weekday), []).append(entry)
    schools = {school for school, _ in by_weekday}
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        for school in sorted(schools):
            found = day_plan(calendar, school, day)
            if found is None:
                continue
            moments = {period: _moments(bell, day, zone) for period, bell in bells.get(found.plan, {}).items()}
            for entry in by_weekday.get((school, found.weekday), ()):
                if (moment := moments.get(entry.period)) is not None:
                    key = lesson_key(entry.school_class, day, entry.period)
                    yield PlannedLesson(key, entry, day, *moment, exam=found.exam)


def _moments(bell: Bell, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    starts, ends = (datetime.combine(day, at, zone).astimezone(UTC) for at in (bell.starts, bell.ends))
    return starts, ends


def clashes(entries: Sequence[Entry]) -> Iterator[tuple[Entry, Entry, str]]:
    """Return pairs of lessons that need one teacher or one room at the same time, with `teacher` or `classroom`."""
    met: dict[tuple[str, str, str, int, int], Entry] = {}
    for entry in entries:
        for what, key in (("teacher", entry.teacher), ("classroom", entry.classroom)):
            if key is not None:
                other = met.setdefault((what, key, entry.school, entry.weekday, entry.period), entry)
                if other is not entry and other.school_class != entry.school_class:
                    yield other, entry, what
