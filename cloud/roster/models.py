"""What an import of roster or timetable works with: the rows as they are kept, and what it came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Generic, NamedTuple, TypeVar

from cloud.sheets.models import Problem, TableChanges

RETIRED_RATIO = 0.2
"""An import that would retire a larger share of a table must be asked for by name."""


class Person(NamedTuple):
    """A row of `people`, whose key at the district is its `source_id`."""

    person: str
    kind: str
    name: str
    birth_date: date | None


class Term(NamedTuple):
    """A row of `terms`."""

    term: str
    title: str
    begins_on: date
    ends_on: date


class SchoolClass(NamedTuple):
    """A row of `classes`."""

    school_class: str
    school: str
    title: str
    title_en: str
    grade: str
    classroom: str | None
    term: str | None


class Member(NamedTuple):
    """The key of a row of `enrolments`."""

    school_class: str
    person: str
    role: str


class Membership(NamedTuple):
    """The rest of a row of `enrolments`."""

    number: int | None
    seat_row: int | None
    seat_column: int | None
    begins_on: date | None
    ends_on: date | None


class Holder(NamedTuple):
    """A row of `terminal_holders` but for its key, the terminal."""

    person: str


Key = TypeVar("Key")
Row = TypeVar("Row")


@dataclass(slots=True)
class Kept(Generic[Key, Row]):
    """A table as it is or is to be: rows in force by key, and those that have been retired."""

    active: dict[Key, Row] = field(default_factory=dict)
    retired: dict[Key, Row] = field(default_factory=dict)

    def get(self, key: Key) -> Row | None:
        """Return a row, in force or retired."""
        return self.active.get(key) or self.retired.get(key)


@dataclass(slots=True)
class State:
    """The roster: people, terms and classes by the district's own ids, enrolments and holders by ours."""

    orgs: dict[str, str] = field(default_factory=dict)
    """The school that each org of the district's files is."""
    people: Kept[str, Person] = field(default_factory=Kept)
    terms: Kept[str, Term] = field(default_factory=Kept)
    classes: Kept[str, SchoolClass] = field(default_factory=Kept)
    enrolments: Kept[Member, Membership] = field(default_factory=Kept)
    holders: Kept[str, Holder] = field(default_factory=Kept)


@dataclass(frozen=True, slots=True)
class Places:
    """What the inventory knows, as far as a roster refers to it."""

    schools: frozenset[str]
    classrooms: dict[str, str]
    """School of each classroom."""
    classroom_names: dict[tuple[str, str], str]
    """The classroom of each name that is unique within its school, by school and name."""
    terminals: dict[str, str]
    """School of each terminal."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The outcome of one import; with `dry_run` nothing of it was kept."""

    source: str
    dry_run: bool
    changes: dict[str, TableChanges]
    guarded: tuple[str, ...]
    """Tables of which everything that is missing is retired, so that a large loss must be asked for."""
    warnings: list[Problem] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    """Files of which nothing is kept."""

    @property
    def total(self) -> TableChanges:
        """The sum over all tables."""
        return TableChanges.sum(self.changes.values())

    @property
    def shrinking(self) -> list[str]:
        """Names of the tables that would lose a large share of their rows."""
        return [name for name in self.changes if name in self.guarded and self.changes[name].loses(RETIRED_RATIO)]
