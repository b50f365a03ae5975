"""A school's day, the check before the bell and the principal's page, as the API shows them."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import Field

from cloud.http.schemas import Document, Moment
from cloud.schooldays.models import What
from cloud.status.models import StatusKind, StatusWord


class Period(Document):
    """One period of a school's day."""

    period: int = Field(examples=[3])
    """Its number."""
    starts_at: Moment
    """When it begins."""
    ends_at: Moment
    """When it ends."""
    lessons: int = Field(examples=[18])
    """Lessons in it."""
    exams: int
    """Of them exams."""


class DaySpan(Document):
    """When the line or the gateway was not up."""

    kind: StatusKind
    """`link` or `gateway`."""
    key: str = Field(examples=["s07-wan"])
    """Its key."""
    status: StatusWord
    """What it was."""
    since: Moment
    """From when, by the log; may lie before the day."""
    until: Moment | None
    """Until when; null while it still is."""
    reason: str = Field(examples=["centre_probe_dead"])
    """Code of the rule that decided."""


class SchoolDay(Document):
    """A school's day: its periods, and when its line or gateway was not up."""

    school: str = Field(examples=["s07"])
    """School id."""
    day: date
    """The day, in the district's time zone."""
    starts_at: Moment
    """Its midnight."""
    ends_at: Moment
    """The midnight after it."""
    periods: list[Period]
    """In order of time; empty on a day without lessons."""
    spans: list[DaySpan]
    """In order of time."""


class CheckFault(Document):
    """One reason why a classroom or school is not ready."""

    what: What
    """What is at fault."""
    number: int | None = None
    """Terminals it is about; null where it is about none."""
    thing: str | None = Field(default=None, examples=["s07-wan"])
    """The thing to look at; null when it is the classroom itself."""


class RoomCheck(Document):
    """One classroom before the bell."""

    classroom: str = Field(examples=["s07-c03"])
    """Classroom id."""
    name: str = Field(examples=["三年级二班"])
    """Its name."""
    name_en: str = Field(examples=["Year 3 Class 2"])
    """Its English name; empty when there is none."""
    ready: bool
    """Green: nothing stands in the way of a lesson."""
    faults: list[CheckFault]
    """Why not, now; the widest first."""
    at_check: StatusWord | None = None
    """What its status was when the check was due today; null before that, and when nobody had judged it."""
    first_lesson_at: Moment | None = None
    """When its first lesson of today begins; null when it has none."""


class SchoolCheck(Document):
    """One school before the bell."""

    school: str = Field(examples=["s07"])
    """School id."""
    name: str = Field(examples=["第七小学"])
    """Its name."""
    name_en: str = Field(examples=["Primary School No. 7"])
    """Its English name; empty when there is none."""
    faults: list[CheckFault]
    """What is at fault for the whole school, or beside its rooms: its line, its gateway, silent devices."""
    rooms: list[RoomCheck]
    """Its classrooms, in the inventory's order."""


class CheckReport(Document):
    """Every classroom green or amber, as it stands now."""

    at: Moment
    """When this was read."""
    check_at: Moment
    """When the check is due today (`[lessons] check_at`)."""
    green: int = Field(examples=[651])
    """Classrooms that are ready."""
    amber: int = Field(examples=[3])
    """Classrooms that are not."""
    schools: list[SchoolCheck]
    """In district order."""


class PrincipalState(StrEnum):
    """How a school stands, in one word for people who run schools, not networks."""

    WELL = "well"
    SLOW = "slow"
    PARTLY = "partly"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


class AffectedLesson(Document):
    """A lesson that the fault reaches."""

    title: str = Field(examples=["三年级一班"])
    """Its class."""
    title_en: str = Field(examples=["Year 3 Class 1"])
    """The class's English title; empty when there is none."""
    topic: str = Field(examples=["数学"])
    """What is taught."""
    room: str | None = Field(default=None, examples=["三年级二班"])
    """Its classroom's name; null when it has none."""
    room_en: str | None = None
    """The classroom's English name; null likewise."""
    starts_at: Moment
    """When it begins."""
    ends_at: Moment
    """When it ends."""
    exam: bool
    """Whether it is an exam."""


class PrincipalPage(Document):
    """How a school stands, for its principal."""

    school: str = Field(examples=["s07"])
    """School id."""
    name: str = Field(examples=["第七小学"])
    """Its name."""
    name_en: str = Field(examples=["Primary School No. 7"])
    """Its English name; empty when there is none."""
    at: Moment
    """When this was read."""
    state: PrincipalState
    """How it stands."""
    since: Moment | None = None
    """Since when, where one thing explains it; null otherwise."""
    classrooms: int = Field(examples=[18])
    """Classrooms."""
    classrooms_affected: int = Field(examples=[0])
    """Of them without a working network now."""
    lessons_now: int = Field(examples=[12])
    """Lessons that are running."""
    affected_now: list[AffectedLesson]
    """Of them those that the fault reaches."""
    next_affected: AffectedLesson | None = None
    """The first lesson still to come today that it would reach, if nothing changes; null when none."""
    lessons_left: int
    """Lessons still to come today."""
