"""Lessons at the centre: every fact counts once, in whatever order and however late it comes."""

from __future__ import annotations

import random
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from cloud.db.pool import Pool, open_pool
from cloud.records.consuming import Consumer
from cloud.records.models import Arrived
from cloud.records.writing import store
from cloud.teaching.taking import Place, TeachingService, forget, problem_of
from protocols.records import Answer, AnyFact, Attendance, LessonEvent, Record
from tests.cloud.district import SmallDistrict

pytestmark = pytest.mark.db

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
BELL = datetime(2026, 11, 27, 1, 10, tzinfo=UTC)
END = BELL + timedelta(minutes=40)
CLASS, LESSON = "s01-g3c1", "s01-g3c1.20261127.p2"
PUPILS = [f"p-{number}" for number in range(1, 6)]


class Ground:
    """A class in a lesson; facts are stored as ingest does and taken by the real consumer."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.consumer = Consumer(pool, TeachingService())

    async def tell(self, *facts: tuple[AnyFact, dict[str, Any]]) -> list[str]:
        """Store facts; each with `who`, `at`, and `arrives` when it came later."""
        ids = []
        async with self.pool.connection() as connection, connection.transaction():
            row = await (await connection.execute("SELECT agent_id FROM agents WHERE agent = 's01-gw'")).fetchone()
            assert row is not None
            arrivals = []
            for fact, more in facts:
                at: datetime = more.get("at", BELL + timedelta(minutes=5))
                arrived = more.get("arrives", at)
                record = Record(
                    record_id=secrets.token_hex(16),
                    observed_at_ms=round(at.timestamp() * 1000),
                    accepted_at_ms=round(at.timestamp() * 1000),
                    monotonic_ms=1,
                    subject=more.get("who"),
                    school_class=more.get("school_class", CLASS),
                    lesson=more.get("lesson"),
                    fact=fact,
                )
                micro = [(one - EPOCH) // timedelta(microseconds=1) for one in (at, arrived)]
                arrivals.append(Arrived(record, row[0], micro[0], micro[0], micro[0], micro[1]))
                ids.append(record.record_id)
            async with connection.cursor() as cursor:
                await store(cursor, arrivals)
        return ids

    async def take(self) -> None:
        """Have the service take what is new."""
        await self.consumer.catch_up()


@pytest.fixture
async def ground(district: SmallDistrict) -> AsyncIterator[Ground]:
    with psycopg.connect(district.dsn, autocommit=True) as connection:
        for school_class in (CLASS, "s01-g3c2"):
            connection.execute(
                "INSERT INTO classes (school_class, source_id, school, title, title_en, grade)"
                " VALUES (%s, %s, 's01', '三年级一班', '', '三年级')",
                [school_class, school_class],
            )
        for number, person in enumerate(PUPILS, start=1):
            connection.execute(
                "INSERT INTO people (person, kind, source_id, name) VALUES (%s, 'pupil', %s, '')", [person, person]
            )
            connection.execute(
                "INSERT INTO enrolments (school_class, person, role, number) VALUES (%s, %s, 'pupil', %s)",
                [CLASS, person, number],
            )
        connection.execute(
            "INSERT INTO lessons VALUES (%s, 's01', %s, NULL, '数学', NULL, '2026-11-27', 2, %s, %s, false)",
            [LESSON, CLASS, BELL, END],
        )
    async with open_pool(district.dsn) as pool:
        yield Ground(pool)


async def read(api: httpx.AsyncClient, path: str, **query: Any) -> Any:
    return (await api.get(f"/api/v1/teaching/{path}", params=query)).raise_for_status().json()


def answer(person: str, response: str, attempt: int = 1, **more: Any) -> tuple[AnyFact, dict[str, Any]]:
    return Answer(question="q-1", response=response, attempt=attempt, correct=response == "B"), {"who": person, **more}


async def test_the_board_counts_each_pupil_s_last_attempt_whatever_the_order_of_arrival(
    ground: Ground, api: httpx.AsyncClient
) -> None:
    facts = [answer(person, "A") for person in PUPILS[:4]]
    facts += [answer(PUPILS[0], "B", 2, at=BELL + timedelta(minutes=6)), answer(PUPILS[1], "C", 2)]
    facts.append((Attendance(state="absent"), {"who": PUPILS[4]}))  # type: ignore[arg-type]
    facts.append(answer(PUPILS[3], "B", 2, at=BELL + timedelta(minutes=9), arrives=END + timedelta(hours=3)))
    random.Random(7).shuffle(facts)
    for fact in facts:
        await ground.tell(fact)
        await ground.take()
    board = await read(api, f"lessons/{LESSON}/questions/q-1/board")
    assert board["counts"] == {"A": 1, "B": 2, "C": 1}
    assert (board["answered"], board["total"], board["correct"]) == (4, 4, 2)
    assert {one["person"]: one["late"] for one in board["answers"]}[PUPILS[3]] is True
    detail = await read(api, f"lessons/{LESSON}")
    assert detail["participation_ratio"] == 1.0
    assert [one["state"] for one in detail["attendance"]] == [None] * 4 + ["absent"]
    assert (detail["answers"], detail["answering"], detail["late"]) == (7, 4, 1)


async def test_lessons_in_session_know_the_open_question_who_is_there_and_the_gateway(
    ground: Ground, api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    opened = LessonEvent(step="question_opened", object="q-9")  # type: ignore[arg-type]
    closed = LessonEvent(step="question_closed", object="q-9")  # type: ignore[arg-type]
    at_once = {"at": BELL + timedelta(minutes=1)}
    await ground.tell((opened, at_once))
    await ground.take()
    at = {"since": (BELL + timedelta(minutes=2)).isoformat()}
    (row,) = (await read(api, "lessons", **at))["items"]
    assert (row["lesson"], row["question"], row["pupils"], row["planned"]) == (LESSON, "q-9", 5, True)
    assert (row["gateway"], row["gateway_presence"], row["gateway_status"]) == ("s01-gw", None, None)
    (empty,) = (await read(api, f"lessons/{LESSON}"))["boards"]
    assert (empty["question"], empty["answered"], empty["total"], empty["closed_at"]) == ("q-9", 0, 5, None)
    district.presence("s01-gw", "online")
    district.status("gateway", "s01-gw", "up")
    await ground.tell(
        (Answer(question="q-9", response="A"), {"who": PUPILS[0], **at_once}),
        (Answer(question="q-8", response="A"), {"who": PUPILS[1], **at_once}),
        (Attendance(state="late"), {"who": PUPILS[0], **at_once}),  # type: ignore[arg-type]
        (Attendance(state="absent"), {"who": PUPILS[1], "at": BELL}),  # type: ignore[arg-type]
        (Attendance(state="present"), {"who": PUPILS[1], **at_once}),  # type: ignore[arg-type]
    )
    await ground.take()
    (row,) = (await read(api, "lessons", **at))["items"]
    assert (row["answering_now"], row["answering"]) == (1, 2)
    assert (row["present"], row["coming_late"], row["absent"], row["excused"]) == (1, 1, 0, 0)
    assert (row["gateway_presence"], row["gateway_status"]) == ("online", "up")
    await ground.tell((closed, {"at": BELL + timedelta(minutes=3)}))
    await ground.take()
    (row,) = (await read(api, "lessons", **at))["items"]
    assert (row["question"], row["answering_now"]) == (None, 0)
    (closed_one, _) = (await read(api, f"lessons/{LESSON}"))["boards"]
    assert closed_one["closed_at"] == "2026-11-27T01:13:00Z"
    assert (await read(api, "lessons", since=END.isoformat()))["items"] == []


async def test_a_lesson_opened_in_the_room_is_a_lesson(ground: Ground, api: httpx.AsyncClient) -> None:
    evening = BELL + timedelta(hours=12)
    await ground.tell(
        (LessonEvent(step="started"), {"lesson": "ad-hoc-1", "at": evening}),  # type: ignore[arg-type]
        answer(PUPILS[0], "A", lesson="ad-hoc-1", at=evening + timedelta(minutes=1)),
    )
    await ground.take()
    (row,) = (await read(api, "lessons", since=(evening + timedelta(minutes=2)).isoformat()))["items"]
    assert (row["lesson"], row["planned"], row["answers"], row["ends_at"]) == ("ad-hoc-1", False, 1, None)
    assert (await read(api, "lessons/ad-hoc-1"))["boards"][0]["counts"] == {"A": 1}


async def test_the_story_tells_the_outage_and_what_came_late(ground: Ground, api: httpx.AsyncClient) -> None:
    async with ground.pool.connection() as connection:
        for status, minutes in (("down", 10), ("up", 20)):
            await connection.execute(
                "INSERT INTO status_log (kind, key, status, changed_at, reason, evidence)"
                " SELECT 'link', link, %s, %s, 'x', '{}' FROM links WHERE school = 's01'",
                [status, BELL + timedelta(minutes=minutes)],
            )
    await ground.tell(
        (LessonEvent(step="question_opened", object="q-1"), {"at": BELL + timedelta(minutes=11)}),  # type: ignore[arg-type]
        answer(PUPILS[0], "B", at=BELL + timedelta(minutes=12), arrives=END + timedelta(minutes=10)),
    )
    await ground.take()
    story = await read(api, f"lessons/{LESSON}/story")
    assert [step["kind"] for step in story["steps"]] == ["outage", "lesson_event", "answers"]
    assert story["steps"][0]["until"] == (BELL + timedelta(minutes=20)).isoformat().replace("+00:00", "Z")
    assert (story["late"], story["longest_late_seconds"]) == (1, 600.0)


async def test_what_fits_no_class_is_refused_and_taken_once_the_roster_knows(
    ground: Ground, api: httpx.AsyncClient
) -> None:
    await ground.tell(answer("p-new", "A"), answer(PUPILS[0], "A", school_class="s09-k01"))
    await ground.take()
    reasons = {one["reason"]: one["records"] for one in (await read(api, "refusals"))["items"]}
    assert reasons == {"unknown_subject": 1, "unknown_class": 1}
    async with ground.pool.connection() as connection:
        await connection.execute(
            "INSERT INTO people (person, kind, source_id, name) VALUES ('p-new', 'pupil', 'n', '')"
        )
        await connection.execute(
            "INSERT INTO enrolments (school_class, person, role) VALUES (%s, 'p-new', 'pupil')", [CLASS]
        )
    replayed = (await api.post("/api/v1/teaching/refusals/replay")).json()
    assert replayed == {"tried": 2, "taken": 1}
    assert (await read(api, f"lessons/{LESSON}/questions/q-1/board"))["answered"] == 1


async def test_a_pupil_who_has_left_the_class_is_no_longer_in_its_lessons_but_was(
    ground: Ground, api: httpx.AsyncClient
) -> None:
    async with ground.pool.connection() as connection:
        for person, days in ((PUPILS[0], -3), (PUPILS[1], 3)):
            await connection.execute(
                "UPDATE enrolments SET retired_at = %s WHERE person = %s", [BELL + timedelta(days=days), person]
            )
    await ground.tell(answer(PUPILS[0], "A"), answer(PUPILS[1], "B"))
    await ground.take()
    assert [one["reason"] for one in (await read(api, "refusals"))["items"]] == ["not_enrolled"]
    assert (await read(api, f"lessons/{LESSON}/questions/q-1/board"))["counts"] == {"B": 1}


async def test_an_answer_outside_any_lesson_is_left_to_others(ground: Ground, api: httpx.AsyncClient) -> None:
    await ground.tell(answer(PUPILS[0], "A", at=END + timedelta(hours=5)))
    await ground.take()
    assert (await read(api, "refusals"))["items"] == []
    async with ground.pool.connection() as connection:
        assert await (await connection.execute("SELECT count(*) FROM teaching_facts")).fetchone() == (0,)


async def test_what_is_forgotten_is_gone_from_the_board_and_looks_are_noted(
    ground: Ground, api: httpx.AsyncClient
) -> None:
    gone, _ = await ground.tell(answer(PUPILS[0], "A"), answer(PUPILS[1], "B"))
    await ground.take()
    path = f"lessons/{LESSON}/questions/q-1/board"
    assert (await read(api, path))["answered"] == 2
    async with ground.pool.connection() as connection:
        await forget(connection, [gone])
    assert (await read(api, path))["counts"] == {"B": 1}
    looks = (await api.get("/api/v1/privacy/access", params={"person": PUPILS[0]})).json()["items"]
    assert [one["purpose"] for one in looks] == ["teaching"]
    participation = await read(api, f"classes/{CLASS}/participation", since=BELL.isoformat(), until=END.isoformat())
    assert (participation["lessons"], participation["questions"]) == (1, 1)


async def test_a_lesson_that_nobody_knows_is_not_found(api: httpx.AsyncClient) -> None:
    for path in ("lessons/x", "lessons/x/story", "lessons/x/questions/q/board"):
        assert (await api.get(f"/api/v1/teaching/{path}")).status_code == 404


def test_a_lesson_of_another_class_is_refused() -> None:
    place = Place(True, CLASS, LESSON, "s01-g3c2", True, True)

    class Told:
        type = "answer"
        school_class = CLASS

    assert problem_of(Told(), place) == ("lesson_of_another_class", "the lesson is in the timetable of another class")  # type: ignore[arg-type]
