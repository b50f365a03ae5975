"""The district's classes as files that `bellwether roster` reads: OneRoster CSV with seats, and a timetable.

One class per classroom, one pupil per student tablet, one teacher per teacher's. Names are made up from numbers. The
bells are those of `school_day`, moved so that they ring by the simulation's school clock, and every day is a school
day: a newcomer on a Sunday night still meets a lesson in session. Each writing into one folder numbers the periods
anew, for a lesson that has begun keeps its bells: those of an earlier run today would otherwise stand in the way.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from ops.simulator.numerals import chinese_numeral
from ops.simulator.records import Classroom, District, Terminal
from ops.simulator.school_day import BELLS, Phase, SchoolClock

ROSTER, TIMETABLE = "roster", "timetable"
TERM = "this-term"
TERM_DAYS = 14
GRADES = {"primary": (1, 6), "junior": (7, 3), "senior": (10, 3)}
"""First grade and number of grades of each stage."""
LESSONS_A_DAY = max(period.lesson for periods in BELLS.values() for period in periods)
COLUMNS = 8
"""Seats in a row of the simulated rooms."""
TOPICS = ("语文", "数学", "英语", "科学", "道德与法治", "体育", "音乐")
DAY_SECONDS = 86_400

Table = tuple[str, Sequence[str], Iterable[Sequence[object]]]


@dataclass(frozen=True, slots=True)
class ClassOf:
    """A class with its room and, by their terminals, its pupils in order of number and a teacher for each topic."""

    key: str
    room: Classroom
    place: int
    """Its place among the classes of its school, from 0."""
    grade: int
    """1 to 12."""
    title: str
    title_en: str
    teachers: tuple[Terminal, ...]
    """In the order of `TOPICS`; the first is the class teacher."""
    pupils: tuple[Terminal, ...]

    @property
    def teacher(self) -> Terminal:
        """The class teacher's terminal, which is in the room."""
        return self.teachers[0]


