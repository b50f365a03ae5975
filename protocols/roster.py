"""Who learns where and when, as the centre mirrors it to a school's agents: classes, pupils, lessons.

No names of people: pupils and teachers are pseudonymous references, and what a teacher in the room needs to tell
pupils apart is the number in the class and the seat. Lessons come with their moments worked out, so an agent needs no
calendar.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from protocols.identity import Milliseconds
from protocols.records import Reference, ShortText

Place = Annotated[int, Meta(ge=1, le=200)]


class Pupil(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A pupil of a class. `number` is the one in the class (学号); the seat is counted from the teacher's side."""

    person: Reference
    number: Annotated[int, Meta(ge=1, le=999)] | None = None
    row: Place | None = None
    column: Place | None = None
    terminal: Reference | None = None


class SchoolClass(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A class with its pupils in order of their number. `classroom` is its usual room."""

    school_class: Reference
    title: ShortText
    title_en: ShortText = ""
    grade: ShortText = ""
    classroom: Reference | None = None
    teachers: list[Reference] = []
    pupils: list[Pupil] = []


class Lesson(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One lesson of one class on one day. `topic` is the subject taught (语文, 数学)."""

    lesson: Reference
    school_class: Reference
    topic: ShortText
    starts_at_ms: Milliseconds
    ends_at_ms: Milliseconds
    period: Annotated[int, Meta(ge=1, le=30)]
    teacher: Reference | None = None
    classroom: Reference | None = None
    exam: bool = False


class Roster(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="roster"):
    """The classes that an agent serves: a gateway's whole school, a classroom agent's room."""

    classes: list[SchoolClass]


class Timetable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="timetable"):
    """The lessons that an agent serves, in order of their beginning; `from_day` to `to_day` are ISO dates."""

    time_zone: ShortText
    from_day: ShortText
    to_day: ShortText
    lessons: list[Lesson]
