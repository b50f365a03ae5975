"""Records over real HTTP into a real spool: 201 means on disk; the same id twice changes nothing."""

from __future__ import annotations

import asyncio
import json
import secrets
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from edge_agent.clock import SystemClock
from edge_agent.lan import LanServer, lan_app
from edge_agent.records import Intake
from edge_agent.spool import Spool, SpoolFull
from protocols.codec import decode_segment
from protocols.topics import Lane


class Host:
    """The part of an agent that the record routes need."""

    def __init__(self, spool, executor, folder) -> None:
        self.spool = spool
        self.full = False
        self.records = Intake(self._append, SystemClock(), executor, folder / "records.db")

    async def _append(self, records):
        if self.full:
            raise SpoolFull("no room for 1 items with events or records among them")
        await self.spool.append(records)


@pytest.fixture
async def host(tmp_path):
    with ThreadPoolExecutor(1) as executor:
        spool = Spool(tmp_path / "spool.db", agent="s07-gw", clock=SystemClock(), executor=executor)
        await spool.start()
        host = Host(spool, executor, tmp_path)
        await host.records.start()
        yield host
        await host.records.stop()
        await spool.stop()


@pytest.fixture
async def lan(host):
    server = LanServer(lan_app(host), "127.0.0.1", 0)
    await server.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=60) as client:
        yield client
    await server.stop()


def answer(**changes):
    said = {
        "record_id": secrets.token_hex(16),
        "observed_at_ms": 1_795_000_000_000,
        "subject": "p-0a1b",
        "terminal": "s07-c03-t12",
        "school_class": "s07-g3c2",
        "lesson": "s07-g3c2-20261123-3",
        "fact": {"type": "answer", "question": "q-17", "response": "B", "correct": True},
    }
    return said | changes


async def post(lan, *records):
    return await lan.post("/v1/records", json={"records": list(records)})


async def held(host):
    segments = [decode_segment(one.payload) for one in await host.spool.next_segments(100)]
    return [record for segment in segments for record in segment.records]


async def test_an_answered_batch_is_in_the_spool_in_the_lane_of_records(lan, host):
    said = [answer(), answer()]
    told = await post(lan, *said)
    assert (told.status_code, told.json()) == (201, {"stored": 2, "known": 0})
    assert [one.lane for one in await host.spool.next_segments(10)] == [Lane.RECORDS]
    assert [record.record_id for record in await held(host)] == [one["record_id"] for one in said]
    assert host.spool.books().held_items == 2


async def test_the_same_id_again_changes_nothing_even_within_a_batch_or_after_a_restart(lan, host):
    said = answer()
    assert (await post(lan, said, said)).json() == {"stored": 1, "known": 1}
    await host.records.stop()
    await host.records.start()
    told = await post(lan, said)
    assert (told.status_code, told.json()) == (200, {"stored": 0, "known": 1})
    assert len(await held(host)) == 1


async def test_a_known_id_with_another_content_is_refused_and_nothing_of_its_batch_is_taken(lan, host):
    said = answer()
    await post(lan, said)
    told = await post(lan, answer(), said | {"subject": "p-ffff"})
    assert told.status_code == 409
    assert told.json()["errors"][0]["field"] == "records[1].record_id"
    assert len(await held(host)) == 1


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"name": "Somebody"}, "name", "is not a field of a record"),
        ({"subject": "a name with spaces"}, "records[0].subject", "must match"),
        ({"subject": None}, "records[0].subject", "is needed by a record of type answer"),
        ({"record_id": "x" * 32}, "records[0].record_id", "must be 32 hex digits"),
        ({"fact": {"type": "answer", "response": "B"}}, "records[0].fact", "missing required field `question`"),
        ({"fact": {"type": "gossip"}}, "records[0].fact.type", "Invalid value 'gossip'"),
        ({"fact": {"type": "answer", "question": "q", "response": "\0"}}, "records[0].fact.response", "NUL"),
        ({"fact": {"type": "attendance", "state": "asleep"}}, "records[0].fact.state", "Invalid enum value 'asleep'"),
    ],
)
async def test_a_bad_record_is_refused_by_the_name_of_its_field(lan, host, changes, field, reason):
    told = await post(lan, answer(**changes))
    assert told.status_code == 422
    assert told.json()["errors"][0]["field"] == field
    assert reason in told.json()["errors"][0]["reason"]
    assert await held(host) == []


async def test_every_bad_record_of_a_batch_is_named_at_once(lan):
    told = await post(lan, answer(subject="!"), answer(), answer(lesson="?"))
    assert [error["field"] for error in told.json()["errors"]] == ["records[0].subject", "records[2].lesson"]


async def test_a_full_disk_is_said_as_507_and_the_app_may_come_again(lan, host):
    said = answer()
    host.full = True
    told = await post(lan, said)
    assert told.status_code == 507
    assert "send them again later" in told.json()["hint"]
    host.full = False
    assert (await post(lan, said)).status_code == 201


async def test_fifty_pupils_answer_at_once_and_none_is_lost(lan, host):
    said = [answer(subject=f"p-{number:04d}") for number in range(50)]
    told = await asyncio.gather(*(post(lan, one) for one in said))
    assert {one.status_code for one in told} == {201}
    assert {record.record_id for record in await held(host)} == {one["record_id"] for one in said}


async def test_every_type_is_published_with_schema_and_purpose(lan):
    published = (await lan.get("/v1/records/schemas")).json()
    assert sorted(published) == [
        "activity", "answer", "attendance", "evidence", "grade", "lesson_event", "resource_view", "submission",
    ]  # fmt: skip
    assert all(schema["x-purpose"] for schema in published.values())


async def test_a_batch_that_is_no_json_is_refused(lan):
    told = await lan.post("/v1/records", content=b"{")
    assert told.status_code == 400
    assert json.loads(told.content)["detail"].startswith("the body is not JSON")
