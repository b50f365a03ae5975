"""What the cost of an outage is worked out from, and what it comes to. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cloud.status.models import Thing


@dataclass(frozen=True, slots=True)
class LessonSlot:
    """A lesson of the timetable with what it hangs on: `chain` from the provider down to the room, as far as known.

    `facts` are moments at which the lesson is known to have gone on, because something was recorded in it, sorted;
    `ready` says that the room holds its content, so that the lesson can go on without the line.
    """

    lesson: str
    school: str
    school_class: str
    classroom: str | None
    topic: str
    starts_at: datetime
    ends_at: datetime
    exam: bool
    students: int
    provider: str
    chain: Sequence[Thing]
    facts: Sequence[datetime] = ()
    ready: bool = False


@dataclass(frozen=True, slots=True)
class Loss:
    """What one cause did to one lesson, in seconds of that lesson."""

    slot: LessonSlot
    cause: Thing
    lost_seconds: float = 0.0
    saved_seconds: float = 0.0
    unknown_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Affected:
    """A lesson that a fault stands in the way of at a moment; `saved` when it goes on from the cache."""

    slot: LessonSlot
    cause: Thing
    saved: bool


@dataclass(slots=True)
class Sum:
    """Lesson-seconds of one cause, school or provider; student-seconds weigh a lesson by its class."""

    lost_seconds: float = 0.0
    saved_seconds: float = 0.0
    unknown_seconds: float = 0.0
    student_seconds: float = 0.0
    lessons: set[str] = field(default_factory=set)
    students: dict[str, int] = field(default_factory=dict)

    def add(self, loss: Loss) -> None:
        """Count what happened to one lesson."""
        self.lost_seconds += loss.lost_seconds
        self.saved_seconds += loss.saved_seconds
        self.unknown_seconds += loss.unknown_seconds
        self.student_seconds += loss.lost_seconds * loss.slot.students
        if loss.lost_seconds or loss.saved_seconds:
            self.lessons.add(loss.slot.lesson)
            self.students[loss.slot.school_class] = loss.slot.students


@dataclass(frozen=True, slots=True)
class Blast:
    """How far a fault reaches now and in the lessons that begin within the hour, and what is at risk in both."""

    lessons_now: int = 0
    students_now: int = 0
    exams_now: int = 0
    saved_now: int = 0
    lessons_next: int = 0
    students_next: int = 0
    exams_next: int = 0
    next_at: datetime | None = None
    at_risk_seconds: float = 0.0
