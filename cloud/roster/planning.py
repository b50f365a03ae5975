"""Works out lessons: which days are school days, by which bells, and when that is. Pure functions of values.

A day is ruled by the most particular rule: of the school on that day, of every school on that day, of the school on any
day, of every school on any day. A rule for one day that names no plan keeps the school's usual bells. An adjusted day
has the lessons of another weekday (调休); an exam day those of its own, flagged; a holiday none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from typing import NamedTuple


class DayKind(StrEnum):
    """What a day is."""

    SCHOOL = "school"
    ADJUSTED = "adjusted"
    EXAM = "exam"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class DayRule:
    """What holds for a school (None: every one) on a day (None: any). Weekdays count from 1, Monday."""

    school: str | None
    day: date | None
    kind: DayKind
    plan: str | None = None
    as_weekday: int | None = None


@dataclass(frozen=True, slots=True)
class DayPlan:
    """A day with lessons: those of `weekday`, by the bells of `plan`."""

    weekday: int
    plan: str
    exam: bool


class Bell(NamedTuple):
    """When a period begins and ends, by the clock at school."""

    starts: time
    ends: time


Bells = Mapping[tuple[str, int], Bell]
"""Bells by plan and period."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a timetable: a class learns something in one period of every such weekday between two days."""

    school: str
    school_class: str
    weekday: int
    period: int
    topic: str
    teacher: str | None
    classroom: str | None
    first_day: date
    last_day: date


class Lesson(NamedTuple):
    """A row of `lessons`."""

    lesson: str
    school: str
    school_class: str
    classroom: str | None
    topic: str
    teacher: str | None
    day: date
    period: int
    starts_at: datetime
    ends_at: datetime
    exam: bool


class Calendar:
    """The rules of all schools and days."""

    def __init__(self, rules: Iterable[DayRule]) -> None:
        self._rules = {(rule.school, rule.day): rule for rule in rules}

    def usual_plan(self, school: str) -> str | None:
        """Return the bells of a school on a day that is nothing special; None when no rule says so."""
        rule = self._rules.get((school, None)) or self._rules.get((None, None))
        return rule.plan if rule is not None else None

    def day(self, school: str, day: date) -> DayPlan | None:
        """Return how a day goes at a school; None when there are no lessons."""
        usual = self._rules.get((school, None)) or self._rules.get((None, None))
        rule = self._rules.get((school, day)) or self._rules.get((None, day)) or usual
        if rule is None or rule.kind is DayKind.HOLIDAY:
            return None
        plan = rule.plan or (usual.plan if usual is not None else None)
        if plan is None:
            return None
        return DayPlan(rule.as_weekday or day.isoweekday(), plan, rule.kind is DayKind.EXAM)


def lessons(entries: Iterable[Entry], calendar: Calendar, bells: Bells, zone: tzinfo) -> Iterator[Lesson]:
    """Yield every lesson of every entry, by school and day. A period that the day's plan does not ring is left out."""
    of_school: dict[str, dict[int, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        of_school[entry.school][entry.weekday].append(entry)
    for school, of_weekday in of_school.items():
        all_entries = [entry for some in of_weekday.values() for entry in some]
        day = min(entry.first_day for entry in all_entries)
        last_day = max(entry.last_day for entry in all_entries)
        while day <= last_day:
            plan = calendar.day(school, day)
            if plan is not None:
                yield from _of_day(day, plan, of_weekday.get(plan.weekday, ()), bells, zone)
            if day == date.max:
                break
            day += timedelta(days=1)


def _of_day(day: date, plan: DayPlan, entries: Iterable[Entry], bells: Bells, zone: tzinfo) -> Iterator[Lesson]:
    moments: dict[int, tuple[datetime, datetime] | None] = {}
    compact = f"{day:%Y%m%d}"
    for entry in entries:
        if not entry.first_day <= day <= entry.last_day:
            continue
        if entry.period not in moments:
            moments[entry.period] = _moments(day, bells.get((plan.plan, entry.period)), zone)
        span = moments[entry.period]
        if span is not None:
            yield Lesson(
                f"{entry.school_class}.{compact}.p{entry.period}",
                entry.school,
                entry.school_class,
                entry.classroom,
                entry.topic,
                entry.teacher,
                day,
                entry.period,
                *span,
                plan.exam,
            )


def _moments(day: date, bell: Bell | None, zone: tzinfo) -> tuple[datetime, datetime] | None:
    """Return when a period of a day begins and ends; None when it does not ring, or lies where clocks go forward."""
    if bell is None:
        return None
    starts_at, ends_at = (datetime.combine(day, clock, zone).astimezone(UTC) for clock in bell)
    return (starts_at, ends_at) if ends_at > starts_at else None
