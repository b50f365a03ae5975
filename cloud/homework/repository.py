"""Writes what people decide about homework: assignments, and which of two judgements stands."""

from __future__ import annotations

from typing import NamedTuple

import psycopg
from psycopg.rows import class_row

from cloud.homework.models import Judged
from cloud.homework.rules import standing
from cloud.homework.schemas import Audience, NewAssignment
from cloud.homework.taking import QUERIES, HomeworkService
from cloud.http.schemas import FieldProblem
from cloud.records.consuming import QUERIES as CONSUMER_QUERIES


class AssignmentRefused(Exception):
    """Some of what an assignment names is not there; nothing was written."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__("; ".join(problem.detail for problem in problems))
        self.problems = problems


class AssignmentChanged(Exception):
    """Somebody changed it in the meantime; nothing was written."""


class NotInConflict(Exception):
    """A judgement that is not waiting to be settled; nothing was written."""


async def give(connection: psycopg.AsyncConnection, assignment: str, new: NewAssignment) -> None:
    """Write an assignment as its next version, and keep answers that came before it.

    Raises:
        AssignmentRefused: with every problem at once.
        AssignmentChanged: `base_version` is not the version in force.
    """
    key = {"assignment": assignment}
    # Until the end nothing is taken, so that no record misses the change, and nothing is erased that is read here.
    await connection.execute(CONSUMER_QUERIES["claim_consumer"], {"consumer": HomeworkService.name})
    row = await (await connection.execute(QUERIES["hold_assignment"], key)).fetchone()
    if (0 if row is None else row[0]) != new.base_version:
        raise AssignmentChanged
    if found := await _problems(connection, assignment, new):
        raise AssignmentRefused(found)
    values = new.model_dump(include={"title", "due_at", "max_score", "late_accepted"})
    values |= {"version": new.base_version + 1}
    if not (await connection.execute(QUERIES["write_assignment"], key | values)).rowcount:
        raise AssignmentChanged
    await connection.execute(QUERIES["clear_audience"], key)
    await connection.execute(QUERIES["clear_questions"], key)
    async with connection.cursor() as cursor:
        await cursor.executemany(
            QUERIES["write_audience"],
            [dict(one._asdict(), **key) for one in sorted(audience_rows(new.audience), key=str)],
        )
        await cursor.executemany(
            QUERIES["write_question"],
            [key | one.model_dump() | {"position": position} for position, one in enumerate(new.questions)],
        )
    await connection.execute(QUERIES["take_earlier_answers"], key)


class AudienceRow(NamedTuple):
    """A row of `homework_audience`: a class whole, or one pupil."""

    school_class: str | None
    person: str | None
    group_name: str | None


def audience_rows(audience: Audience) -> set[AudienceRow]:
    """Return an audience as it is stored: each class and each pupil once."""
    named: dict[str, str | None] = dict.fromkeys(audience.pupils)
    for group in audience.groups:
        named |= dict.fromkeys(group.pupils, group.name)
    return {AudienceRow(one, None, None) for one in audience.classes} | {
        AudienceRow(None, person, group) for person, group in named.items()
    }


async def _problems(connection: psycopg.AsyncConnection, assignment: str, new: NewAssignment) -> list[FieldProblem]:
    audience = new.audience
    pupils = [*audience.pupils, *(pupil for group in audience.groups for pupil in group.pupils)]
    questions = [one.question for one in new.questions]
    problems = []
    if not audience.classes and not pupils:
        problems.append(FieldProblem(field="audience", detail="names nobody: give classes, groups or pupils"))
    cursor = await connection.execute(QUERIES["unknown_classes"], {"classes": audience.classes})
    problems += [
        FieldProblem(field="audience.classes", detail=f"{key!r} is no class of the roster")
        for (key,) in await cursor.fetchall()
    ]
    cursor = await connection.execute(QUERIES["unknown_pupils"], {"pupils": pupils})
    problems += [
        FieldProblem(field="audience.pupils", detail=f"{key!r} is no pupil of the roster")
        for (key,) in await cursor.fetchall()
    ]
    problems += [
        FieldProblem(field="questions", detail=f"{key!r} is there twice")
        for key in sorted({key for key in questions if questions.count(key) > 1})
    ]
    cursor = await connection.execute(
        QUERIES["questions_elsewhere"], {"questions": questions, "assignment": assignment}
    )
    problems += [
        FieldProblem(field="questions", detail=f"{key!r} is asked by assignment {other!r}; a question has one")
        for key, other in await cursor.fetchall()
    ]
    return problems


async def withdraw(connection: psycopg.AsyncConnection, assignment: str) -> None:
    """Withdraw an assignment; one that is withdrawn already stays so."""
    await connection.execute(QUERIES["withdraw"], {"assignment": assignment})


async def settle(connection: psycopg.AsyncConnection, record_id: str, *, chosen: bool, who: str) -> bool:
    """Choose or dismiss a judgement in conflict; False when there is no such judgement.

    Raises:
        NotInConflict: it is in force, replaced, or settled already.
    """
    async with connection.cursor(row_factory=class_row(Judged)) as cursor:
        await cursor.execute(QUERIES["hold_grades"], {"record_id": record_id})
        judged = await cursor.fetchall()
    if not judged:
        return False
    if record_id not in standing([one.judgement for one in judged]).conflicts:
        raise NotInConflict
    await connection.execute(QUERIES["settle"], {"record_id": record_id, "chosen": chosen, "settled_by": who})
    return True
