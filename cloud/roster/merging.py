"""Works out what the roster will be, from what it is, an export and the inventory. No database, no clock.

Bulk files replace a table, deltas change it, absent ones leave it. Keys of ours (a person's reference, a class's key)
are made once and kept for as long as the district keeps its own id. What refers to something that will not be there is
a problem of its line; what merely rests on something retired is retired with it.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from cloud.roster.models import Kept, Key, Member, Membership, Person, Places, Row, SchoolClass, State, Term
from cloud.roster.oneroster import TABLE, Export, Mode
from cloud.roster.seating import seat
from cloud.sheets.models import Problem
from protocols.records import REFERENCE_PATTERN

MAX_CLASS_KEY = 50
"""So that a lesson's key, which adds day and period, is still a reference."""

_REFERENCE = re.compile(REFERENCE_PATTERN)
_KINDS = {
    "student": "pupil",
    "teacher": "teacher",
    **dict.fromkeys(
        ("aide", "counselor", "districtAdministrator", "principal", "proctor", "siteAdministrator",
         "systemAdministrator"),
        "staff",
    ),
}  # fmt: skip
"""Guardians, parents and relatives are not kept."""
_MEMBERS = {"student": "pupil", "teacher": "teacher"}


class Merge:
    """One import in the making: `target` is the roster after it, `problems` and `warnings` say what is wrong."""

    def __init__(self, before: State, places: Places, export: Export) -> None:
        self.target = State()
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._before = before
        self._places = places
        self._export = export
        self._not_kept: set[str] = set()

    def run(self) -> None:
        """Fill the target, table by table, each after those it refers to."""
        self._orgs()
        self._terms()
        self._people()
        self._classes()
        self._enrolments()
        seat(self._export, self._before, self.target, self._places, self.problems)

    def _start(self, name: str, before: Kept[Key, Row]) -> dict[Key, Row]:
        """Return the rows in force that the file of a table changes: none when it holds the whole."""
        return {} if self._export.mode(name) is Mode.BULK else dict(before.active)

    def _problem(self, name: str, line: int, column: str, reason: str) -> None:
        self.problems.append(Problem(TABLE[name].file, line, column, reason))

    def _refers(self, name: str, line: int, column: str, value: Any, there: Iterable[Any], table: str) -> bool:
        """Tell whether what a line refers to will be there; if not, that is a problem of this line.

        Unless the file of what it refers to has the problem: could not be read, or holds it in a line that is wrong.
        """
        if value is None or value in there:
            return value is not None
        if table not in self._export.unread and value not in self._export.ids(table):
            where = {
                Mode.BULK: f"is not in {TABLE[table].file}",
                Mode.DELTA: f"is neither in {TABLE[table].file} nor known from an earlier import",
                Mode.ABSENT: "is not known from an earlier import",
            }[self._export.mode(table)]
            self._problem(name, line, column, f"{value!r} {where}")
        return False

    def _orgs(self) -> None:
        orgs = {} if self._export.mode("orgs") is Mode.BULK else dict(self._before.orgs)
        for _, row in self._export.deleted("orgs"):
            orgs.pop(row["sourcedId"], None)
        for line, row in self._export.present("orgs"):
            if row["type"] != "school" or row["sourcedId"] is None:
                continue
            school = row["identifier"]
            if school is None:
                self._problem("orgs", line, "identifier", "must be the school's id in the inventory")
            elif school not in self._places.schools:
                self._problem("orgs", line, "identifier", f"{school!r} is no school of the inventory")
            else:
                orgs[row["sourcedId"]] = school
        self.target.orgs = orgs

    def _terms(self) -> None:
        terms = self._start("academicSessions", self._before.terms)
        for _, row in self._export.deleted("academicSessions"):
            terms.pop(row["sourcedId"], None)
        keys = {term.term for kept in (self._before.terms.active, self._before.terms.retired) for term in kept.values()}
        for _, row in self._export.present("academicSessions"):
            source = row["sourcedId"]
            if None in (source, row["title"], row["startDate"], row["endDate"]):
                continue
            known = self._before.terms.get(source)
            if known is not None:
                key = known.term
            else:
                key = source if _REFERENCE.match(source) and source not in keys else f"t{secrets.token_hex(8)}"
                keys.add(key)
            terms[source] = Term(key, row["title"], row["startDate"], row["endDate"])
        self.target.terms.active = terms

    def _people(self) -> None:
        people = self._start("users", self._before.people)
        for _, row in self._export.deleted("users"):
            people.pop(row["sourcedId"], None)
        users = self._export.present("users")
        kinds = self._kinds({row["sourcedId"] for _, row in users} | people.keys())
        births = {row["userSourcedId"]: row["birthDate"] for _, row in self._export.present("demographics")}
        for line, row in users:
            source = row["sourcedId"]
            if None in (source, row["givenName"], row["familyName"]):
                continue
            known = self._before.people.get(source)
            if source in kinds:
                kind = kinds[source]
            elif known is not None:
                kind = known.kind
            else:
                kind = "staff"
                if "roles" not in self._export.unread:
                    self._problem("users", line, "sourcedId", f"{source!r} has no role in roles.csv")
            if kind is None:
                self._not_kept.add(source)
                people.pop(source, None)
                continue
            people[source] = Person(
                known.person if known is not None else f"p{secrets.token_hex(10)}",
                kind,
                _name(row["givenName"], row["familyName"]),
                known.birth_date if known is not None else None,
            )
        for source in kinds.keys() & people.keys():
            people[source] = people[source]._replace(kind=kinds[source] or people[source].kind)
        whole = self._export.mode("demographics") is Mode.BULK
        for line, row in self._export.present("demographics"):
            source = row["userSourcedId"]
            if source not in self._not_kept:
                self._refers("demographics", line, "userSourcedId", source, people, "users")
        gone = {row["userSourcedId"] for _, row in self._export.deleted("demographics")}
        for source, person in people.items():
            if whole or source in births or source in gone:
                people[source] = person._replace(birth_date=births.get(source))
        self.target.people.active = people

    def _kinds(self, users: set[Any]) -> dict[str, str | None]:
        """Return what each user is by roles.csv: the primary role counts, else the first; None is not kept."""
        found: dict[str, tuple[bool, str | None]] = {}
        for line, row in self._export.present("roles"):
            user, org = row["userSourcedId"], row["orgSourcedId"]
            if self._refers("roles", line, "userSourcedId", user, users, "users") and row["role"] is not None:
                primary = row["roleType"] == "primary"
                if user not in found or (primary and not found[user][0]):
                    found[user] = (primary, _KINDS.get(row["role"]))
            if self._export.mode("orgs") is Mode.BULK:
                self._refers("roles", line, "orgSourcedId", org, self._export.ids("orgs"), "orgs")
        return {user: kind for user, (_, kind) in found.items()}

    def _classes(self) -> None:
        classes = self._start("classes", self._before.classes)
        for _, row in self._export.deleted("classes"):
            classes.pop(row["sourcedId"], None)
        rows = self._export.present("classes")
        codes = Counter(row["classCode"] for _, row in rows)
        before = self._before.classes
        taken = {one.school_class: source for kept in (before.active, before.retired) for source, one in kept.items()}
        courses = {row["sourcedId"]: row["grades"] for _, row in self._export.present("courses")}
        for line, row in rows:
            source, code = row["sourcedId"], row["classCode"]
            found = self._refers("classes", line, "schoolSourcedId", row["schoolSourcedId"], self.target.orgs, "orgs")
            if self._export.mode("courses") is Mode.BULK:
                self._refers("classes", line, "courseSourcedId", row["courseSourcedId"], courses, "courses")
            term = self._term_of(line, row["termSourcedIds"])
            if not found or None in (source, row["title"]):
                continue
            school = self.target.orgs[row["schoolSourcedId"]]
            known = before.get(source)
            if known is not None:
                key = known.school_class
            else:
                fits = _REFERENCE.match(code) is not None and len(code) <= MAX_CLASS_KEY
                key = code if fits and codes[code] == 1 and code not in taken else _class_key(school)
                taken[key] = source
            grades = row["grades"] or courses.get(row["courseSourcedId"]) or ""
            classes[source] = SchoolClass(
                key,
                school,
                row["title"],
                row["metadata.titleEn"],
                grades.partition(",")[0].strip(),
                self._classroom_of(line, school, row["location"]),
                term,
            )
        terms = {None, *(term.term for term in self.target.terms.active.values())}
        self.target.classes.active = {
            source: one if one.term in terms else one._replace(term=None) for source, one in classes.items()
        }

    def _term_of(self, line: int, sources: str | None) -> str | None:
        """Return the key of the first of a class's terms; every one of them must exist."""
        listed = [source.strip() for source in (sources or "").split(",") if source.strip()]
        terms = self.target.terms.active
        found = [
            terms[source].term
            for source in listed
            if self._refers("classes", line, "termSourcedIds", source, terms, "academicSessions")
        ]
        return found[0] if found else None

    def _classroom_of(self, line: int, school: str, location: str | None) -> str | None:
        if not location:
            return None
        classroom = self._places.classroom_names.get((school, location), location)
        if self._places.classrooms.get(classroom) == school:
            return classroom
        reason = f"{location!r} is no classroom of {school!r}; the class has none"
        self.warnings.append(Problem(TABLE["classes"].file, line, "location", reason))
        return None

    def _enrolments(self) -> None:
        classes, people = self.target.classes.active, self.target.people.active
        there = {one.school_class for one in classes.values()}
        persons = {one.person for one in people.values()}
        # What rests on a class or person that leaves, leaves with it.
        enrolments = {
            member: row
            for member, row in self._start("enrollments", self._before.enrolments).items()
            if member.school_class in there and member.person in persons
        }
        for _, row in self._export.deleted("enrollments"):
            member = self._member(row)
            if member is not None:
                enrolments.pop(member, None)
        lines: dict[Member, int] = {}
        for line, row in self._export.present("enrollments"):
            if not self._judge(line, row) or row["role"] not in _MEMBERS:
                continue
            member = self._member(row)
            assert member is not None
            if lines.setdefault(member, line) != line:
                reason = f"{row['userSourcedId']!r} is in this class already by line {lines[member]}"
                self._problem("enrollments", line, "userSourcedId", reason)
            known = self._before.enrolments.get(member) or Membership(None, None, None, None, None)
            enrolments[member] = known._replace(begins_on=row["beginDate"], ends_on=row["endDate"])
        self.target.enrolments.active = enrolments

    def _judge(self, line: int, row: Mapping[str, Any]) -> bool:
        """Tell whether all that an enrolment refers to will be there, and fits together."""
        name, target = "enrollments", self.target
        user, source, org = row["userSourcedId"], row["classSourcedId"], row["schoolSourcedId"]
        org_found = self._refers(name, line, "schoolSourcedId", org, target.orgs, "orgs")
        class_found = self._refers(name, line, "classSourcedId", source, target.classes.active, "classes")
        if org_found and class_found and target.orgs[org] != target.classes.active[source].school:
            school = target.classes.active[source].school
            self._problem(
                name, line, "schoolSourcedId", f"{org!r} is not the school of {source!r}, which is {school!r}"
            )
        if user in self._not_kept:
            self._problem(name, line, "userSourcedId", f"{user!r} is neither pupil nor teacher nor staff by roles.csv")
            return False
        return self._refers(name, line, "userSourcedId", user, target.people.active, "users") and class_found

    def _member(self, row: Mapping[str, Any]) -> Member | None:
        """Return the key of an enrolment; None when it names what neither was nor will be there."""
        one = self.target.classes.active.get(row["classSourcedId"]) or self._before.classes.get(row["classSourcedId"])
        person = self.target.people.active.get(row["userSourcedId"]) or self._before.people.get(row["userSourcedId"])
        if one is None or person is None or row["role"] not in _MEMBERS:
            return None
        return Member(one.school_class, person.person, _MEMBERS[row["role"]])


def _class_key(school: str) -> str:
    return f"{school[: MAX_CLASS_KEY - 9]}-{secrets.token_hex(4)}"


def _name(given: str, family: str) -> str:
    """Return a name as it is written: Chinese without a space and family name first, others given name first."""
    return f"{given} {family}" if (given + family).isascii() else f"{family}{given}"
