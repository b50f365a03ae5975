"""What waits for a teacher, how a class stands, a file of a pupil's work, the video beside a wrong question."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from protocols.records import Answer, Grade, Part, Submission
from tests.cloud.homework.conftest import CLASS, DUE, OTHER, Ground, grade, submission
from tests.cloud.records.storing import record_of

pytestmark = pytest.mark.db

SINCE = {"since": (DUE - timedelta(days=1)).isoformat()}
PHOTO = b"a photo of a page"
HASH = hashlib.sha256(PHOTO).hexdigest()


async def upload(ground: Ground, data: bytes) -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    answer = await ground.api.put(
        f"/api/v1/content/blobs/{sha256}", params={"size_bytes": len(data), "media_type": "image/jpeg"}, content=data
    )
    assert answer.status_code == 201, answer.text
    return sha256


async def looks(ground: Ground, person: str) -> set[str]:
    found = await ground.api.get("/api/v1/privacy/access", params={"person": person})
    return {look["route"] for look in found.json()["items"]}


async def test_what_waits_for_a_teacher(ground: Ground) -> None:
    await ground.give(audience={"classes": [CLASS, OTHER]})
    works = {
        person: submission(person, DUE - timedelta(minutes=number), 1, *parts)
        for number, (person, parts) in enumerate(
            {"p-1": [], "p-2": [Part(sha256=HASH, size_bytes=len(PHOTO))], "p-3": [], "p-9": []}.items()
        )
    }
    first, second = grade(works["p-3"], 80), grade(works["p-3"], 90)
    await ground.tell(*works.values(), first, second, submission("p-unknown", DUE))

    to_do = await ground.read("todo", school_class=CLASS, **SINCE)
    [item] = to_do["items"]
    assert [one["record_id"] for one in item["to_grade"]] == [works["p-1"].record_id]
    assert [(one["person"], one["missing"]) for one in item["incomplete"]] == [("p-2", [HASH])]
    [conflict] = item["conflicts"]
    assert (conflict["person"], conflict["kept"]["score"], conflict["other"]["score"]) == ("p-3", 80, 90)
    counts = {name: to_do[name] for name in ("to_grade", "conflicts", "incomplete", "refused")}
    assert counts == {"to_grade": 1, "conflicts": 1, "incomplete": 1, "refused": 1}
    assert to_do == await ground.read("todo", teacher="t-1", **SINCE)
    assert await looks(ground, "p-2") == {"/api/v1/homework/todo"}
    assert (await ground.read("todo", school_class=CLASS))["classes"] == [CLASS]

    for query in ({}, {"school_class": CLASS, "teacher": "t-1"}, {"school_class": "s09-g1c1"}, {"teacher": "p-1"}):
        assert (await ground.api.get("/api/v1/homework/todo", params=query)).status_code == 422


async def test_late_work_that_is_not_accepted_does_not_wait_for_a_teacher(ground: Ground) -> None:
    await ground.give(late_accepted=False)
    await ground.tell(submission("p-1", DUE + timedelta(minutes=1)))
    assert (await ground.read("todo", school_class=CLASS, **SINCE))["to_grade"] == 0
    await ground.give(base_version=1)
    assert (await ground.read("todo", school_class=CLASS, **SINCE))["to_grade"] == 1


async def test_how_a_class_stands(ground: Ground) -> None:
    await ground.give(audience={"classes": [CLASS, OTHER]}, max_score=50)
    works = [submission(person, DUE) for person in ("p-1", "p-2", "p-9")]
    judged = [
        record_of(Grade(submission=works[0].record_id, base_version=0, score=9, max_score=10), subject="t-1"),
        grade(works[1], 25),
        grade(works[2], 0),
    ]
    await ground.tell(*works, *judged)
    [standing] = (await ground.read(f"classes/{CLASS}/summary", **SINCE))["items"]
    expected: dict[str, Any] = {"pupils": 3, "handed_in": 2, "missing": 1, "late": 0, "graded": 2, "conflicts": 0}
    assert {name: standing[name] for name in expected} == expected
    assert standing["mean_score_ratio"] == pytest.approx(0.7)
    assert (await ground.api.get("/api/v1/homework/classes/none/summary")).status_code == 404


async def test_a_file_of_a_pupils_work_is_served_and_the_look_noted(ground: Ground) -> None:
    await ground.give()
    work = record_of(
        Submission(assignment="hw-1", parts=[Part(sha256=HASH, size_bytes=len(PHOTO))]), subject="p-1", at=DUE
    )
    await ground.tell(work)
    [part] = (await ground.paper("p-1"))["versions"][0]["parts"]
    assert (part["media_type"], part["arrived"]) == ("application/octet-stream", False)
    path = f"/api/v1/homework/submissions/{work.record_id}/parts/"
    assert (await ground.api.get(path + HASH)).status_code == 404, "it has not arrived"
    await upload(ground, PHOTO)
    served = await ground.api.get(path + HASH, headers={"range": "bytes=2-6"})
    assert (served.status_code, served.content) == (206, b"photo")
    assert path + HASH in await looks(ground, "p-1")
    other = await upload(ground, b"another file")
    assert (await ground.api.get(path + other)).status_code == 404, "it is no file of this work"


async def test_a_wrong_question_shows_its_video_once_it_is_pushed(ground: Ground) -> None:
    await ground.give()
    marked = Answer(question="q-2", response="x", score=1, max_score=2)
    await ground.tell(
        record_of(Answer(question="q-1", response="A"), subject="p-1", at=DUE), record_of(marked, subject="p-1", at=DUE)
    )
    wrong = {one["question"]: one for one in (await ground.read("pupils/p-1/wrong-questions"))["items"]}
    assert set(wrong) == {"q-1", "q-2"}, "not every point is not right yet"
    assert wrong["q-1"]["video"] is None
    sha256 = await upload(ground, b"a film")
    resource = {"sha256": sha256, "title": "Fractions", "resource": "r-1"}
    pushed = await ground.api.post(
        "/api/v1/content/manifests", json={"title": "t", "audience": [f"class:{CLASS}"], "resources": [resource]}
    )
    assert pushed.status_code in (200, 201), pushed.text
    resource_key = pushed.json()["resources"][0]["resource"]
    await ground.give(base_version=1, questions=[{"question": "q-1", "correct": "B", "video_resource": resource_key}])
    [one] = (await ground.read("pupils/p-1/wrong-questions"))["items"]
    assert (one["video"]["sha256"], one["video"]["size_bytes"]) == (sha256, 6)
