"""Records that count towards indicators are kept once; what no indicator can count is refused with its reason."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest

from cloud.evaluation import reading
from cloud.evaluation.models import Stage
from cloud.evaluation.service import DEFAULT_FRAMEWORK, import_framework
from protocols.records import Activity, Answer, AnyFact, Attendance, Attended, Evidence, Part, Submission
from tests.cloud.evaluation.conftest import AUTUMN, Ground

pytestmark = pytest.mark.db


@pytest.mark.parametrize(
    ("fact", "envelope", "reason"),
    [
        (Evidence(indicator="Z9-99", value=1), {}, "unknown_indicator"),
        (Evidence(indicator="M1", value=1), {}, "unknown_indicator"),
        (Evidence(indicator="M1-01", value=6), {}, "out_of_bounds"),
        (Evidence(indicator="M1-01", value=0), {}, "out_of_bounds"),
        (Evidence(indicator="M1-05", value=3), {}, "wrong_stage"),
        (Evidence(indicator="A6-06", value=3), {"at": datetime(2025, 3, 1, tzinfo=UTC)}, "not_in_force"),
        (Evidence(indicator="A1-01", value=1), {}, "not_from_evidence"),
        (Evidence(indicator="M1-01", value=3), {"person": "p-nobody"}, "unknown_subject"),
        (Activity(activity="siesta.daily", duration_seconds=60), {}, "unknown_activity"),
        (Activity(activity="volunteer.park", duration_seconds=3600), {}, "wrong_stage"),
        (Activity(activity="sport.run", duration_seconds=3_000_000), {}, "out_of_bounds"),
        (Attendance(state=Attended.PRESENT), {}, "no_lesson"),
        (Answer(question="q", response="A"), {"person": "p-nobody"}, "unknown_subject"),
    ],
)
async def test_it_is_refused_with_its_reason(ground: Ground, fact: AnyFact, envelope: dict, reason: str) -> None:
    assert await ground.hand_in(fact, **envelope) == [reason]
    assert await ground.rows("SELECT count(*) FROM evaluation_items") == [(0,)]


async def test_a_value_is_not_repeated_in_the_words_of_a_refusal(ground: Ground) -> None:
    await ground.hand_in(Evidence(indicator="M1-01", value=777))
    [(detail,)] = await ground.rows("SELECT detail FROM record_refusals")
    assert "777" not in detail
    assert detail == "the value for indicator M1-01 is not within 1 to 5"


async def test_evidence_waits_for_a_framework_and_is_taken_when_tried_again(empty_ground: Ground) -> None:
    assert await empty_ground.hand_in(Evidence(indicator="M1-01", value=4)) == ["no_framework"]
    async with empty_ground.pool.connection() as connection, connection.transaction():
        await import_framework(connection, DEFAULT_FRAMEWORK.read_bytes())
    assert await empty_ground.consumer.replay() == (1, 1)
    assert await empty_ground.rows("SELECT code, value::int FROM evaluation_items") == [("M1-01", 4)]


async def test_evidence_is_known_by_code_or_by_identifier_and_counts_once(ground: Ground) -> None:
    record = "0" * 31 + "1"
    [(identifier,)] = await ground.rows("SELECT identifier FROM evaluation_nodes WHERE code = 'M1-01'")
    for _ in range(2):
        assert await ground.hand_in(Evidence(indicator=identifier, value=4), record_id=record) == []
    assert await ground.hand_in(Evidence(indicator="M1-01", value=5)) == []
    rows = await ground.rows("SELECT counts_for, code, value::int, school_year, term, stage FROM evaluation_items")
    assert sorted(rows) == [(identifier, "M1-01", value, 2026, 1, "primary") for value in (4, 5)]


async def tally(ground: Ground, key: str, person: str = "p-1") -> tuple[int, float] | None:
    async with ground.pool.connection() as connection:
        counted = await reading.tallies(connection, [person], 2026, None)
    found = [one.tally for one in counted if one.counts_for == key]
    return (found[0].n, found[0].total) if found and found[0] else None


async def test_an_item_counts_when_all_its_files_are_at_the_centre(ground: Ground) -> None:
    hashes = ["a" * 64, "b" * 64]
    fact = Evidence(indicator="M1-01", value=4, parts=[Part(sha256=one, size_bytes=1) for one in [*hashes, hashes[0]]])
    await ground.hand_in(fact)
    [(key,)] = await ground.rows("SELECT counts_for FROM evaluation_items")
    for sha256 in hashes:
        assert await tally(ground, key) is None
        await ground.rows("INSERT INTO blobs VALUES (%s, 1, 'image/jpeg', now())", sha256)
    assert await tally(ground, key) == (1, 4.0)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_of_attendance_the_newest_counts_whichever_comes_first(ground: Ground, order: tuple[int, ...]) -> None:
    said = [Attended.ABSENT, Attended.EXCUSED, Attended.LATE]
    for minutes in order:
        at = AUTUMN + timedelta(minutes=minutes)
        assert await ground.hand_in(Attendance(state=said[minutes]), at=at, lesson="s01-g3c1.20261012.p1") == []
    assert await tally(ground, "attendance.presence") == (1, 1.0)
    assert await tally(ground, "attendance.punctuality") == (1, 0.0)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_of_answers_the_first_attempt_counts_whichever_comes_first(
    ground: Ground, order: tuple[int, ...]
) -> None:
    answers = [
        Answer(question="q-1", response="B", attempt=1, correct=False),
        Answer(question="q-1", response="C", attempt=2, correct=True),
        Answer(question="q-2", response="long", score=3, max_score=4),
    ]
    for number in order:
        assert await ground.hand_in(answers[number], at=AUTUMN + timedelta(minutes=number), lesson="l") == []
    assert await tally(ground, "answer.correctness") == (2, 0.75)
    assert await tally(ground, "answer.participation") == (2, 2.0)


async def test_an_answer_nobody_marked_says_nothing_about_correctness(ground: Ground) -> None:
    await ground.hand_in(Answer(question="q-1", response="an essay"))
    assert await tally(ground, "answer.correctness") is None
    assert await tally(ground, "answer.participation") == (1, 1.0)


async def test_an_assignment_handed_in_twice_counts_once(ground: Ground) -> None:
    await ground.hand_in(Submission(assignment="a-1"), Submission(assignment="a-1", version=2))
    assert await tally(ground, "submission.handed_in") == (1, 1.0)


async def test_an_activity_counts_by_its_kind_in_hours_and_in_times(ground: Ground) -> None:
    await ground.hand_in(Activity(activity="sport.basketball", duration_seconds=5400))
    assert await tally(ground, "activity.hours.sport") == (1, 1.5)
    assert await tally(ground, "activity.count.sport") == (1, 1.0)


async def test_the_stage_is_the_one_of_the_day_the_fact_was_made(ground: Ground) -> None:
    await ground.add_class("s09", "junior", "s09-g7c1", "p-9", begins_on=date(2026, 9, 1))
    await ground.add_class("s08", "primary", "s08-g6c1", "p-9", begins_on=date(2020, 9, 1), ends_on=date(2026, 6, 30))
    for day in (date(2026, 5, 4), date(2026, 7, 20), date(2026, 9, 20)):
        at = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
        assert await ground.hand_in(Evidence(indicator="M1-01", value=3), person="p-9", at=at) == []
    assert await ground.rows(
        "SELECT stage, school_year, term, school_class FROM evaluation_items ORDER BY made_at"
    ) == [
        (Stage.PRIMARY, 2025, 2, "s08-g6c1"),
        (Stage.PRIMARY, 2025, 2, "s08-g6c1"),
        (Stage.JUNIOR, 2026, 1, "s09-g7c1"),
    ]


async def test_before_the_first_class_of_a_pupil_nothing_counts(ground: Ground) -> None:
    await ground.add_class("s09", "junior", "s09-g7c1", "p-9", begins_on=date(2026, 9, 1))
    at = datetime(2026, 8, 31, 8, tzinfo=UTC)
    assert await ground.hand_in(Evidence(indicator="M1-01", value=3), person="p-9", at=at) == ["no_enrolment"]
