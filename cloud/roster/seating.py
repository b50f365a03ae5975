"""Numbers, seats and terminals of pupils, from our own `seats.csv` beside an export.

The file is the whole truth for every class that it names, and says nothing of the others: so one school can send its
seats alone.
"""

from __future__ import annotations

from typing import Any

from cloud.roster.models import Holder, Member, Places, State
from cloud.roster.oneroster import SEATS, Export
from cloud.sheets.models import Problem

_FILE = "seats.csv"

_Claims = dict[tuple[Any, ...], tuple[int, str]]
"""By what is claimed: the line that did so first, and for whom."""


def seat(
    export: Export,
    before: State,
    target: State,
    places: Places,
    problems: list[Problem],
) -> None:
    """Put numbers, seats and holders into `target`, whose enrolments are complete.

    A holder who leaves loses the terminal; one whose class the file does not name keeps it.
    """
    rows = export.present(SEATS)
    enrolments = target.enrolments.active
    named = {target.classes.active[row["classSourcedId"]].school_class for _, row in rows if _known(row, target)}
    pupils = [member for member in enrolments if member.school_class in named and member.role == "pupil"]
    for pupil in pupils:
        enrolments[pupil] = enrolments[pupil]._replace(number=None, seat_row=None, seat_column=None)
    of_named = {pupil.person for pupil in pupils}
    people = {one.person for one in target.people.active.values()}
    holders = {
        terminal: holder
        for terminal, holder in before.holders.active.items()
        if holder.person in people and holder.person not in of_named
    }
    claims: _Claims = {}
    for line, row in rows:
        member = _member(line, row, export, target, problems)
        if member is None:
            continue
        _claim(claims, line, row, member, problems)
        enrolments[member] = enrolments[member]._replace(
            number=row["number"], seat_row=row["row"], seat_column=row["column"]
        )
        if row["terminal"] is not None and _fits(line, row, target, places, problems):
            holders[row["terminal"]] = Holder(member.person)
    target.holders.active = holders


def _known(row: dict[str, Any], target: State) -> bool:
    return row["classSourcedId"] in target.classes.active


def _member(line: int, row: dict[str, Any], export: Export, target: State, problems: list[Problem]) -> Member | None:
    """Return whose seat a line gives; what it names and the export has in a wrong line is that line's problem."""
    source, user = row["classSourcedId"], row["userSourcedId"]
    if source is None or user is None:
        return None
    if not _known(row, target):
        if source not in export.ids("classes"):
            problems.append(Problem(_FILE, line, "classSourcedId", f"{source!r} is no class of the roster"))
        return None
    person = target.people.active.get(user)
    member = person and Member(target.classes.active[source].school_class, person.person, "pupil")
    if person is None and user in export.ids("users"):
        return None
    if member is None or member not in target.enrolments.active:
        problems.append(Problem(_FILE, line, "userSourcedId", f"{user!r} is no pupil of {source!r}"))
        return None
    return member


def _fits(line: int, row: dict[str, Any], target: State, places: Places, problems: list[Problem]) -> bool:
    terminal, school = row["terminal"], target.classes.active[row["classSourcedId"]].school
    if terminal not in places.terminals:
        problems.append(Problem(_FILE, line, "terminal", f"{terminal!r} is no terminal of the inventory"))
    elif places.terminals[terminal] != school:
        reason = f"{terminal!r} belongs to {places.terminals[terminal]!r}, the class to {school!r}"
        problems.append(Problem(_FILE, line, "terminal", reason))
    else:
        return True
    return False


def _claim(claims: _Claims, line: int, row: dict[str, Any], member: Member, problems: list[Problem]) -> None:
    """Report a number, seat or terminal that another line gave to another pupil."""
    wanted: list[tuple[str, Any, tuple[Any, ...]]] = [
        ("number", row["number"], (member.school_class, row["number"])),
        ("terminal", row["terminal"], ("", row["terminal"])),
    ]
    if row["row"] is not None and row["column"] is not None:
        wanted.append(("row", f"{row['row']}/{row['column']}", (member.school_class, row["row"], row["column"])))
    for column, value, claim in wanted:
        if value is None:
            continue
        first, person = claims.setdefault(claim, (line, member.person))
        if person != member.person:
            problems.append(Problem(_FILE, line, column, f"{value!r} is given already in line {first}"))
