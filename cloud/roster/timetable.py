"""Reads a timetable as three CSV files: `bells.csv`, `days.csv`, `timetable.csv`. No database.

`bells.csv`: plan, period, starts, ends. `days.csv`: school (or `*`), date (or `*`: any day), plan, kind, as_weekday.
`timetable.csv`: class (its key or the district's own id), weekday (1 is Monday), period, topic, teacher, classroom.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any

from cloud.roster.archive import read_files
from cloud.roster.planning import DayKind
from cloud.sheets.models import Column, Problem, Sheet, Table, Value, day, integer, one_of, optional, required
from cloud.sheets.reading import duplicates, read_sheet

MAX_PERIOD = 30
ANY = "*"
_CLOCK = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?")


def _clock(cell: str) -> Value:
    try:
        if _CLOCK.fullmatch(cell) is None:
            raise ValueError
        return time.fromisoformat(cell)
    except ValueError:
        raise ValueError(f"{cell!r} is not a time of day such as 08:20") from None


def _day_or_any(cell: str) -> Value:
    if cell == ANY:
        return cell
    return day(required=True)(cell)


TABLES: tuple[Table, ...] = (
    Table(
        "bells",
        ("plan", "period"),
        (
            Column("plan", required),
            Column("period", integer(1, MAX_PERIOD, required=True)),
            Column("starts", _clock),
            Column("ends", _clock),
        ),
    ),
    Table(
        "days",
        ("school", "date"),
        (
            Column("school", required),
            Column("date", _day_or_any),
            Column("plan", optional),
            Column("kind", one_of(*DayKind)),
            Column("as_weekday", integer(1, 7)),
        ),
    ),
    Table(
        "timetable",
        ("class", "weekday", "period"),
        (
            Column("class", required),
            Column("weekday", integer(1, 7, required=True)),
            Column("period", integer(1, MAX_PERIOD, required=True)),
            Column("topic", required),
            Column("teacher", optional),
            Column("classroom", optional),
        ),
    ),
)
FILES = tuple(table.file for table in TABLES)


@dataclass(slots=True)
class Timetable:
    """The rows of the three files; `unread` names those some of whose rows could not be read."""

    sheets: dict[str, Sheet] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)

    def records(self, name: str) -> list[tuple[int, dict[str, Any]]]:
        """Return the rows of a file without a fault of their own, with their lines."""
        return self.sheets[name].records() if name in self.sheets else []


def read_timetable(source: Path, problems: list[Problem]) -> Timetable:
    """Return the rows of a folder or zip, and add to `problems` whatever can be told without the database."""
    timetable = Timetable()
    texts = read_files(source, problems)
    if problems and not texts:
        return timetable
    damaged = {problem.file for problem in problems}
    problems += [
        Problem(name, 0, "", f"unknown file; known are {', '.join(FILES)}") for name in texts if name not in FILES
    ]
    for table in TABLES:
        if table.file not in texts:
            timetable.unread.add(table.name)
            if table.file not in damaged:
                problems.append(Problem(table.file, 0, "", "missing"))
            continue
        sheet = read_sheet(table, texts[table.file], problems)
        timetable.sheets[table.name] = sheet
        if not sheet.complete:
            timetable.unread.add(table.name)
        if table.name != "timetable":  # where a class may go by two names, see `cloud.roster.lessons`
            problems += duplicates(sheet)
    _check_bells(timetable, problems)
    _check_days(timetable, problems)
    return timetable


def _check_bells(timetable: Timetable, problems: list[Problem]) -> None:
    problems += [
        Problem("bells.csv", line, "ends", f"{row['ends']} does not lie after starts {row['starts']}")
        for line, row in timetable.records("bells")
        if row["starts"] is not None and row["ends"] is not None and row["ends"] <= row["starts"]
    ]


def _check_days(timetable: Timetable, problems: list[Problem]) -> None:
    plans = {row["plan"] for _, row in timetable.records("bells")}
    for line, row in timetable.records("days"):
        kind, plan, any_day = row["kind"], row["plan"], not isinstance(row["date"], date)
        if plan is not None and plan not in plans and "bells" not in timetable.unread:
            problems.append(Problem("days.csv", line, "plan", f"{plan!r} is not in bells.csv"))
        if row["date"] is None or kind is None:
            continue
        if any_day and kind != DayKind.SCHOOL:
            problems.append(Problem("days.csv", line, "kind", "what holds on any day must be 'school'"))
        if any_day and plan is None:
            problems.append(Problem("days.csv", line, "plan", "must not be empty for any day"))
        if kind == DayKind.ADJUSTED and row["as_weekday"] is None:
            problems.append(
                Problem("days.csv", line, "as_weekday", "an adjusted day needs the weekday that it works like")
            )
        if kind != DayKind.ADJUSTED and row["as_weekday"] is not None:
            problems.append(Problem("days.csv", line, "as_weekday", "only an adjusted day works like another weekday"))
