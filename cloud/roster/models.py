"""What a roster says, checked and free of the files' own form. People are still named by the district's sourcedId."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class Term:
    """An academic session of type term, semester or schoolYear."""

    source_id: str
    title: str
    begins_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class SchoolClass:
    """A class. `key` is what everybody else calls it; empty when it has to be made."""

    source_id: str
    key: str
    school: str
    title: str
    title_en: str
    grade: str
    classroom: str | None
    term: str | None
    """sourcedId of the term."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, with the only name that is kept anywhere."""

    source_id: str
    kind: str
    name: str
    birth_date: date | None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Somebody in a class as `pupil` or `teacher`; both by sourcedId."""

    school_class: str
    person: str
    role: str
    begins_on: date | None
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a pupil sits and what he is called by in the room; the terminal that he holds."""

    school_class: str
    person: str
    number: int | None
    row: int | None
    column: int | None
    terminal: str | None


@dataclass(slots=True)
class Content:
    """What a set of files holds. `modes` says for each table whether what is not named left (bulk) or stays (delta)."""

    terms: dict[str, Term] = field(default_factory=dict)
    classes: dict[str, SchoolClass] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    enrolments: dict[tuple[str, str, str], Enrolment] = field(default_factory=dict)
    seats: dict[tuple[str, str], Seat] | None = None
    """None when there is no seats.csv: seats stay as they are."""
    leaving: dict[str, set[str]] = field(default_factory=dict)
    """sourcedIds with status tobedeleted, by table."""
    leaving_enrolments: set[tuple[str, str, str]] = field(default_factory=set)
    modes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What the centre knows before an import: what the files may refer to without holding it."""

    schools: frozenset[str]
    classrooms: dict[str, str]
    """School by classroom."""
    terminals: dict[str, str]
    """School by terminal."""
    terms: frozenset[str]
    classes: dict[str, str]
    """School by sourcedId of the class."""
    class_keys: dict[str, str]
    """sourcedId by key of the class."""
    people: frozenset[str]
