"""Lessons as the API tells them. Pupils are references; a late fact came more than a minute after the bell."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from cloud.http.schemas import Document, Moment


class LessonRow(Document):
    """A lesson with what is known of it so far."""

    lesson: str = Field(examples=["s01-k01.20261127.p3"])
    """Its key."""
    planned: bool
    """Whether it is in the timetable; else a teacher opened it in the room."""
    school: str = Field(examples=["s01"])
    """The school."""
    school_class: str = Field(examples=["s01-k01"])
    """The class taught."""
    title: str = Field(examples=["三年级一班"])
    """What people call the class."""
    title_en: str
    """What people call it in English; may be empty."""
    topic: str = Field(examples=["数学"])
    """The subject taught; empty when nobody said."""
    period: int | None
    """Which period of the day; null outside the timetable."""
    starts_at: Moment
    """When it begins."""
    ends_at: Moment | None
    """When it ends; null while one that was opened in the room goes on."""
    exam: bool
    """Whether it is an exam."""
    pupils: int
    """Pupils in the class."""
    present: int
    """Pupils whose newest observation is that they are there."""
    coming_late: int
    """Pupils who came late, by their newest observation."""
    absent: int
    """Pupils who are not there, by their newest observation."""
    excused: int
    """Pupils who are excused, by their newest observation."""
    question: str | None
    """The question that takes answers; null when none does."""
    answering_now: int
    """Pupils who have answered that question; 0 when none takes answers."""
    answers: int
    """Answers that have arrived, every attempt."""
    answering: int
    """Pupils who have answered anything."""
    late: int
    """Facts that arrived late."""
    last_at: Moment | None
    """When the newest fact arrived; null when none has."""
    gateway: str | None = Field(examples=["s01-gw"])
    """The school's gateway, through which facts arrive; null when it has none."""
    gateway_presence: Literal["online", "offline"] | None
    """Whether it is connected now; while it is not, what is missing here may be waiting there. Null: never heard."""
    gateway_heard_at: Moment | None
    """When it was last heard; null when never."""
    gateway_status: str | None = Field(examples=["up"])
    """Its status; null before the first evaluation."""


class LessonList(Document):
    """Lessons in order of their beginning."""

    items: list[LessonRow]
    """At most as many as asked for."""


class Present(Document):
    """One pupil in a lesson."""

    person: str
    """Pseudonymous reference."""
    number: int | None
    """Number in the class."""
    state: Literal["present", "late", "absent", "excused"] | None
    """The newest observation; null when nobody said."""
    observed_at: Moment | None
    """When that was observed."""
    answered: int
    """Questions of the lesson answered."""


class Attempt(Document):
    """A pupil's attempt that counts for one question."""

    person: str
    """Pseudonymous reference."""
    response: str
    """What was answered."""
    attempt: int
    """Which attempt it is."""
    attempts: int
    """Attempts that arrived."""
    correct: bool | None
    """Whether it is right, when the app said."""
    made_at: Moment
    """When it was made."""
    late: bool
    """Whether it arrived late; it counts all the same."""


class Board(Document):
    """What a class answered to a question: the same numbers as on the board in the room."""

    question: str
    """Key of the question."""
    opened_at: Moment | None
    """When it was first opened; null when nobody said."""
    closed_at: Moment | None
    """When it was last closed; null while it is open, and when nobody said."""
    answered: int
    """Pupils who answered."""
    total: int
    """Pupils who are not marked absent, and whoever else answered."""
    counts: dict[str, int] = Field(examples=[{"A": 12, "B": 25}])
    """How many last attempts gave each response."""
    correct: int | None
    """Right ones among them; null when nobody said what is right."""
    answers: list[Attempt]
    """The attempts that count, by pupil."""


class LessonDetail(LessonRow):
    """A lesson whole."""

    attendance: list[Present]
    """Every pupil of the class, by number."""
    participation_ratio: float | None
    """Pupils who answered, of those not marked absent; null without pupils."""
    boards: list[Board]
    """Every question that was opened or answered, in that order."""


class Step(Document):
    """Something that happened in a lesson."""

    at: Moment
    """When it was made."""
    kind: Literal["lesson_event", "attendance", "resource_view", "answers", "outage"]
    """What kind of thing."""
    what: str
    """Step of a lesson event, state of an attendance, status of an outage; empty otherwise."""
    about: str | None
    """Question, resource, lease, link or gateway."""
    person: str | None
    """Whom it is about, by reference."""
    count: int
    """How many, for answers; else 1."""
    late_seconds: float
    """How long after the lesson's end it arrived at the centre; 0 when in time."""
    until: Moment | None = None
    """When an outage ended; null for others and for one that goes on."""


class Story(Document):
    """The story of a lesson, in the order in which things were made."""

    lesson: str
    """Key of the lesson."""
    steps: list[Step]
    """What happened."""
    late: int
    """Facts that arrived late, every attempt."""
    longest_late_seconds: float
    """How late the last of them came."""


class PupilParticipation(Document):
    """How often a pupil took part."""

    person: str
    """Pseudonymous reference."""
    lessons: int
    """Lessons with an answer."""
    answers: int
    """Answers, every attempt."""
    correct: int
    """Answers that the app called right."""


class Participation(Document):
    """A class over a span of days."""

    lessons: int
    """Lessons in which anything was answered."""
    questions: int
    """Questions answered by anybody."""
    items: list[PupilParticipation]
    """Pupils with at least one answer."""


class RefusedRecords(Document):
    """Records that could not be taken, for one reason."""

    reason: str = Field(examples=["not_enrolled"])
    """Reason code."""
    records: int
    """How many."""
    last_refused_at: Moment
    """When the newest was refused."""


class RefusalList(Document):
    """Refused records by reason."""

    items: list[RefusedRecords]
    """Most frequent first."""


class Replayed(Document):
    """What trying refused records again came to."""

    tried: int
    """Records tried."""
    taken: int
    """Records taken this time."""
