"""Records: classroom facts, made once at the edge, never changed, never thinned.

A record is an envelope (who, where, when) around one fact; the fact's `type` decides its fields. Every field has a
registered purpose (`PURPOSES`); a field that is not listed here is refused, so that personal data that nobody
answers for cannot travel (PIPL art. 6). People are pseudonymous references; names have no field. `record_id` is made
by the client before it first sends, so that sending again changes nothing.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated, Any, get_args

import msgspec
from msgspec import Meta, Struct

from protocols.identity import Milliseconds

REFERENCE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$"
MAX_PARTS = 32

RecordId = Annotated[
    str,
    Meta(
        min_length=32,
        max_length=32,
        description="Random id made by the client: a UUID without hyphens, lower case",
        extra_json_schema={"pattern": "^[0-9a-f]{32}$"},
    ),
]
Reference = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=63,
        description="Key of a person (pseudonymous), class, lesson, question, resource, indicator or terminal",
        extra_json_schema={"pattern": REFERENCE_PATTERN},
    ),
]
Sha256 = Annotated[
    str,
    Meta(min_length=64, max_length=64, description="SHA-256, hex", extra_json_schema={"pattern": "^[0-9a-f]{64}$"}),
]
Text = Annotated[str, Meta(max_length=4000)]
ShortText = Annotated[str, Meta(max_length=200)]
Seconds = Annotated[float, Meta(ge=0, le=31_536_000)]
Score = Annotated[float, Meta(ge=-1_000_000, le=1_000_000)]
Ratio = Annotated[float, Meta(ge=0, le=1)]
Version = Annotated[int, Meta(ge=1, le=1_000_000)]


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A file that belongs to a fact; the fact is complete when a blob of this hash has arrived."""

    sha256: Sha256
    size_bytes: Annotated[int, Meta(ge=0, le=2**40)]
    media_type: ShortText = "application/octet-stream"


class Fact(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="type"):
    """What happened, without who, where and when."""


class LessonStep(StrEnum):
    """What a lesson event says."""

    STARTED = "started"
    ENDED = "ended"
    QUESTION_OPENED = "question_opened"
    QUESTION_CLOSED = "question_closed"
    LOCKED = "locked"
    RELEASED = "released"


class LessonEvent(Fact, frozen=True, kw_only=True, tag="lesson_event"):
    """A step of a lesson, told by the teacher's device or the gateway."""

    step: LessonStep
    object: Reference | None = None


class Attended(StrEnum):
    """Whether a pupil is in the lesson."""

    PRESENT = "present"
    LATE = "late"
    ABSENT = "absent"
    EXCUSED = "excused"


class Attendance(Fact, frozen=True, kw_only=True, tag="attendance"):
    """Whether the subject is in the lesson; the newest observation counts."""

    state: Attended


class Answer(Fact, frozen=True, kw_only=True, tag="answer"):
    """One attempt at a question; an attempt is never changed, a new one is another record."""

    question: Reference
    response: Text
    attempt: Version = 1
    correct: bool | None = None
    score: Score | None = None
    max_score: Score | None = None
    duration_seconds: Seconds | None = None
    hint_used: bool = False


class ResourceView(Fact, frozen=True, kw_only=True, tag="resource_view"):
    """A resource was looked at."""

    resource: Reference
    duration_seconds: Seconds
    progress_ratio: Ratio | None = None


class Submission(Fact, frozen=True, kw_only=True, tag="submission"):
    """One version of a pupil's homework; every version is kept."""

    assignment: Reference
    version: Version = 1
    text: Text = ""
    parts: Annotated[list[Part], Meta(max_length=MAX_PARTS)] = []


class Grade(Fact, frozen=True, kw_only=True, tag="grade"):
    """A teacher's judgement of a submission.

    `base_version` is the version of the grade that the teacher saw (0: none): another base is a conflict, kept for the
    teacher to settle.
    """

    submission: RecordId
    base_version: Annotated[int, Meta(ge=0, le=1_000_000)]
    score: Score | None = None
    max_score: Score | None = None
    comment: Text = ""


class Evidence(Fact, frozen=True, kw_only=True, tag="evidence"):
    """Something that counts towards an indicator of the evaluation framework."""

    indicator: Reference
    value: Score
    note: ShortText = ""
    parts: Annotated[list[Part], Meta(max_length=MAX_PARTS)] = []


class Activity(Fact, frozen=True, kw_only=True, tag="activity"):
    """The subject took part in an after-class activity."""

    activity: Reference
    duration_seconds: Seconds
    note: ShortText = ""


