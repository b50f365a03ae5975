"""Facts of a lesson in any order of arrival: the same lesson, and the one that a plain reckoning comes to."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from protocols.records import Answer, AnyFact, Attendance, Attended, LessonEvent, LessonStep, Record
from tests.cloud.records.storing import record_of, store_in
from tests.cloud.teaching.test_teaching import BELL, CLASS, END, LESSON, PUPILS, Ground, ground, read

__all__ = ["ground"]
pytestmark = pytest.mark.db

QUESTIONS = ["q-1", "q-2"]


def history(chance: random.Random) -> tuple[list[Record], dict[str, datetime]]:
    """Return the records of a lesson with many ties, and when each arrived: in time, or hours after the lesson."""
    records: list[Record] = []
    received: dict[str, datetime] = {}
    for _ in range(chance.randint(5, 40)):
        at = BELL + timedelta(minutes=chance.randint(0, 6))
        fact: AnyFact
        subject: str | None = chance.choice(PUPILS)
        match chance.randrange(6):
            case 0:
                fact = Attendance(state=chance.choice(list(Attended)))
            case 1:
                steps = [LessonStep.QUESTION_OPENED, LessonStep.QUESTION_CLOSED]
                fact, subject = LessonEvent(step=chance.choice(steps), object=chance.choice(QUESTIONS)), None
            case _:
                fact = Answer(
                    question=chance.choice(QUESTIONS), response=chance.choice("ABC"), attempt=chance.randint(1, 3)
                )
        lesson = chance.choice([None, LESSON])
        record_id = f"{chance.getrandbits(128):032x}"
        records.append(record_of(fact, at=at, record_id=record_id, subject=subject, school_class=CLASS, lesson=lesson))
        received[record_id] = chance.choice([at, END + timedelta(hours=chance.randint(1, 30))])
    return records, received


def reckoned(records: list[Record]) -> dict[str, Counter[str]]:
    """Return the counts of each question, worked out anew: the highest attempt, then the later, then the id."""
    last: dict[tuple[str, str], Record] = {}
    for record in records:
        if isinstance(record.fact, Answer):
            assert record.subject is not None
            key = record.fact.question, record.subject
            if key not in last or _order(record) > _order(last[key]):
                last[key] = record
    counts: dict[str, Counter[str]] = {}
    for (question, _), record in last.items():
        assert isinstance(record.fact, Answer)
        counts.setdefault(question, Counter())[record.fact.response] += 1
    return counts


def _order(record: Record) -> tuple[int, int, str]:
    assert isinstance(record.fact, Answer)
    return record.fact.attempt, record.observed_at_ms, record.record_id


async def told(ground: Ground, api: httpx.AsyncClient, batches: list[list[Record]], at: dict[str, datetime]) -> Any:
    """Return what the centre says of the lesson after the batches have arrived one after another."""
    async with ground.pool.connection() as connection:
        await connection.execute("TRUNCATE records, record_identities, teaching_facts, record_refusals")
    for batch in batches:
        async with ground.pool.connection() as connection, connection.transaction():
            await store_in(connection, batch, received=at)
        await ground.take()
    return [await read(api, f"lessons/{LESSON}"), await read(api, f"lessons/{LESSON}/story")]


@pytest.mark.parametrize("seed", range(5))
async def test_any_order_of_arrival_comes_to_the_same_lesson(ground: Ground, api: httpx.AsyncClient, seed: int) -> None:
    chance = random.Random(seed)
    records, received = history(chance)
    whole = await told(ground, api, [records], received)
    boards = {board["question"]: board["counts"] for board in whole[0]["boards"] if board["answered"]}
    assert boards == reckoned(records)
    late = sum(at > END for at in received.values())
    assert (whole[0]["late"], whole[1]["late"]) == (late, late)
    for _ in range(3):
        mixed = chance.sample(records, len(records))
        size = chance.randint(1, 7)
        batches = [mixed[first : first + size] for first in range(0, len(mixed), size)]
        assert await told(ground, api, batches, received) == whole
