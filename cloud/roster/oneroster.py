"""Reads OneRoster 1.2 CSV (rostering) into `Content`, or says everything that is wrong, by file, line and column.

Read: manifest, academicSessions, orgs, classes, users, roles, enrollments, demographics (the birth date alone), and a
file of our own, `seats.csv` (classSourcedId, userSourcedId, number, row, column, terminal), for what OneRoster has no
word for. Other files and columns of the standard are passed over; nothing else of a person is kept. An org of type
`school` is one of ours by its `identifier`; a class is called by its `classCode` where that can serve as a key.

Source: 1EdTech OneRoster 1.2 CSV Binding, §§2-4.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from cloud.inventory.models import Problem
from cloud.roster.models import Content, Enrolment, Known, Person, SchoolClass, Seat, Term
from cloud.roster.tabular import Files, RosterProblems, Row, day, whole
from protocols.records import REFERENCE_PATTERN

_KEY = re.compile(REFERENCE_PATTERN)
_MODES = ("bulk", "delta", "absent")
_SESSIONS = ("term", "semester", "schoolYear", "gradingPeriod")
_ROLES = {
    "student": "pupil",
    "teacher": "teacher",
    "aide": "teacher",
    "proctor": "teacher",
}
_USER_KINDS = {"student": "pupil", "teacher": "teacher"}
_PASSED_OVER = frozenset({"parent", "guardian", "relative", "counselor"})


class _File(NamedTuple):
    name: str
    property: str
    table: str
    needed: tuple[str, ...]


_FILES = (
    _File(
        "academicSessions.csv", "file.academicSessions", "terms",
        ("sourcedId", "title", "type", "startDate", "endDate"),
    ),
    _File("orgs.csv", "file.orgs", "", ("sourcedId", "type", "identifier")),
    _File("classes.csv", "file.classes", "classes", ("sourcedId", "title", "schoolSourcedId")),
    _File("users.csv", "file.users", "people", ("sourcedId", "familyName", "givenName")),
    _File("roles.csv", "file.roles", "", ("userSourcedId", "role")),
    _File(
        "enrollments.csv", "file.enrollments", "enrolments",
        ("sourcedId", "classSourcedId", "userSourcedId", "role"),
    ),
    _File("demographics.csv", "file.demographics", "", ("sourcedId", "birthDate")),
)  # fmt: skip
_SEATS = ("classSourcedId", "userSourcedId", "number", "row", "column", "terminal")


def read(files: Files, known: Known) -> Content:
    """Return what the files hold.

    Raises:
        RosterProblems: holding every problem, in the order of files and lines.
    """
    reading = _Reading(files, known)
    content = reading.run()
    if reading.problems:
        order = {file.name: index for index, file in enumerate(_FILES)}
        raise RosterProblems(
            str(files.source), sorted(reading.problems, key=lambda one: (order.get(one.file, 99), one.file, one.line))
        )
    return content


class _Reading:
    """One reading; problems add up."""

    def __init__(self, files: Files, known: Known) -> None:
        self.problems: list[Problem] = []
        self._files = files
        self._known = known
        self._content = Content()
        self._schools: dict[str, str] = {}
        self._unread: set[str] = set()

    def run(self) -> Content:
        self._manifest()
        rows = {file.name: self._rows(file) for file in _FILES}
        self._orgs(rows["orgs.csv"])
        self._terms(rows["academicSessions.csv"])
        self._classes(rows["classes.csv"])
        self._people(rows["users.csv"], rows["roles.csv"], rows["demographics.csv"], rows["enrollments.csv"])
        self._enrolments(rows["enrollments.csv"])
        if "seats.csv" in self._files:
            self._seats(self._files.rows("seats.csv", _SEATS, self.problems))
        return self._content

    # ----------------------------------------------------------------------------------------------------- the files

    def _manifest(self) -> None:
        stated: dict[str, str] = {}
        if "manifest.csv" in self._files:
            for row in self._files.rows("manifest.csv", ("propertyName", "value"), self.problems):
                stated[row["propertyName"]] = row["value"]
                if row["propertyName"].startswith("file.") and row["value"] not in _MODES:
                    self._problem(row, "value", f"{row['value']!r} is not one of {', '.join(_MODES)}")
                if row["propertyName"] == "oneroster.version" and row["value"] not in ("1.1", "1.2"):
                    self._problem(row, "value", f"version {row['value']!r} is not read; 1.2 is")
        else:
            self.problems.append(
                Problem("manifest.csv", 0, "", "missing; it says which files are bulk and which delta")
            )
        for file in _FILES:
            mode = stated.get(file.property, "absent")
            if file.table:
                self._content.modes[file.table] = mode
            if mode != "absent" and file.name not in self._files:
                self.problems.append(Problem(file.name, 0, "", f"missing, but the manifest says {mode}"))

    def _rows(self, file: _File) -> list[Row]:
        if file.name not in self._files:
            return []
        before = len(self.problems)
        rows = self._files.rows(file.name, file.needed, self.problems)
        if not rows and len(self.problems) > before:
            self._unread.add(file.name)
        kept, seen = [], dict[str, int]()
        for row in rows:
            status = row["status"]
            if status not in ("", "active", "tobedeleted"):
                self._problem(row, "status", f"{status!r} is not one of active, tobedeleted")
            if "sourcedId" in file.needed:
                source_id = row["sourcedId"]
                if not source_id:
                    self._problem(row, "sourcedId", "must not be empty")
                elif source_id in seen:
                    self._problem(row, "sourcedId", f"{source_id!r} stands already in line {seen[source_id]}")
                seen.setdefault(source_id, row.line)
            if status == "tobedeleted" and file.table and file.table != "enrolments":
                self._content.leaving.setdefault(file.table, set()).add(row["sourcedId"])
            else:
                kept.append(row)
        return kept

    # ---------------------------------------------------------------------------------------------------- the tables

    def _orgs(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if row["type"] != "school":
                continue
            key = row["identifier"]
            if key not in self._known.schools:
                self._problem(row, "identifier", f"{key!r} is no school of the inventory")
            # One that is not known is one problem, not one more for everything that belongs to it.
            self._schools[row["sourcedId"]] = key if key in self._known.schools else ""

    def _terms(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if row["type"] not in _SESSIONS:
                self._problem(row, "type", f"{row['type']!r} is not one of {', '.join(_SESSIONS)}")
            begins = day(row, "startDate", self.problems, needed=True)
            ends = day(row, "endDate", self.problems, needed=True)
            if begins is not None and ends is not None:
                if ends < begins:
                    self._problem(row, "endDate", f"{ends} is before startDate {begins}")
                self._content.terms[row["sourcedId"]] = Term(row["sourcedId"], row["title"], begins, ends)

    def _classes(self, rows: Sequence[Row]) -> None:
        taken = dict(self._known.class_keys)
        for row in rows:
            source_id = row["sourcedId"]
            school = self._schools.get(row["schoolSourcedId"])
            if school is None and "orgs.csv" not in self._unread:
                self._problem(row, "schoolSourcedId", f"{row['schoolSourcedId']!r} is no school in orgs.csv")
            key = row["classCode"] if _KEY.fullmatch(row["classCode"]) else ""
            if key and taken.setdefault(key, source_id) != source_id:
                self._problem(row, "classCode", f"{key!r} is another class's already")
            room = row["location"] or None
            if room is not None and self._known.classrooms.get(room) != school:
                # A district's free text ("二楼东") is no room of ours; only one of another school is a mistake.
                if school and room in self._known.classrooms:
                    self._problem(row, "location", f"classroom {room!r} belongs to {self._known.classrooms[room]!r}")
                room = None
            term = next(iter(row["termSourcedIds"].split(",")), "").strip() or None
            if term is not None and term not in self._content.terms and term not in self._known.terms:
                self._problem(row, "termSourcedIds", f"{term!r} is not in academicSessions.csv")
            if not row["title"]:
                self._problem(row, "title", "must not be empty")
            self._content.classes[source_id] = SchoolClass(
                source_id, key, school or "", row["title"], row["metadata.titleEn"],
                row["grades"].split(",")[0].strip(), room, term,
            )  # fmt: skip

    def _people(
        self, users: Sequence[Row], roles: Sequence[Row], demographics: Sequence[Row], enrolments: Sequence[Row]
    ) -> None:
        kinds: dict[str, str] = {row["userSourcedId"]: "teacher" for row in enrolments if row["role"] != "student"}
        kinds |= {row["userSourcedId"]: "pupil" for row in enrolments if row["role"] == "student"}
        kinds |= {row["userSourcedId"]: _USER_KINDS.get(row["role"], "staff") for row in roles}
        births = {row["sourcedId"]: day(row, "birthDate", self.problems) for row in demographics}
        for row in users:
            source_id = row["sourcedId"]
            # 1.1 has the role in users.csv itself.
            kind = _USER_KINDS.get(row["role"]) or kinds.get(source_id, "staff")
            name = f"{row['familyName']}{row['givenName']}" or row["username"]
            if not name:
                self._problem(row, "familyName", "a user needs a name")
            self._content.people[source_id] = Person(source_id, kind, name, births.get(source_id))
        listed = self._content.people.keys() | self._known.people
        for row in (*roles, *demographics):
            column = "userSourcedId" if row.file == "roles.csv" else "sourcedId"
            if row[column] not in listed and "users.csv" not in self._unread:
                self._problem(row, column, f"{row[column]!r} is not in users.csv")

    def _enrolments(self, rows: Sequence[Row]) -> None:
        classes = self._content.classes.keys() | self._known.classes.keys()
        people = self._content.people.keys() | self._known.people
        for row in rows:
            if row["role"] in _PASSED_OVER:
                continue
            role = _ROLES.get(row["role"])
            if role is None:
                self._problem(row, "role", f"{row['role']!r} is not one of {', '.join(_ROLES)}")
            if row["classSourcedId"] not in classes and "classes.csv" not in self._unread:
                self._problem(row, "classSourcedId", f"{row['classSourcedId']!r} is not in classes.csv")
            if row["userSourcedId"] not in people and "users.csv" not in self._unread:
                self._problem(row, "userSourcedId", f"{row['userSourcedId']!r} is not in users.csv")
            begins, ends = day(row, "beginDate", self.problems), day(row, "endDate", self.problems)
            if begins is not None and ends is not None and ends < begins:
                self._problem(row, "endDate", f"{ends} is before beginDate {begins}")
            key = (row["classSourcedId"], row["userSourcedId"], role or "")
            if row["status"] == "tobedeleted":
                self._content.leaving_enrolments.add(key)
            else:
                self._content.enrolments[key] = Enrolment(*key, begins, ends)

    def _seats(self, rows: Sequence[Row]) -> None:
        school_of = self._known.classes | {key: one.school for key, one in self._content.classes.items()}
        people = self._content.people.keys() | self._known.people
        holders: dict[str, int] = {}
        seats = self._content.seats = {}
        for row in rows:
            school_class, person, terminal = row["classSourcedId"], row["userSourcedId"], row["terminal"] or None
            if school_class not in school_of:
                self._problem(row, "classSourcedId", f"{school_class!r} is no class")
            if person not in people:
                self._problem(row, "userSourcedId", f"{person!r} is nobody")
            if terminal is not None:
                if self._known.terminals.get(terminal) is None:
                    self._problem(row, "terminal", f"{terminal!r} is no terminal of the inventory")
                elif school_of.get(school_class) not in (None, "", self._known.terminals[terminal]):
                    self._problem(row, "terminal", f"{terminal!r} belongs to {self._known.terminals[terminal]!r}")
                if holders.setdefault(terminal, row.line) != row.line:
                    self._problem(row, "terminal", f"{terminal!r} has a holder already in line {holders[terminal]}")
            seats[(school_class, person)] = Seat(
                school_class, person,
                whole(row, "number", 1, 999, self.problems), whole(row, "row", 1, 200, self.problems),
                whole(row, "column", 1, 200, self.problems), terminal,
            )  # fmt: skip

    def _problem(self, row: Row, column: str, reason: str) -> None:
        self.problems.append(row.problem(column, reason))
