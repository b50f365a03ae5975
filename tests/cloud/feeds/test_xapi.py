"""Statements of the centre, read by the edge's own xAPI code and against the rules of the specification."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest

from cloud.feeds import xapi
from cloud.feeds.models import Feed, Format, Verdict
from cloud.feeds.sending import open_sender
from cloud.records.consuming import StoredRecord
from edge_agent.records.xapi import Statement, as_record
from protocols.records import (
    Activity,
    Answer,
    AnyFact,
    Attendance,
    Attended,
    Evidence,
    Grade,
    LessonEvent,
    LessonStep,
    Part,
    ResourceView,
    Submission,
)
from tests.edge_agent.lan.test_records import held, host, lan  # noqa: F401  fixtures

HOME = "https://district.example"
AT = datetime(2026, 11, 27, 1, 15, 30, 250_000, tzinfo=UTC)
PART = Part(sha256="a" * 64, size_bytes=3, media_type="image/png")
FACTS: list[AnyFact] = [
    Answer(question="q-1", response="B", attempt=2, correct=True, score=3, max_score=4, duration_seconds=61.25),
    Answer(question="q-1", response="", score=5, max_score=4, hint_used=True),
    ResourceView(resource="r-1", duration_seconds=0.004, progress_ratio=0.5),
    Attendance(state=Attended.PRESENT),
    Attendance(state=Attended.EXCUSED),
    Submission(assignment="hw-1", version=2, text="done", parts=[PART]),
    Grade(submission="b" * 32, base_version=1, score=-1, max_score=10, comment="good"),
    Evidence(indicator="i-1", value=2.5, note="n"),
    Activity(activity="chess", duration_seconds=3600),
    *[LessonEvent(step=step, object="q-1") for step in LessonStep],
]


def stored(fact: AnyFact, **more: Any) -> StoredRecord:
    values: dict[str, Any] = {
        "place": 1, "record_id": "0123456789abcdef0123456789abcdef", "agent": "s01-gw", "school": "s01",
        "type": type(fact).__struct_config__.tag, "subject": "p-1", "terminal": "t-1", "school_class": "s01-g3c1",
        "lesson": "s01-g3c1.20261127.p2", "observed_at": AT, "accepted_at": AT, "corrected_at": AT + timedelta(hours=3),
        "received_at": AT, "fact": fact,
    }  # fmt: skip
    return StoredRecord(**(values | more))


def iris(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [found for name, found in value.items() if name in ("id", "homePage") and ":" in str(found)]
        return [*own, *(name for name in value if "/" in name), *(one for part in value.values() for one in iris(part))]
    return [one for part in value for one in iris(part)] if isinstance(value, list) else []


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_a_statement_keeps_the_rules_of_the_specification(fact: AnyFact) -> None:
    said = json.loads(json.dumps(xapi.statement(stored(fact), HOME)))
    assert str(UUID(said["id"])) == said["id"]
    assert set(said) <= {"id", "actor", "verb", "object", "result", "context", "timestamp"}
    assert said["actor"] == {"objectType": "Agent", "account": {"homePage": HOME, "name": "p-1"}}
    assert set(said.get("result", {})) <= {"score", "success", "response", "duration", "extensions"}
    score = said.get("result", {}).get("score", {})
    assert score.get("raw", 0) <= score.get("max", float("inf"))
    assert -1 <= score.get("scaled", 0) <= 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", said["timestamp"])
    assert said["timestamp"] == "2026-11-27T04:15:30.250Z"  # as the centre corrected it
    if duration := said.get("result", {}).get("duration"):
        assert re.fullmatch(r"PT\d+(\.\d+)?S", duration)
    assert None not in said.get("result", {}).values()
    for iri in iris(said):
        assert re.match(r"https?://[a-z.]+/?\S*$", iri), iri


def test_every_type_of_record_has_a_statement() -> None:
    assert {type(fact) for fact in FACTS} == set(get_args(AnyFact))


@pytest.mark.parametrize("fact", [FACTS[0], FACTS[2], FACTS[3], FACTS[8]], ids=lambda fact: type(fact).__name__)
def test_the_edge_reads_the_same_fact_out_of_it(fact: AnyFact) -> None:
    said = xapi.statement(stored(fact), HOME)
    statement = msgspec.json.decode(json.dumps(said).encode(), type=Statement)
    record = as_record(statement, UUID(said["id"]), 0)
    assert (record.subject, record.lesson, record.school_class) == ("p-1", "s01-g3c1.20261127.p2", "s01-g3c1")
    unsaid = {"attempt": 1, "progress_ratio": None}  # no statement says these
    expected = msgspec.structs.replace(
        fact, **{name: value for name, value in unsaid.items() if name in fact.__struct_fields__}
    )
    if isinstance(expected, ResourceView):
        expected = msgspec.structs.replace(expected, duration_seconds=0.0)
    assert record.fact == expected


def test_what_is_about_nobody_has_the_terminal_or_the_agent_as_actor() -> None:
    event = LessonEvent(step=LessonStep.LOCKED)
    for terminal, name in (("t-1", "t-1"), (None, "s01-gw")):
        said = xapi.statement(stored(event, subject=None, terminal=terminal, lesson=None, school_class=None), HOME)
        assert said["actor"]["account"]["name"] == name
        assert said["object"]["id"] == f"{HOME}/agents/s01-gw"


def test_a_batch_goes_to_statements_with_version_and_credentials() -> None:
    feed = Feed("lrs", Format.XAPI, "https://lrs.example/xapi/", HOME, [], None, "us:er", "running", 0, 1, 0, AT, None)
    message = xapi.message(feed, [stored(FACTS[0]), stored(FACTS[3])])
    assert message.url == "https://lrs.example/xapi/statements"
    assert message.headers["x-experience-api-version"] == "1.0.3"
    assert base64.b64decode(message.headers["authorization"].removeprefix("Basic ")) == b"us:er"
    assert len(json.loads(message.body)) == 2
    assert message.known_status is None
    assert xapi.message(feed, [stored(FACTS[0])]).known_status == 409
    assert xapi.authority("a.bearer-token") == "Bearer a.bearer-token"
    assert "us:er" not in repr(feed) + repr(message)


async def test_a_real_agent_takes_back_what_it_can_say(lan, host) -> None:  # noqa: F811
    facts = [FACTS[0], FACTS[1], FACTS[2], FACTS[3], FACTS[8]]
    records = [stored(fact, record_id=f"{number:032x}") for number, fact in enumerate(facts, start=1)]
    feed = Feed("lrs", Format.XAPI, f"{lan.base_url}/xapi", HOME, [], None, "us:er", "running", 0, 1, 0, AT, None)
    async with open_sender() as sender:
        for _ in range(2):  # the same again is known and changes nothing
            assert (await sender.send(xapi.message(feed, records))).verdict is Verdict.TAKEN
        changed = [stored(Answer(question="q-9", response="Z"), record_id=f"{1:032x}")]
        assert (await sender.send(xapi.message(feed, changed))).reason == "known"  # a 409: it has that id
        new = stored(FACTS[0], record_id=f"{9:032x}")
        assert (await sender.send(xapi.message(feed, [*changed, new]))).verdict is Verdict.REFUSED  # to be narrowed
    taken = await held(host)
    assert [record.record_id for record in taken] == [record.record_id for record in records]
    assert {record.subject for record in taken} == {"p-1"}
