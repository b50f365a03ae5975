"""Takes records of homework: submissions, judgements of them, answers to an assignment's questions.

An answer to a question that no assignment asks this pupil is a lesson's business and is left alone. A judgement may
come before the submission it is about. What a record means is decided when it is read.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from cloud.db.queries import Queries
from cloud.records.consuming import Refusal, StoredRecord
from protocols.records import Answer, Grade, Submission

QUERIES = Queries(Path(__file__).with_name("queries.sql"))


class Place(NamedTuple):
    """What is known of a record's assignment and subject."""

    assignment_known: bool
    person_kind: str | None
    assigned: bool


class HomeworkService:
    """The consumer `homework`."""

    name = "homework"
    types: Collection[str] = ("submission", "grade", "answer")

    async def take(self, connection: psycopg.AsyncConnection, records: Sequence[StoredRecord]) -> list[Refusal]:
        """Keep what is homework; refuse what belongs to no assignment or pupil, each with its reason."""
        places = await _places(connection, records)
        refusals = []
        for record in records:
            place = places[record.record_id]
            if isinstance(record.fact, Answer) and not place.assigned:
                continue
            if (problem := problem_of(record, place)) is not None:
                refusals.append(Refusal(record.record_id, *problem))
            else:
                await _keep(connection, record)
        return refusals


def problem_of(record: StoredRecord, place: Place) -> tuple[str, str] | None:
    """Return the reason and the words for which a record cannot be taken, or None. Pure."""
    match record.fact:
        case Grade(score=score, max_score=most):
            if record.subject is not None and place.person_kind not in ("teacher", "staff"):
                return "not_a_teacher", "who graded is not a teacher of the roster"
            if score is not None and (score < 0 or (most is not None and score > most)):
                return "score_out_of_range", "the score is below zero or above the highest possible one"
            return None
        case _ if not place.assignment_known:
            return "unknown_assignment", "no assignment of that key was given"
        case _ if place.person_kind != "pupil":
            return "unknown_subject", "the subject is not a pupil of the roster"
        case _ if not place.assigned:
            return "not_assigned", "the assignment was not given to this pupil"
        case _:
            return None


async def _places(connection: psycopg.AsyncConnection, records: Sequence[StoredRecord]) -> dict[str, Place]:
    facts = [record.fact for record in records]
    values = {
        "record_ids": [record.record_id for record in records],
        "assignments": [fact.assignment if isinstance(fact, Submission) else None for fact in facts],
        "questions": [fact.question if isinstance(fact, Answer) else None for fact in facts],
        "subjects": [record.subject for record in records],
    }
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["places"], values)
        return {row.pop("record_id"): Place(**row) for row in await cursor.fetchall()}


async def _keep(connection: psycopg.AsyncConnection, record: StoredRecord) -> None:
    envelope = {"record_id": record.record_id, "made_at": record.made_at, "received_at": record.received_at}
    match record.fact:
        case Submission() as fact:
            told = {
                "assignment": fact.assignment,
                "person": record.subject,
                "version": fact.version,
                "body": fact.text,
                "parts": Jsonb(msgspec.to_builtins(fact.parts)),
            }
            await connection.execute(QUERIES["keep_submission"], envelope | told)
        case Grade() as fact:
            judged = {"submission": fact.submission, "grader": record.subject, "place": record.place}
            judged |= {name: getattr(fact, name) for name in ("base_version", "score", "max_score", "comment")}
            await connection.execute(QUERIES["keep_grade"], envelope | judged)
        case Answer() as fact:
            said = {"person": record.subject, "correct": _correct(fact)}
            said |= {name: getattr(fact, name) for name in ("question", "response", "attempt")}
            await connection.execute(QUERIES["keep_answer"], envelope | said)


def _correct(fact: Answer) -> bool | None:
    """Return what the app said, or else whether it gave every point; None when it said neither."""
    if fact.correct is None and fact.score is not None and fact.max_score is not None:
        return fact.score >= fact.max_score
    return fact.correct


async def forget(connection: psycopg.AsyncConnection, record_ids: Sequence[str]) -> None:
    """Forget what was kept of records that are erased or have expired."""
    await connection.execute(QUERIES["forget"], {"record_ids": list(record_ids)})
