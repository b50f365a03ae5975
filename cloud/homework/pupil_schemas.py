"""Homework as its pupil sees it: what is to do, and what is to learn from. People are pseudonymous references."""

from __future__ import annotations

from typing import Literal

from cloud.homework.rules import Timeliness
from cloud.homework.schemas import GradeRow, PartRow
from cloud.http.schemas import Document, Moment


class ToDo(Document):
    """An assignment as its pupil sees it."""

    assignment: str
    """Its key."""
    title: str
    """What it is called."""
    due_at: Moment
    """The deadline."""
    state: Literal["missing", "incomplete", "handed_in"]
    """Whether work is here, whole."""
    timeliness: Timeliness | None
    """How it stands to the deadline; null without work."""
    grade: GradeRow | None
    """The judgement of the version that counts."""


class ToDoList(Document):
    """A pupil's assignments, the latest deadline first."""

    items: list[ToDo]
    """Not withdrawn ones, as far back as asked."""


class WrongQuestion(Document):
    """A question that a pupil has not got right yet."""

    question: str
    """Its key."""
    assignment: str
    """The assignment that asks it."""
    title: str
    """What the assignment is called."""
    response: str
    """The last response."""
    attempts: int
    """Attempts so far."""
    times_wrong: int
    """How many of them were wrong."""
    mastered: bool
    """Whether the last one is right."""
    made_at: Moment
    """When the last was made."""
    correct_response: str | None
    """The right response, when the assignment says it."""
    solution: str
    """How to solve it."""
    video_resource: str | None
    """Key of the resource that explains it."""
    video: PartRow | None
    """Its file as it was pushed last, at GET /api/v1/content/blobs/{sha256}; null when it was not pushed."""


class WrongQuestionList(Document):
    """A pupil's wrong questions, the newest first."""

    items: list[WrongQuestion]
    """Not right yet; with `mastered` also those right by now."""
