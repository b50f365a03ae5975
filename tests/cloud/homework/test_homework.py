"""Homework: every version kept, lateness excused by evidence, conflicts settled, wrong questions listed."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest

from cloud.homework.taking import forget
from protocols.records import Answer, Grade, Part, Record
from tests.cloud.homework.conftest import CLASS, DUE, OTHER, Ground, grade, submission
from tests.cloud.records.storing import record_of

pytestmark = pytest.mark.db


async def test_every_version_is_kept_and_the_last_made_before_the_deadline_counts(ground: Ground) -> None:
    assert (await ground.give()).status_code == 200
    made = [
        submission("p-1", DUE + timedelta(minutes=offset), version) for version, offset in enumerate((-60, -5, 30), 1)
    ]
    shuffled = list(made)
    random.Random(3).shuffle(shuffled)
    await ground.tell(*shuffled, submission("p-2", DUE + timedelta(minutes=1)))
    first = await ground.paper("p-1")
    assert [(one["version"], one["counts"]) for one in first["versions"]] == [(1, False), (2, True), (3, False)]
    assert (first["state"], first["timeliness"]) == ("handed_in", "in_time")
    papers = await ground.read("assignments/hw-1/papers")
    assert {name: papers[name] for name in ("handed_in", "missing", "late", "excused", "ungraded")} == {
        "handed_in": 2, "missing": 1, "late": 1, "excused": 0, "ungraded": 2,
    }  # fmt: skip


async def test_an_outage_of_the_school_excuses_and_is_named(ground: Ground) -> None:
    await ground.give(audience={"classes": [CLASS, OTHER]})
    async with ground.pool.connection() as connection:
        for status, minutes in (("down", -20), ("up", 40)):
            await connection.execute(
                "INSERT INTO status_log (kind, key, status, changed_at, reason, evidence)"
                " SELECT 'link', link, %s, %s, 'x', '{}' FROM links WHERE school = 's01'",
                [status, DUE + timedelta(minutes=minutes)],
            )
    late = DUE + timedelta(minutes=90)
    await ground.tell(submission("p-1", late), submission("p-9", late), submission("p-2", DUE + timedelta(hours=3)))
    excused = await ground.paper("p-1")
    assert excused["timeliness"] == "excused"
    assert (excused["evidence"]["thing"], excused["evidence"]["status"]) == ("s01-wan", "down")
    assert (await ground.paper("p-9"))["timeliness"] == "late", "another school's line was up"
    assert (await ground.paper("p-2"))["timeliness"] == "late", "long after the line was back"


async def test_work_is_complete_only_when_its_last_file_has_arrived(ground: Ground) -> None:
    await ground.give()
    parts = [Part(sha256=letter * 64, size_bytes=3, media_type="image/jpeg") for letter in "ab"]
    await ground.tell(submission("p-1", DUE, 1, *parts))
    for number, state in enumerate(("incomplete", "incomplete", "handed_in")):
        paper = await ground.paper("p-1")
        assert paper["state"] == state
        assert sum(part["arrived"] for part in paper["versions"][0]["parts"]) == number
        assert (await ground.read("pupils/p-1/todo", since="2026-11-01T00:00:00Z"))["items"][0]["state"] == state
        if number < 2:
            async with ground.pool.connection() as connection:
                await connection.execute(
                    "INSERT INTO blobs VALUES (%s, 3, 'image/jpeg', now())", [parts[number].sha256]
                )


async def test_two_teachers_grading_one_paper_lose_nothing_and_a_person_settles_it(ground: Ground) -> None:
    await ground.give(max_score=100)
    work = submission("p-1", DUE)
    first, second = grade(work, 80), grade(work, 90)
    await ground.tell(first, work, second)  # a judgement may arrive before what it judges
    row = (await ground.paper("p-1"))["versions"][0]
    assert (row["grade"]["score"], row["grade_version"]) == (80, 1)
    assert [one["score"] for one in row["conflicts"]] == [90]
    assert (await ground.read("assignments/hw-1/papers"))["conflicts"] == 1

    path = f"/api/v1/homework/grades/{second.record_id}/settlement"
    assert (await ground.api.post(path, json={"chosen": True})).status_code == 204
    row = (await ground.paper("p-1"))["versions"][0]
    assert (row["grade"]["score"], row["grade_version"], row["conflicts"]) == (90, 2, [])
    assert [one["score"] for one in row["past_grades"]] == [80]
    assert (await ground.api.post(path, json={"chosen": False})).status_code == 409
    unknown = f"/api/v1/homework/grades/{'0' * 32}/settlement"
    assert (await ground.api.post(unknown, json={"chosen": True})).status_code == 404

    await ground.tell(grade(work, 95, base=2, at=datetime.now(UTC) + timedelta(seconds=1)))
    row = (await ground.paper("p-1"))["versions"][0]
    assert (row["grade"]["score"], row["grade_version"], row["conflicts"]) == (95, 3, [])


async def test_wrong_questions_are_listed_with_solution_and_video_until_they_are_right(ground: Ground) -> None:
    await ground.give()

    def answer(question: str, response: str, attempt: int, correct: bool | None = None) -> Record:
        fact = Answer(question=question, response=response, attempt=attempt, correct=correct)
        return record_of(fact, subject="p-1", at=DUE + timedelta(minutes=attempt))

    await ground.tell(
        answer("q-1", "A", 1), answer("q-2", "x", 1, correct=False), answer("q-of-a-lesson", "A", 1, correct=False)
    )
    wrong = (await ground.read("pupils/p-1/wrong-questions"))["items"]
    assert {one["question"] for one in wrong} == {"q-1", "q-2"}
    one = next(one for one in wrong if one["question"] == "q-1")
    assert (one["response"], one["correct_response"], one["solution"], one["video_resource"]) == (
        "A",
        "B",
        "通分",
        "r-1",
    )
    questions = (await ground.read("assignments/hw-1"))["questions"]
    assert [(one["answered"], one["wrong"]) for one in questions] == [(1, 1), (1, 1)]
    await ground.tell(answer("q-1", "B", 2))
    assert {one["question"] for one in (await ground.read("pupils/p-1/wrong-questions"))["items"]} == {"q-2"}
    mastered = (await ground.read("pupils/p-1/wrong-questions", mastered=True))["items"][0]
    assert (mastered["question"], mastered["mastered"], mastered["attempts"], mastered["times_wrong"]) == (
        "q-1", True, 2, 1
    )  # fmt: skip
    assert await ground.refusals() == {}


async def test_what_fits_no_assignment_or_pupil_is_refused_with_a_reason_and_taken_once_it_fits(ground: Ground) -> None:
    early = submission("p-1", DUE)
    await ground.tell(early)
    assert await ground.refusals() == {"unknown_assignment": 1}
    await ground.give(audience={"pupils": ["p-2"]})
    await ground.taken("not_assigned")
    await ground.give(base_version=1)
    await ground.taken()
    assert (await ground.paper("p-1"))["state"] == "handed_in", "what waited for its assignment is taken with it"
    await ground.tell(
        submission("p-9", DUE),
        submission("p-unknown", DUE),
        record_of(Grade(submission=early.record_id, base_version=0, score=7, max_score=5), subject="t-1"),
        record_of(Grade(submission=early.record_id, base_version=0, score=5), subject="p-1"),
    )
    replayed = await ground.api.post("/api/v1/records/refusals/replay", params={"consumer": "homework"})
    assert replayed.json()["items"] == [{"consumer": "homework", "tried": 4, "taken": 0}]
    assert await ground.refusals() == {
        "not_assigned": 1, "unknown_subject": 1, "score_out_of_range": 1, "not_a_teacher": 1,
    }  # fmt: skip


async def test_an_assignment_is_changed_by_who_saw_it_and_refused_with_every_problem_at_once(ground: Ground) -> None:
    assert (await ground.give()).json()["version"] == 1
    again = await ground.give()
    assert (again.status_code, again.json()["version"]) == (200, 1), "the same again changes nothing"
    stale = await ground.give(title="另一个")
    assert (stale.status_code, stale.json()["type"]) == (409, "urn:bellwether:problem:assignment-changed")
    groups = {"groups": [{"name": "第三组", "pupils": ["p-1", "p-2"]}], "pupils": ["p-9"]}
    changed = (await ground.give(base_version=1, audience=groups)).json()
    assert (changed["version"], changed["pupils"]) == (2, 3)
    assert changed["audience"] == groups | {"classes": []}
    assert (await ground.paper("p-2"))["group"] == "第三组"
    assert [one["assignment"] for one in (await ground.read("assignments", school_class=OTHER))["items"]] == ["hw-1"]
    assert (await ground.read("assignments", person="p-3"))["items"] == []

    wrong = await ground.give(
        base_version=2,
        audience={"classes": ["s09-g1c1"], "pupils": ["t-1"]},
        questions=[{"question": "q-1"}, {"question": "q-1"}],
    )
    assert wrong.status_code == 422
    assert {one["field"] for one in wrong.json()["errors"]} == {"audience.classes", "audience.pupils", "questions"}
    nobody = await ground.give(base_version=2, audience={})
    assert [one["field"] for one in nobody.json()["errors"]] == ["audience"]

    gone = await ground.api.delete("/api/v1/homework/assignments/hw-1")
    assert (gone.json()["version"], gone.json()["withdrawn_at"] is None) == (3, False)
    assert (await ground.read("assignments"))["items"] == []
    assert (await ground.give(base_version=3)).json()["withdrawn_at"] is None


async def test_every_look_at_a_pupil_is_noted_and_what_is_erased_is_forgotten(ground: Ground) -> None:
    await ground.give()
    work = submission("p-1", DUE)
    judged = grade(work, 3)
    await ground.tell(work, judged, record_of(Answer(question="q-1", response="A"), subject="p-1", at=DUE))
    await ground.paper("p-1")
    await ground.read("pupils/p-1/wrong-questions")
    looks = (await ground.api.get("/api/v1/privacy/access", params={"person": "p-3"})).json()["items"]
    assert {look["purpose"] for look in looks} == {"homework"}, "to be shown as missing is to be looked at"
    looks = (await ground.api.get("/api/v1/privacy/access", params={"person": "p-1"})).json()["items"]
    assert {look["purpose"] for look in looks} == {"homework"}
    async with ground.pool.connection() as connection:
        cursor = await connection.execute("SELECT record_id FROM records")
        await forget(connection, [record_id for (record_id,) in await cursor.fetchall()])
    assert (await ground.paper("p-1"))["state"] == "missing"
    assert (await ground.read("pupils/p-1/wrong-questions"))["items"] == []


async def test_answers_that_came_before_their_question_count_once_it_is_asked(ground: Ground) -> None:
    early = [record_of(Answer(question="q-1", response="A"), subject=person, at=DUE) for person in ("p-1", "p-9")]
    await ground.tell(*early)
    await ground.give()
    assert [one["attempts"] for one in (await ground.read("pupils/p-1/wrong-questions"))["items"]] == [1]
    assert (await ground.read("pupils/p-9/wrong-questions"))["items"] == [], "it was not asked of this pupil"


async def test_late_work_is_kept_and_accepted_only_where_the_assignment_says_so(ground: Ground) -> None:
    await ground.give(late_accepted=False)
    await ground.tell(submission("p-1", DUE + timedelta(hours=1)), submission("p-2", DUE))
    assert [(one["accepted"], one["timeliness"]) for one in [await ground.paper("p-1"), await ground.paper("p-2")]] == [
        (False, "late"), (True, "in_time")
    ]  # fmt: skip
    await ground.give(base_version=1, late_accepted=True)
    assert (await ground.paper("p-1"))["accepted"] is True


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_judgements_in_any_order_of_arrival_are_two_versions_and_a_conflict(
    ground: Ground, order: tuple[int, ...]
) -> None:
    await ground.give()
    work = submission("p-1", DUE)
    graded = [grade(work, 70), grade(work, 80), grade(work, 90, base=1)]
    await ground.tell(work, *(graded[number] for number in order))
    row = (await ground.paper("p-1"))["versions"][0]
    assert (row["grade"]["score"], row["grade_version"]) == (90, 2)
    assert len(row["conflicts"]) == 1
    scores = {one["score"] for one in [row["grade"], *row["conflicts"], *row["past_grades"]]}
    assert scores == {70, 80, 90}


async def test_a_forgotten_judgement_keeps_its_place_so_that_later_ones_stand(ground: Ground) -> None:
    await ground.give()
    work = submission("p-1", DUE)
    first, second = grade(work, 80), grade(work, 90, base=1)
    await ground.tell(work, first, second)
    async with ground.pool.connection() as connection:
        await forget(connection, [first.record_id])
    row = (await ground.paper("p-1"))["versions"][0]
    assert (row["grade"]["score"], row["grade_version"], row["conflicts"], row["past_grades"]) == (90, 2, [], [])
    async with ground.pool.connection() as connection:
        await forget(connection, [work.record_id, second.record_id])
        cursor = await connection.execute("SELECT count(*) FROM homework_grades")
        assert await cursor.fetchone() == (0,)


async def test_what_is_not_there_is_said(ground: Ground) -> None:
    for path in ("assignments/none", "assignments/none/papers", "pupils/none/todo", "pupils/t-1/wrong-questions"):
        assert (await ground.api.get(f"/api/v1/homework/{path}")).status_code == 404
