"""From a timetable to rows of `lessons`: refers it to the roster, plans the days, replaces what is still to come."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Cursor

from cloud.roster import planning
from cloud.roster.models import Places, SchoolClass, State, Term
from cloud.roster.planning import Bell, Calendar, DayKind, DayRule, Entry, Lesson
from cloud.roster.repository import QUERIES
from cloud.roster.timetable import ANY, Timetable
from cloud.sheets.models import Problem, TableChanges

_FILE = "timetable.csv"
_COPY_TYPES = ("text", "text", "text", "text", "text", "text", "date", "int4", "timestamptz", "timestamptz", "bool")


@dataclass(slots=True)
class LessonPlan:
    """The lessons of a timetable; `schools` are those whose lessons it replaces."""

    lessons: list[Lesson] = field(default_factory=list)
    schools: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def plan(timetable: Timetable, state: State, places: Places, time_zone: str) -> LessonPlan:
    """Work out every lesson; when there are problems, there are no lessons."""
    made = LessonPlan()
    bells = {
        (row["plan"], row["period"]): Bell(row["starts"], row["ends"])
        for _, row in timetable.records("bells")
        if None not in row.values()
    }
    calendar = Calendar(_rules(timetable, places, made.problems))
    entries = list(_entries(timetable, state, places, calendar, bells, made))
    made.schools = {entry.school for _, entry in entries}
    made.warnings += [*_overlapping_bells(timetable), *_in_two_places(entries, calendar, bells)]
    if not made.problems and not timetable.unread:
        zone = ZoneInfo(time_zone)
        made.lessons = list(planning.lessons((entry for _, entry in entries), calendar, bells, zone))
    return made


def write(cursor: Cursor[Any], made: LessonPlan, at: datetime) -> TableChanges:
    """Replace the lessons to come of the plan's schools; what has begun keeps its row.

    A class that never had a lesson gets those of the past too.
    """
    cursor.execute(QUERIES["stage_lessons"])
    with cursor.copy(QUERIES["copy_lessons"]) as copy:
        copy.set_types(_COPY_TYPES)
        for lesson in made.lessons:
            copy.write_row(lesson)
    cursor.execute(QUERIES["leave_the_past"], {"at": at})
    cursor.execute(QUERIES["compare_lessons"])
    added, changed, total = cursor.fetchone() or (0, 0, 0)
    if added or changed:
        cursor.execute(QUERIES["put_lessons"])
    cursor.execute(QUERIES["retire_lessons"], {"at": at, "schools": sorted(made.schools)})
    return TableChanges(added, changed, cursor.rowcount, total - added - changed)


def _rules(timetable: Timetable, places: Places, problems: list[Problem]) -> Iterator[DayRule]:
    for line, row in timetable.records("days"):
        school = row["school"]
        if school is None or row["date"] is None or row["kind"] is None:
            continue
        if school != ANY and school not in places.schools:
            problems.append(Problem("days.csv", line, "school", f"{school!r} is no school of the inventory"))
        yield DayRule(
            None if school == ANY else school,
            row["date"] if isinstance(row["date"], date) else None,
            DayKind(row["kind"]),
            row["plan"],
            row["as_weekday"],
        )


def _entries(
    timetable: Timetable, state: State, places: Places, calendar: Calendar, bells: planning.Bells, made: LessonPlan
) -> Iterator[tuple[int, Entry]]:
    """Yield the lines of the timetable with what they refer to; say what they refer to in vain."""
    by_key = {one.school_class: one for one in state.classes.active.values()}
    terms = {term.term: term for term in state.terms.active.values()}
    told: set[str] = set()
    taken: dict[tuple[str, int, int], int] = {}
    for line, row in timetable.records("timetable"):
        if None in (row["class"], row["weekday"], row["period"], row["topic"]):
            continue
        one = by_key.get(row["class"]) or state.classes.active.get(row["class"])
        if one is None:
            made.problems.append(Problem(_FILE, line, "class", f"{row['class']!r} is no class of the roster"))
            continue
        place = (one.school_class, row["weekday"], row["period"])
        if taken.setdefault(place, line) != line:
            reason = f"{'/'.join(map(str, place))!r} stands already in line {taken[place]}"
            made.problems.append(Problem(_FILE, line, "period", reason))
        teacher = state.people.active.get(row["teacher"]) if row["teacher"] is not None else None
        if row["teacher"] is not None and (teacher is None or teacher.kind == "pupil"):
            made.problems.append(Problem(_FILE, line, "teacher", f"{row['teacher']!r} is no teacher of the roster"))
        term = terms.get(one.term or "")
        usual = calendar.usual_plan(one.school)
        if one.school_class not in told and (term is None or (usual is None and "days" not in timetable.unread)):
            told.add(one.school_class)
            reason = f"days.csv does not say what holds on any day for {one.school!r} or {ANY!r}"
            reason = f"{row['class']!r} has no term" if term is None else reason
            made.problems.append(Problem(_FILE, line, "class", reason))
        if usual is not None and (usual, row["period"]) not in bells and "bells" not in timetable.unread:
            reason = f"{row['period']} is no period of {usual!r}, the usual plan of {one.school!r}"
            made.problems.append(Problem(_FILE, line, "period", reason))
        classroom = _classroom(line, row["classroom"], one, places, made.warnings)
        if term is not None:
            yield line, _entry(row, one, teacher and teacher.person, classroom, term)


def _entry(row: dict[str, Any], one: SchoolClass, teacher: str | None, classroom: str | None, term: Term) -> Entry:
    return Entry(
        one.school,
        one.school_class,
        row["weekday"],
        row["period"],
        row["topic"],
        teacher,
        classroom,
        term.begins_on,
        term.ends_on,
    )


def _classroom(line: int, named: str | None, one: SchoolClass, places: Places, warnings: list[Problem]) -> str | None:
    """Return where a lesson is held: the room named, or the class's own when none is."""
    if named is None:
        return one.classroom
    classroom = places.classroom_names.get((one.school, named), named)
    if places.classrooms.get(classroom) == one.school:
        return classroom
    reason = f"{named!r} is no classroom of {one.school!r}; the lesson has none"
    warnings.append(Problem(_FILE, line, "classroom", reason))
    return None