def classes_of(district: District) -> list[ClassOf]:
    """Return the class of every room; terminals that are carried about go round the classes of their school.

    Two neighbouring classes share a teacher for each topic but the first, and never need one twice at once.
    """
    fixed: dict[str, list[Terminal]] = defaultdict(list)
    carried: dict[str, list[Terminal]] = defaultdict(list)
    class_teachers: dict[str, Terminal] = {}
    others: dict[str, list[Terminal]] = defaultdict(list)
    for terminal in district.terminals:
        if terminal.owner == "teacher":
            if class_teachers.setdefault(terminal.classroom, terminal) is not terminal or not terminal.classroom:
                others[terminal.school].append(terminal)
        elif terminal.classroom:
            fixed[terminal.classroom].append(terminal)
        else:
            carried[terminal.school].append(terminal)
    rooms: dict[str, list[Classroom]] = defaultdict(list)
    for room in district.classrooms:
        rooms[room.school].append(room)
    stages = {school.school: school.stage for school in district.schools}
    found = []
    for school, ours in rooms.items():
        pairs = (len(ours) + 1) // 2
        for place, room in enumerate(ours):
            class_teacher = class_teachers[room.classroom]
            of_topics = [others[school][number : number + 1] for number in range(place // 2, 99 * pairs, pairs)]
            teachers = [class_teacher, *(one[0] if one else class_teacher for one in of_topics[: len(TOPICS) - 1])]
            grade, ordinal = _grade(stages[school], place, len(ours))
            title, title_en = _titles(grade, ordinal)
            pupils = (*fixed[room.classroom], *carried[school][place :: len(ours)])
            key = f"{school}-k{room.classroom.rpartition('-c')[2]}"
            found.append(ClassOf(key, room, place, grade, title, title_en, tuple(teachers), pupils))
    return found


def _grade(stage: str, place: int, classes: int) -> tuple[int, int]:
    """Return the grade of a class by its place in the school, and its number within the grade, from 1."""
    first, count = GRADES[stage]
    step = place * count // classes
    return first + step, place - next(other for other in range(classes) if other * count // classes == step) + 1


def _titles(grade: int, ordinal: int) -> tuple[str, str]:
    word = (
        f"{chinese_numeral(grade)}年级"
        if grade <= 6
        else f"{'初' if grade <= 9 else '高'}{chinese_numeral((grade - 7) % 3 + 1)}"
    )
    return f"{word}{ordinal}班", f"Grade {grade} Class {ordinal}"


def write_roster(district: District, folder: Path, today: date, clock: SchoolClock) -> None:
    """Write `folder/roster` and `folder/timetable`; `today` is the real day that the term is laid around."""
    classes = classes_of(district)
    _write(folder / ROSTER, _roster(district, classes, today))
    periods_from = _next_periods(folder / TIMETABLE / "bells.csv")
    _write(folder / TIMETABLE, _timetable(district, classes, today, clock, periods_from))


def _next_periods(bells: Path) -> int:
    """Return the number before the first period: that of the last writing moved on, round four runs."""
    if not bells.is_file():
        return 0
    with bells.open(encoding="utf-8", newline="") as file:
        before = min((int(row["period"]) for row in csv.DictReader(file)), default=1) - 1
    return (before + LESSONS_A_DAY) % (4 * LESSONS_A_DAY)


def _write(folder: Path, tables: Iterable[Table]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns, rows in tables:
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(rows)


def _roster(district: District, classes: Sequence[ClassOf], today: date) -> Iterator[Table]:
    files = ("academicSessions", "orgs", "courses", "classes", "users", "roles", "enrollments", "demographics")
    yield "manifest", ("propertyName", "value"), [
        ("manifest.version", "1.0"), ("oneroster.version", "1.2"), *((f"file.{name}", "bulk") for name in files),
    ]  # fmt: skip
    yield "academicSessions", ("sourcedId", "title", "type", "startDate", "endDate", "schoolYear"), [
        (TERM, "本学期", "term", today - timedelta(days=1), today + timedelta(days=TERM_DAYS), today.year),
    ]  # fmt: skip
    yield "orgs", ("sourcedId", "name", "type", "identifier"), [
        (_org(school.school), school.name, "school", school.school) for school in district.schools
    ]  # fmt: skip
    yield "courses", ("sourcedId", "title", "grades", "orgSourcedId"), [
        (f"course-{one.key}", one.title, f"{one.grade:02d}", _org(one.room.school)) for one in classes
    ]  # fmt: skip
    yield (
        "classes",
        ("sourcedId", "title", "grades", "courseSourcedId", "classCode", "classType", "location", "schoolSourcedId",
         "termSourcedIds", "metadata.titleEn"),
        [
            (f"class-{one.key}", one.title, f"{one.grade:02d}", f"course-{one.key}", one.key, "homeroom",
             one.room.classroom, _org(one.room.school), TERM, one.title_en)
            for one in classes
        ],
    )  # fmt: skip
    yield "users", ("sourcedId", "enabledUser", "username", "givenName", "familyName"), [
        (_user(terminal), "true", _user(terminal), f"{number:05d}", _WORDS[owner])
        for owner in _WORDS
        for number, terminal in enumerate(
            (terminal for terminal in district.terminals if terminal.owner == owner), start=1
        )
    ]  # fmt: skip
    yield "roles", ("sourcedId", "userSourcedId", "roleType", "role", "orgSourcedId"), [
        (f"role-{_user(one)}", _user(one), "primary", one.owner, _org(one.school)) for one in district.terminals
    ]  # fmt: skip
    yield (
        "enrollments",
        ("sourcedId", "classSourcedId", "schoolSourcedId", "userSourcedId", "role"),
        [
            (
                f"in-{one.key}-{_user(terminal)}",
                f"class-{one.key}",
                _org(one.room.school),
                _user(terminal),
                terminal.owner,
            )
            for one in classes
            for terminal in (*dict.fromkeys(one.teachers), *one.pupils)
        ],
    )
    yield "demographics", ("userSourcedId", "birthDate"), [
        (_user(pupil), date(today.year - 6 - one.grade, number % 12 + 1, number % 28 + 1))
        for one in classes
        for number, pupil in enumerate(one.pupils)
    ]  # fmt: skip
    yield (
        "seats",
        ("classSourcedId", "userSourcedId", "number", "row", "column", "terminal"),
        [
            (f"class-{one.key}", _user(pupil), number + 1, number // COLUMNS + 1, number % COLUMNS + 1, pupil.terminal)
            for one in classes
            for number, pupil in enumerate(one.pupils)
        ],
    )


_WORDS = {"student": "学生", "teacher": "教师"}


def _org(school: str) -> str:
    return f"org-{school}"


def _user(terminal: Terminal) -> str:
    return f"user-{terminal.terminal}"


def _timetable(
    district: District, classes: Sequence[ClassOf], today: date, clock: SchoolClock, periods_from: int
) -> Iterator[Table]:
    stages = {school.school: school.stage for school in district.schools}
    bells = {stage: list(_bells(stage, clock, periods_from)) for stage in BELLS}
    yield "bells", ("plan", "period", "starts", "ends"), [
        (stage, *bell) for stage, some in bells.items() for bell in some
    ]  # fmt: skip
    days = [today + timedelta(days=number) for number in range(-1, TERM_DAYS + 1)]
    yield "days", ("school", "date", "plan", "kind", "as_weekday"), [
        *((school, "*", stage, "school", "") for school, stage in stages.items()),
        *(("*", day, "", "adjusted", day.toordinal() % 5 + 1) for day in days),
    ]  # fmt: skip
    yield "timetable", ("class", "weekday", "period", "topic", "teacher", "classroom"), [
        (one.key, weekday, period, TOPICS[topic], _user(one.teachers[topic]), one.room.classroom)
        for one in classes
        for weekday in range(1, 6)
        for period, _, _ in bells[stages[one.room.school]]
        for topic in [(one.place + weekday + period) % len(TOPICS)]
    ]  # fmt: skip


def _bells(stage: str, clock: SchoolClock, periods_from: int) -> Iterator[tuple[int, str, str]]:
    """Return lessons by the real clock on the wall; of one that crosses midnight there, the longer part."""
    for period in BELLS[stage]:
        starts = round(period.begins - clock.offset_seconds) % DAY_SECONDS
        ends = starts + period.ends - period.begins
        if period.phase is not Phase.LESSON:
            continue
        if ends - DAY_SECONDS > DAY_SECONDS - starts:
            starts, ends = 0, ends - DAY_SECONDS
        yield periods_from + period.lesson, _text(starts), _text(min(ends, DAY_SECONDS - 1))


def _text(second: int) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
