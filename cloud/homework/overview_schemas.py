"""Homework as its teacher sees it: what waits for a person, and how a class stands. People are references."""

from __future__ import annotations

from pydantic import Field

from cloud.homework.schemas import GradeRow
from cloud.http.schemas import Document, Moment
from cloud.records.schemas import RefusedRecordsOfConsumer


class WorkRow(Document):
    """The version of a pupil's work that counts."""

    person: str
    """Pseudonymous reference."""
    school_class: str | None
    """The class they learn in."""
    record_id: str
    """Id of the version, which a judgement names."""
    made_at: Moment
    """When it was made."""


class IncompleteRow(WorkRow):
    """Work that lacks files."""

    missing: list[str]
    """SHA-256 of the files that have not arrived."""


class ConflictRow(Document):
    """A judgement that was made on a version no longer in force, beside the one in force."""

    person: str
    """Whose work it is."""
    submission: str
    """Id of the version that both judge."""
    kept: GradeRow | None
    """The judgement in force; null when it was made on one that has not arrived."""
    other: GradeRow
    """The one in conflict; its record id is what a settlement names."""


class AssignmentToDo(Document):
    """What waits for a person in one assignment."""

    assignment: str = Field(examples=["hw-0a1b"])
    """Its key."""
    title: str
    """What it is called."""
    due_at: Moment
    """The deadline."""
    to_grade: list[WorkRow]
    """Whole and accepted work without a judgement, the oldest first."""
    conflicts: list[ConflictRow]
    """Judgements to settle."""
    incomplete: list[IncompleteRow]
    """Work whose files are still on their way."""


class TeacherToDo(Document):
    """What waits for a person."""

    classes: list[str]
    """The classes meant."""
    to_grade: int
    """Work without a judgement, over all assignments."""
    conflicts: int
    """Judgements to settle."""
    incomplete: int
    """Work that lacks files."""
    refused: int
    """Records of these classes that homework could not take."""
    refusals: list[RefusedRecordsOfConsumer]
    """These by reason and class."""
    items: list[AssignmentToDo]
    """Assignments with anything to do, the latest deadline first."""


class AssignmentStanding(Document):
    """How a class stands with one assignment."""

    assignment: str = Field(examples=["hw-0a1b"])
    """Its key."""
    title: str
    """What it is called."""
    due_at: Moment
    """The deadline."""
    pupils: int
    """Pupils of the class whom it is for, and whoever of them handed in."""
    handed_in: int
    """Whose work is here whole."""
    incomplete: int
    """Whose work lacks a file."""
    missing: int
    """Who handed in nothing."""
    late: int
    """Of those with work: late without excuse."""
    excused: int
    """Of those with work: late, excused by an outage."""
    graded: int
    """Work that counts and has a judgement."""
    conflicts: int
    """Judgements that wait to be settled."""
    mean_score_ratio: float | None
    """Mean of score over highest score of these judgements, 0 to 1; null when none has both."""


class ClassSummary(Document):
    """How a class stands with its homework; no pupil is named."""

    school_class: str
    """The class."""
    items: list[AssignmentStanding]
    """Not withdrawn assignments, as far back as asked, the latest deadline first."""