def _overlapping_bells(timetable: Timetable) -> Iterator[Problem]:
    of_plan: dict[str, list[tuple[time, time, int, int]]] = defaultdict(list)
    for line, row in timetable.records("bells"):
        if None not in row.values():
            of_plan[row["plan"]].append((row["starts"], row["ends"], row["period"], line))
    for name, periods in of_plan.items():
        latest = (time.min, time.min, 0, 0)
        for starts, ends, period, line in sorted(periods):
            if starts < latest[1]:
                reason = f"period {period} of {name!r} begins before period {latest[2]} (line {latest[3]}) ends"
                yield Problem("bells.csv", line, "starts", reason)
            latest = max(latest, (starts, ends, period, line), key=lambda one: one[1])


def _in_two_places(entries: list[tuple[int, Entry]], calendar: Calendar, bells: planning.Bells) -> Iterator[Problem]:
    """Say which teacher or room has two classes at once on usual days."""
    booked: dict[tuple[str, str, int], list[tuple[Bell, int, Entry]]] = defaultdict(list)
    for line, entry in entries:
        bell = bells.get((calendar.usual_plan(entry.school) or "", entry.period))
        for column, what in (("teacher", entry.teacher), ("classroom", entry.classroom)):
            if bell is not None and what is not None:
                booked[column, what, entry.weekday].append((bell, line, entry))
    for (column, _, _), lessons in booked.items():
        lessons.sort(key=lambda one: (one[0], one[1]))
        for place, (first, first_line, one) in enumerate(lessons):
            for second, line, other in lessons[place + 1 :]:
                if second.starts >= first.ends:
                    break
                meet = one.first_day <= other.last_day and other.first_day <= one.last_day
                if meet and one.school_class != other.school_class:
                    yield Problem(_FILE, line, column, f"is with {one.school_class!r} at that time (line {first_line})")
