"""Homework as the API tells it. People are pseudonymous references."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from cloud.homework.rules import Timeliness
from cloud.http.schemas import Document, Moment, Page
from protocols.records import REFERENCE_PATTERN

Key = Annotated[str, Field(pattern=REFERENCE_PATTERN)]


class Group(Document):
    """Pupils who were named together."""

    name: str = Field(min_length=1, max_length=100, examples=["第三组"])
    """What the teacher calls the group."""
    pupils: list[Key] = Field(min_length=1, max_length=1000)
    """References of its pupils."""


class Audience(Document):
    """Whom an assignment is for: classes whole, groups, pupils one by one; together, nobody twice."""

    classes: list[Key] = Field(default=[], max_length=1000, examples=[["s01-g3c1"]])
    """Classes; whoever joins one later has it as well."""
    groups: list[Group] = Field(default=[], max_length=1000)
    """Groups by name."""
    pupils: list[Key] = Field(default=[], max_length=1000)
    """Single pupils."""


class Question(Document):
    """A question of an assignment."""

    question: Key = Field(examples=["q-17"])
    """Key that answers name."""
    correct: str | None = Field(default=None, max_length=4000, examples=["B"])
    """The right response; null leaves it to the app to say what is right."""
    solution: str = Field(default="", max_length=4000)
    """How to solve it, shown beside a wrong answer."""
    video_resource: Key | None = Field(default=None, examples=["r-0c1f"])
    """Key of the resource that explains it; null for none."""


class NewAssignment(Document):
    """An assignment as a teacher gives or changes it."""

    base_version: int = Field(default=0, ge=0, le=1_000_000)
    """The version that was seen before this change; 0 gives a new one."""
    title: str = Field(min_length=1, max_length=200, examples=["分数的加减"])
    """What it is called."""
    due_at: AwareDatetime
    """The deadline."""
    max_score: float | None = Field(default=None, gt=0, le=1_000_000)
    """The highest score; null for a judgement in words."""
    late_accepted: bool = True
    """Whether work made after the deadline is accepted without an excuse; it is kept in either case."""
    audience: Audience
    """Whom it is for."""
    questions: list[Question] = Field(default=[], max_length=500)
    """Its questions in order."""


class AssignmentRow(Document):
    """An assignment in a list."""

    assignment: str = Field(examples=["hw-0a1b"])
    """Its key."""
    version: int
    """Its version; a change has to name it."""
    title: str
    """What it is called."""
    given_at: Moment
    """When it was given."""
    due_at: Moment
    """The deadline."""
    max_score: float | None
    """The highest score; null for a judgement in words."""
    late_accepted: bool
    """Whether work made after the deadline is accepted without an excuse."""
    withdrawn_at: Moment | None
    """When it was withdrawn; null while it stands."""
    pupils: int
    """Pupils it is for now."""
    submitted: int
    """Pupils who handed in anything."""


class AssignmentList(Page):
    """Assignments, the latest deadline first."""

    items: list[AssignmentRow]
    """One page."""


class AskedQuestion(Question):
    """A question with how it went."""

    answered: int
    """Pupils who answered."""
    wrong: int
    """Of these, whose last attempt is wrong."""


class Assignment(AssignmentRow):
    """An assignment whole."""

    audience: Audience
    """Whom it is for."""
    questions: list[AskedQuestion]
    """Its questions in order."""


class GradeRow(Document):
    """One judgement of one version."""

    record_id: str
    """Id of the judgement."""
    grader: str | None
    """Reference of the teacher; null when the app did not say."""
    score: float | None
    """The score."""
    max_score: float | None
    """The highest score, as the teacher's app knew it."""
    comment: str
    """What the teacher wrote."""
    made_at: Moment
    """When it was made."""


class PartRow(Document):
    """A file of a submission."""

    sha256: str
    """SHA-256, hex."""
    size_bytes: int
    """Size in bytes."""
    media_type: str
    """What kind of file."""
    arrived: bool
    """Whether it is here whole; GET /api/v1/homework/submissions/{record_id}/parts/{sha256} serves it then."""


class SubmissionRow(Document):
    """One version of what a pupil handed in; none is ever lost."""

    record_id: str
    """Id, which a judgement names."""
    version: int
    """Version, by the pupil's app."""
    made_at: Moment
    """When it was made, on the centre's clock as well as that is known."""
    received_at: Moment
    """When the centre had it."""
    text: str
    """What was written."""
    parts: list[PartRow]
    """Its files."""
    complete: bool
    """Whether every file has arrived."""
    counts: bool
    """Whether this version is the one that counts."""
    grade: GradeRow | None
    """The judgement in force."""
    grade_version: int
    """Its version, which the next judgement has to name as its base; 0 while there is none."""
    conflicts: list[GradeRow]
    """Judgements made on a version that was no longer in force, waiting for a person to settle them."""
    past_grades: list[GradeRow]
    """Judgements that others replaced or that were dismissed, the oldest first."""


class OutageRow(Document):
    """The outage that excuses lateness."""

    thing: str = Field(examples=["s01-wan"])
    """Link or gateway."""
    status: str = Field(examples=["down"])
    """Its status then."""
    since: Moment
    """When it began."""
    until: Moment | None
    """When it ended; null while it goes on."""


class Paper(Document):
    """One pupil's work for one assignment."""

    person: str
    """Pseudonymous reference."""
    number: int | None
    """Number in the class."""
    school_class: str | None
    """The class they learn in."""
    group: str | None
    """The group they were named in."""
    state: Literal["missing", "incomplete", "handed_in"]
    """`incomplete`: a file of the version that counts has not arrived yet."""
    timeliness: Timeliness | None
    """How the version that counts stands to the deadline; null without one."""
    accepted: bool
    """Whether there is work, in time, excused, or late where that is accepted."""
    evidence: OutageRow | None
    """The outage that excuses lateness."""
    versions: list[SubmissionRow]
    """Every version, in the order in which they were made."""


class PaperList(Document):
    """What came of an assignment, pupil by pupil."""

    assignment: str
    """Its key."""
    due_at: Moment
    """The deadline."""
    handed_in: int
    """Pupils whose work is here whole."""
    incomplete: int
    """Pupils whose work lacks a file."""
    missing: int
    """Pupils without work."""
    late: int
    """Of those with work: late without excuse."""
    excused: int
    """Of those with work: late, excused by an outage."""
    ungraded: int
    """Work that counts and has no judgement."""
    conflicts: int
    """Judgements that wait to be settled."""
    items: list[Paper]
    """Every pupil it is for, and whoever handed in, by class and number."""


class Settling(Document):
    """What to do with a judgement in conflict."""

    chosen: bool
    """Whether it becomes the judgement in force; else it is kept aside."""
