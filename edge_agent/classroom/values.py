"""What happens in a class, as facts that the live state is folded from, in memory and after a restart alike.

Nothing here is told to the centre: records are (`protocols.records`). These are what the records become on the board,
with what a record has no field for, such as a question's options.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from protocols.identity import Milliseconds
from protocols.records import Attended, RecordId, Reference, ShortText, Text

LETTERS = "ABCDEF"
"""What the options of a question are called, in their order."""
MAX_OPTIONS = len(LETTERS)
LONGEST_LEASE_SECONDS = 7200
LONGEST_LESSON_SECONDS = 4 * 3600

Letter = Annotated[str, Meta(pattern="^[A-F]$", description="Which option, by its letter")]
Prompt = Annotated[str, Meta(max_length=500, description="What is asked; may be empty where it is said aloud")]
OptionText = Annotated[str, Meta(max_length=120, description="What an option says; may be empty")]
Options = Annotated[list[OptionText], Meta(min_length=2, max_length=MAX_OPTIONS, description="A, B, … in this order")]
LeaseId = Annotated[str, Meta(pattern="^[0-9a-f]{16}$", description="Names one lease, through its renewals")]


class LeaseKind(StrEnum):
    """What a lease does: `lock` closes the terminals, `attention` asks pupils to look up."""

    LOCK = "lock"
    ATTENTION = "attention"


class Fact(Struct, frozen=True, kw_only=True, tag_field="fact", omit_defaults=True):
    """Something that happened in a class."""

    school_class: Reference


class LessonOpened(Fact, frozen=True, kw_only=True, tag="lesson_opened"):
    """The teacher opened a lesson that is in no timetable."""

    lesson: Reference
    topic: ShortText
    starts_at_ms: Milliseconds
    ends_at_ms: Milliseconds


class LessonClosed(Fact, frozen=True, kw_only=True, tag="lesson_closed"):
    """The teacher ended such a lesson."""

    lesson: Reference


class QuestionOpened(Fact, frozen=True, kw_only=True, tag="question_opened"):
    """A question was put to the class; the same one again in the same lesson takes answers again."""

    question: Reference
    lesson: Reference | None
    prompt: Prompt
    options: Options
    opened_at_ms: Milliseconds
    correct: Letter | None = None


class QuestionClosed(Fact, frozen=True, kw_only=True, tag="question_closed"):
    """Answers that come later still count, and are marked late."""

    question: Reference
    closed_at_ms: Milliseconds


class Answered(Fact, frozen=True, kw_only=True, tag="answered"):
    """One attempt of one pupil, durable in the spool."""

    question: Reference
    lesson: Reference | None
    record_id: RecordId
    person: Reference
    response: Text
    attempt: int
    observed_at_ms: Milliseconds
    accepted_at_ms: Milliseconds
    correct: bool | None = None


class AttendanceTaken(Fact, frozen=True, kw_only=True, tag="attendance"):
    """Somebody said whether a pupil is there; the newest observation counts."""

    lesson: Reference | None
    person: Reference
    state: Attended
    observed_at_ms: Milliseconds


class LeaseHeld(Fact, frozen=True, kw_only=True, tag="lease_held"):
    """A lease was granted or renewed. It ends at `until_monotonic_ms` of `boot`, or at `ends_at_ms` after a reboot."""

    lease: LeaseId
    kind: LeaseKind
    lesson: Reference | None
    granted_at_ms: Milliseconds
    ends_at_ms: Milliseconds
    boot: str
    until_monotonic_ms: Milliseconds


class LeaseEnded(Fact, frozen=True, kw_only=True, tag="lease_ended"):
    """A lease was released or ran out."""

    lease: LeaseId


AnyFact = (
    LessonOpened | LessonClosed | QuestionOpened | QuestionClosed | Answered | AttendanceTaken | LeaseHeld | LeaseEnded
)
