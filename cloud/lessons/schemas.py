"""How lessons in the way of faults look on the API. Minutes are lesson-minutes: one lesson for one minute."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from cloud.http.schemas import Document, Moment
from cloud.status.models import StatusKind


class Grouping(StrEnum):
    """What lesson-minutes are added up by."""

    CAUSE = "cause"
    SCHOOL = "school"
    PROVIDER = "provider"


class AffectedLesson(Document):
    """A lesson in session that a fault stands in the way of."""

    lesson: str = Field(examples=["s07-g3c1.20261127.p3"])
    """Its key."""
    school: str = Field(examples=["s07"])
    """Id of its school."""
    school_class: str = Field(examples=["s07-g3c1"])
    """Its class."""
    classroom: str | None = Field(examples=["s07-c03"])
    """Its room; null when the timetable names none."""
    topic: str = Field(examples=["数学"])
    """What is taught."""
    ends_at: Moment
    """When it ends by the timetable."""
    exam: bool
    """Whether it is an exam."""
    students: int = Field(examples=[45])
    """Pupils of the class."""
    cause_kind: StatusKind
    """Kind of the thing at fault."""
    cause: str = Field(examples=["s07-wan"])
    """Key of the thing at fault."""
    saved: bool
    """Whether it goes on from the cache in the room."""


class LessonsAffected(Document):
    """What the faults of this moment mean for lessons."""

    at: Moment
    """The cloud's clock when this was worked out."""
    in_session: int = Field(examples=[612])
    """Lessons in session by the timetable."""
    affected: int = Field(examples=[6])
    """Of these, lessons that a fault stands in the way of, saved or not."""
    saved: int = Field(examples=[6])
    """Of the affected, those that go on from the cache."""
    students_affected: int = Field(examples=[270])
    """Pupils of the affected lessons."""
    exams_affected: int = 0
    """Exams among them."""
    next_at: Moment | None = None
    """When the next affected lesson begins, were the faults to last; null when none does within the hour."""
    next_affected: int = 0
    """Lessons of the coming hour, the next of each class, that would be affected."""
    items: list[AffectedLesson]
    """The affected lessons."""


class LessonImpact(Document):
    """Lesson-minutes of one cause, school or provider."""

    key: str = Field(examples=["link s07-wan"])
    """Kind and key of the cause, id of the school, or name of the provider."""
    lessons: int = Field(examples=[12])
    """Lessons that were lost or saved in part."""
    students: int = Field(examples=[270])
    """Pupils of their classes, each class once."""
    lost_minutes: float = Field(examples=[38.5])
    """Lesson-minutes that did not take place as planned."""
    saved_minutes: float = Field(examples=[120.0])
    """Lesson-minutes that went on from the cache."""
    unknown_minutes: float = 0.0
    """Lesson-minutes of which nothing is known."""
    student_minutes: float = Field(examples=[1732.5])
    """Lost minutes times pupils."""


class ImpactReport(Document):
    """Lesson-minutes of a span of time."""

    since: Moment
    """Begin of the span."""
    until: Moment
    """End of the span, not included."""
    by: Grouping
    """What is added up by."""
    items: list[LessonImpact]
    """Most lost first."""
