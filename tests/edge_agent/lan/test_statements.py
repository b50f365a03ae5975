"""xAPI 1.0.3 on the LAN: statements become records; a known id changes nothing; what has no purpose is refused."""

from __future__ import annotations

import uuid

import pytest

from protocols.records import Answer, Attendance, ResourceView
from tests.edge_agent.lan.test_records import held, host, lan  # noqa: F401  fixtures

VERSION = {"X-Experience-API-Version": "1.0.3"}
VERBS = "http://adlnet.gov/expapi/verbs/"
BASE = "https://district.example/"


def statement(verb="answered", **changes):
    said = {
        "id": str(uuid.uuid4()),
        "actor": {"objectType": "Agent", "account": {"homePage": BASE, "name": "p-0a1b"}},
        "verb": {"id": VERBS + verb, "display": {"en": verb}},
        "object": {"id": BASE + "questions/q-17", "definition": {"name": {"en": "Seventeen"}}},
        "result": {"response": "B", "success": True, "duration": "PT1M30.5S", "score": {"raw": 4, "max": 5}},
        "context": {"contextActivities": {"parent": [{"id": BASE + "lessons/g3c2-3"}]}},
        "timestamp": "2026-11-23T08:15:00+08:00",
    }
    return said | changes


async def test_an_answer_put_twice_is_one_record_and_can_be_read_back(lan, host):  # noqa: F811
    said = statement()
    for _ in range(2):
        told = await lan.put("/xapi/statements", params={"statementId": said["id"]}, json=said, headers=VERSION)
        assert told.status_code == 204
        assert told.headers["x-experience-api-version"] == "1.0.3"
    (record,) = await held(host)
    assert record.record_id == uuid.UUID(said["id"]).hex
    assert (record.subject, record.lesson, record.observed_at_ms) == ("p-0a1b", "g3c2-3", 1_795_392_900_000)
    assert record.fact == Answer(
        question="q-17", response="B", correct=True, score=4.0, max_score=5.0, duration_seconds=90.5
    )
    kept = await lan.get("/xapi/statements", params={"statementId": said["id"]}, headers=VERSION)
    assert kept.json()["id"] == said["id"]
    assert kept.json()["object"]["id"] == BASE + "questions/q-17"


async def test_a_batch_is_taken_whole_and_answered_with_its_ids_in_order(lan, host):  # noqa: F811
    batch = [statement(), statement("attended"), statement("experienced", result={"duration": "PT5M"})]
    told = await lan.post("/xapi/statements", json=batch, headers=VERSION)
    assert (told.status_code, told.json()) == (200, [one["id"] for one in batch])
    assert [type(record.fact) for record in await held(host)] == [Answer, Attendance, ResourceView]


async def test_a_statement_without_an_id_is_given_one(lan):  # noqa: F811
    told = await lan.post("/xapi/statements", json=statement(id=None), headers=VERSION)
    assert uuid.UUID(told.json()[0]).version == 4


async def test_a_statement_without_a_timestamp_may_come_again(lan, host):  # noqa: F811
    said = statement()
    del said["timestamp"]
    for _ in range(2):
        assert (await lan.post("/xapi/statements", json=said, headers=VERSION)).status_code == 200
    assert len(await held(host)) == 1


async def test_another_content_under_a_known_id_is_a_conflict(lan, host):  # noqa: F811
    said = statement()
    await lan.post("/xapi/statements", json=said, headers=VERSION)
    told = await lan.post("/xapi/statements", json=[statement(), said | {"result": {"response": "C"}}], headers=VERSION)
    assert told.status_code == 409
    assert [one["field"] for one in told.json()["errors"]] == ["[1].id"]
    alone = await lan.post("/xapi/statements", json=said | {"result": {"response": "C"}}, headers=VERSION)
    assert [one["field"] for one in alone.json()["errors"]] == ["id"]
    assert len(await held(host)) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"actor": {"name": "Somebody", "account": {"homePage": BASE, "name": "p-1"}}}, "name"),
        ({"actor": {"mbox": "mailto:somebody@district.example"}}, "mbox"),
        ({"actor": {"account": {"homePage": BASE, "name": "a full name"}}}, "actor.account.name"),
        ({"verb": "launched"}, "verb.id"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": "2026-11-23T08:15:00"}, "timestamp"),
        ({"result": {"duration": "90 s"}}, "result.duration"),
        ({"result": {"extensions": {}}}, "extensions"),
        ({"object": {"id": BASE + "questions/?"}}, "object.id"),
        ({"id": "17"}, "id"),
    ],
)
async def test_what_cannot_be_taken_is_refused_by_its_field(lan, host, changes, field):  # noqa: F811
    told = await lan.post("/xapi/statements", json=statement(**changes), headers=VERSION)
    assert told.status_code == 400
    assert told.json()["errors"][0]["field"] == field
    assert await held(host) == []


async def test_a_request_without_the_version_is_refused(lan):  # noqa: F811
    told = await lan.post("/xapi/statements", json=statement())
    assert told.status_code == 400
    assert "X-Experience-API-Version: 1.0.3" in told.json()["hint"]
    assert (await lan.get("/xapi/about")).json() == {"version": ["1.0.3"]}


async def test_an_unknown_statement_is_not_found(lan):  # noqa: F811
    told = await lan.get("/xapi/statements", params={"statementId": str(uuid.uuid4())}, headers=VERSION)
    assert told.status_code == 404
