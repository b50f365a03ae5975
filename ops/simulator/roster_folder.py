"""The district's classes as files that `bellwether roster` reads: OneRoster CSV with seats, and a timetable.

One class per classroom. Everybody's name is made up from his number. The bells are those of `school_day`, moved so that
they ring by the school clock of the simulation: a newcomer at night still meets a lesson in session.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from ops.simulator.records import Classroom, District, Terminal
from ops.simulator.school_day import BELLS, Phase, SchoolClock

ROSTER, TIMETABLE = "roster", "timetable"
TERM = "this-term"
TERM_DAYS = 14
COLUMNS = 8
"""Seats in a row of the simulated rooms."""
TOPICS = ("语文", "数学", "英语", "科学", "道德与法治", "体育", "音乐")
LAST_PERIOD = 7
DAY_SECONDS = 86_400

Table = tuple[str, Sequence[str], Iterable[Sequence[object]]]


@dataclass(frozen=True, slots=True)
class ClassOf:
    """A class with its room and those in it: the teacher's and the pupils' terminals, in order of number."""

    key: str
    room: Classroom
    teacher: Terminal
    pupils: tuple[Terminal, ...]


def classes_of(district: District) -> list[ClassOf]:
    """Return the class of every room; terminals that are carried about go round the classes of their school."""
    fixed: dict[str, list[Terminal]] = defaultdict(list)
    carried: dict[str, list[Terminal]] = defaultdict(list)
    teachers: dict[str, Terminal] = {}
    for terminal in district.terminals:
        if terminal.owner == "teacher":
            teachers.setdefault(terminal.classroom, terminal)
        elif terminal.classroom:
            fixed[terminal.classroom].append(terminal)
        else:
            carried[terminal.school].append(terminal)
    rooms: dict[str, list[Classroom]] = defaultdict(list)
    for room in district.classrooms:
        rooms[room.school].append(room)
    found = []
    for school, ours in rooms.items():
        for number, room in enumerate(ours):
            pupils = (*fixed[room.classroom], *carried[school][number :: len(ours)])
            key = f"{school}-k{room.classroom.rpartition('-c')[2]}"
            found.append(ClassOf(key, room, teachers[room.classroom], pupils))
    return found


def write_roster(district: District, folder: Path, today: date, clock: SchoolClock) -> None:
    """Write `folder/roster` and `folder/timetable`; `today` is the real day that the term is laid around."""
    classes = classes_of(district)
    _write(folder / ROSTER, _roster(district, classes, today))
    _write(folder / TIMETABLE, _timetable(district, classes, today, clock))


def _write(folder: Path, tables: Iterable[Table]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns, rows in tables:
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(rows)


def _roster(district: District, classes: Sequence[ClassOf], today: date) -> Iterator[Table]:
    bulk = ("academicSessions", "orgs", "classes", "users", "roles", "enrollments")
    yield "manifest", ("propertyName", "value"), [
        ("manifest.version", "1.0"), ("oneroster.version", "1.2"), *((f"file.{name}", "bulk") for name in bulk),
    ]  # fmt: skip
    yield "academicSessions", ("sourcedId", "status", "title", "type", "startDate", "endDate"), [
        (TERM, "active", "本学期", "term", today - timedelta(days=1), today + timedelta(days=TERM_DAYS)),
    ]  # fmt: skip
    yield "orgs", ("sourcedId", "status", "name", "type", "identifier"), [
        (f"org-{school.school}", "active", school.name, "school", school.school) for school in district.schools
    ]  # fmt: skip
    yield (
        "classes",
        ("sourcedId", "status", "title", "grades", "classCode", "location", "schoolSourcedId", "termSourcedIds",
         "metadata.titleEn"),
        [
            (f"class-{one.key}", "active", one.room.name, one.room.name[:-2], one.key, one.room.classroom,
             f"org-{one.room.school}", TERM, one.room.name_en)
            for one in classes
        ],
    )  # fmt: skip
    people = [(_user(terminal), terminal) for terminal in district.terminals]
    yield "users", ("sourcedId", "status", "familyName", "givenName"), [
        (user, "active", "教师" if terminal.owner == "teacher" else "学生", f"{number:05d}")
        for number, (user, terminal) in enumerate(people, start=1)
    ]  # fmt: skip
    yield "roles", ("sourcedId", "status", "userSourcedId", "roleType", "role"), [
        (f"role-{user}", "active", user, "primary", terminal.owner) for user, terminal in people
    ]  # fmt: skip
    yield "enrollments", ("sourcedId", "status", "classSourcedId", "userSourcedId", "role"), _enrolments(classes)
    yield (
        "seats",
        ("classSourcedId", "userSourcedId", "number", "row", "column", "terminal"),
        [
            (f"class-{one.key}", _user(pupil), number + 1, number // COLUMNS + 1, number % COLUMNS + 1, pupil.terminal)
            for one in classes
            for number, pupil in enumerate(one.pupils)
        ],
    )


def _enrolments(classes: Sequence[ClassOf]) -> Iterator[Sequence[object]]:
    for one in classes:
        for terminal in (one.teacher, *one.pupils):
            user = _user(terminal)
            yield f"in-{one.key}-{user}", "active", f"class-{one.key}", user, terminal.owner


def _user(terminal: Terminal) -> str:
    return f"user-{terminal.terminal}"


def _timetable(district: District, classes: Sequence[ClassOf], today: date, clock: SchoolClock) -> Iterator[Table]:
    stages = {school.school: school.stage for school in district.schools}
    # Every stage's plan is needed; a plan without a name is that of ordinary days.
    plans = [*((stage, stage) for stage in BELLS), ("", "primary")]
    yield "bells", ("plan", "period", "starts", "ends"), [
        (plan, lesson, starts, ends) for plan, stage in plans for lesson, starts, ends in _bells(stage, clock)
    ]  # fmt: skip
    days = [today + timedelta(days=number) for number in range(-1, TERM_DAYS + 1)]
    yield "days", ("school", "date", "plan", "kind", "works_like"), [
        (school, day, stage, "adjusted", day.toordinal() % 5 + 1) for school, stage in stages.items() for day in days
    ]  # fmt: skip
    yield "timetable", ("class", "weekday", "period", "topic", "teacher", "classroom"), [
        (one.key, weekday, period, TOPICS[(number + weekday + period) % len(TOPICS)], _user(one.teacher),
         one.room.classroom)
        for number, one in enumerate(classes)
        for weekday in range(1, 6)
        for period in range(1, LAST_PERIOD + 1)
    ]  # fmt: skip


def _bells(stage: str, clock: SchoolClock) -> Iterator[tuple[int, str, str]]:
    """Return lessons by the real clock on the wall; one that would cross midnight there falls out."""
    for period in BELLS[stage]:
        starts = round(period.begins - clock.offset_seconds) % DAY_SECONDS
        ends = starts + period.ends - period.begins
        if period.phase is Phase.LESSON and ends < DAY_SECONDS:
            yield period.lesson, _text(starts), _text(ends)


def _text(second: int) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