AnyFact = LessonEvent | Attendance | Answer | ResourceView | Submission | Grade | Evidence | Activity

PURPOSES: dict[str, str] = {
    "lesson_event": "lets a lesson be followed while it runs and told afterwards",
    "attendance": "tells the school who was in a lesson",
    "answer": "shows the class board and finds what is not yet understood",
    "resource_view": "tells whether prepared content was used",
    "submission": "hands in homework",
    "grade": "returns homework with the teacher's judgement",
    "evidence": "supports an indicator of the evaluation framework",
    "activity": "records after-class service",
}
"""Every record type with the purpose its fields are collected for."""


class RecordBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A record as an app says it. `observed_at_ms` is the app's clock when the fact was made."""

    record_id: RecordId
    observed_at_ms: Milliseconds
    fact: AnyFact
    subject: Reference | None = None
    terminal: Reference | None = None
    school_class: Reference | None = None
    lesson: Reference | None = None


class Record(RecordBody, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One fact with its whole envelope.

    `accepted_at_ms` and `monotonic_ms` are the agent's clocks when it was taken; no time is ever corrected in place.
    """

    accepted_at_ms: Milliseconds
    monotonic_ms: Milliseconds

    @property
    def type(self) -> str:
        """The fact's type, as registered in `PURPOSES`."""
        return _tag(type(self.fact))


NEEDS_SUBJECT = frozenset({"attendance", "answer", "resource_view", "submission", "evidence", "activity"})
"""Types that are about a person."""

_encoder = msgspec.msgpack.Encoder()
_HEX_ID = re.compile(r"[0-9a-f]{32}")
_HEX_HASH = re.compile(r"[0-9a-f]{64}")
_REFERENCE = re.compile(REFERENCE_PATTERN)


def _tag(fact: type[Struct]) -> str:
    return str(fact.__struct_config__.tag)


def fingerprint(record: Record) -> bytes:
    """Return the SHA-256 of what the client said: the same for every sending of one record, whoever takes it."""
    said = (
        record.record_id, record.observed_at_ms, record.subject, record.terminal, record.school_class, record.lesson,
        record.fact,
    )  # fmt: skip
    return hashlib.sha256(_encoder.encode(said)).digest()


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema (2020-12) of the fact of every record type, with its purpose."""
    return {_tag(fact): msgspec.json.schema(fact) | {"x-purpose": PURPOSES[_tag(fact)]} for fact in get_args(AnyFact)}


def problem_of(records: Sequence[Record]) -> str | None:
    """Return what is wrong with the first bad record that its types cannot say, or None."""
    for record in records:
        if (problem := field_problem(record)) is not None:
            field, reason = problem
            return f"record {record.record_id!r}: {field} {reason}"
    return None


def field_problem(record: Record) -> tuple[str, str] | None:
    """Return the field and the fault of a record that its types cannot say, or None."""
    if _HEX_ID.fullmatch(record.record_id) is None:
        return "record_id", "must be 32 hex digits in lower case"
    for name in ("subject", "terminal", "school_class", "lesson"):
        value = getattr(record, name)
        if value is not None and _REFERENCE.fullmatch(value) is None:
            return name, f"must match {REFERENCE_PATTERN}"
    if record.type in NEEDS_SUBJECT and record.subject is None:
        return "subject", f"is needed by a record of type {record.type}"
    return next(_fact_problems(record.fact), None)


def _fact_problems(fact: AnyFact) -> Iterator[tuple[str, str]]:
    for name in fact.__struct_fields__:
        value = getattr(fact, name)
        where = f"fact.{name}"
        if name in _REFERENCES and value is not None and _REFERENCE.fullmatch(value) is None:
            yield where, f"must match {REFERENCE_PATTERN}"
        elif name == "submission" and _HEX_ID.fullmatch(value) is None:
            yield where, "must be 32 hex digits in lower case"
        elif isinstance(value, str) and "\0" in value:
            yield where, "holds a NUL character"
        elif isinstance(value, float) and not math.isfinite(value):
            yield where, f"holds {value}, which JSON cannot say"
        elif name == "parts":
            for position, part in enumerate(value):
                if _HEX_HASH.fullmatch(part.sha256) is None:
                    yield f"{where}[{position}].sha256", "must be 64 hex digits in lower case"
                if "\0" in part.media_type:
                    yield f"{where}[{position}].media_type", "holds a NUL character"


_REFERENCES = frozenset({"object", "question", "resource", "assignment", "indicator", "activity"})
