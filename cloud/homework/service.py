"""Gives assignments: once however often they are sent, and with what was handed in before they were known."""

from __future__ import annotations

import psycopg

from cloud.homework import reading, repository
from cloud.homework.schemas import Assignment, NewAssignment
from cloud.homework.taking import QUERIES

_SAID = {"title", "due_at", "max_score", "late_accepted"}


async def give(connection: psycopg.AsyncConnection, assignment: str, new: NewAssignment) -> list[str]:
    """Write an assignment as its next version; return the refused submissions that may be taken now.

    The same change sent again changes nothing, as an app does whose answer was lost.

    Raises:
        AssignmentRefused: with every problem at once.
        AssignmentChanged: `base_version` is not the version in force.
    """
    try:
        await repository.give(connection, assignment, new)
    except repository.AssignmentChanged:
        found = await reading.assignment_whole(connection, assignment)
        if found is None or not _says(found, new):
            raise
    cursor = await connection.execute(QUERIES["refused_earlier"], {"assignment": assignment})
    return [record_id for (record_id,) in await cursor.fetchall()]


def _says(found: Assignment, new: NewAssignment) -> bool:
    """Whether an assignment is what a change made of it already."""
    questions = [question.model_dump(exclude={"answered", "wrong"}) for question in found.questions]
    return (
        found.withdrawn_at is None
        and found.version == new.base_version + 1
        and found.model_dump(include=_SAID) == new.model_dump(include=_SAID)
        and questions == [question.model_dump() for question in new.questions]
        and repository.audience_rows(found.audience) == repository.audience_rows(new.audience)
    )
