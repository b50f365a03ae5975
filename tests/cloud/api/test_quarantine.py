"""Quarantine over the API: listed, readable, replayed through ingest's own code."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx

from cloud.api.server import ApiServer
from cloud.config import Settings
from protocols.blocks import pack
from protocols.codec import JSON, MSGPACK, encode, encode_json
from protocols.records import Answer, Record
from protocols.samples import HostSample
from protocols.segments import Books, Segment, content_hash
from tests.cloud.district import SmallDistrict, now


def segment_of(agent: str, **contents: Any) -> Segment:
    return Segment(
        agent=agent,
        epoch="00000000000000aa",
        seq=1,
        low=1,
        boot="boot-1",
        sealed_at_ms=int(datetime.now(UTC).timestamp() * 1000),
        sealed_monotonic_ms=1000,
        **contents,
    )


def put(district: SmallDistrict, *, agent: str = "s01-gw", reason: str = "unknown_agent", **columns: Any) -> bytes:
    moment = int(datetime.now(UTC).timestamp() * 1000)
    sample = HostSample(thing=agent, observed_at_ms=moment, monotonic_ms=1000, cpu_ratio=0.5)
    segment = segment_of(agent, books=Books(produced_items=1, held_items=1), blocks=pack([sample]))
    payload = columns.pop("payload", encode(segment))
    district.insert(
        "quarantine",
        {
            "agent": agent,
            "topic": f"bw/1/{agent}/up/live",
            "lane": "live",
            "content_type": MSGPACK,
            "reason": reason,
            "detail": "",
            "epoch": "00000000000000aa",
            "seq": 1,
            "items": 1,
            "size_bytes": len(payload),
            "content_hash": content_hash(payload),
            "payload": payload,
            "received_at": now(),
            "last_received_at": now(),
            **columns,
        },
    )
    return payload


async def test_what_a_pupil_said_is_not_shown_to_operators(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    answer = Record(
        record_id="0a" * 16,
        observed_at_ms=1,
        accepted_at_ms=1,
        monotonic_ms=1,
        subject="p-0a1b",
        fact=Answer(question="q-1", response="a secret"),
    )
    segment = segment_of("s01-gw", books=Books(), records=[answer])
    put(district, payload=encode_json(segment), content_type=JSON, lane="records")
    listed = (await api.get("/api/v1/quarantine")).json()["items"]
    told = await api.get(f"/api/v1/quarantine/{listed[0]['id']}")
    detail = told.json()
    assert detail["payload_hex"] == ""
    assert "p-0a1b" not in told.text
    assert "secret" not in told.text
    assert '"records":[{"record_id":"' + "0a" * 16 + '","type":"answer"}]' in detail["decoded"]


async def test_quarantine_is_listed_by_reason_and_read_as_json(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    put(district)
    put(district, agent="s02-gw", reason="bad_schema", payload=b"\x00broken")

    listed = (await api.get("/api/v1/quarantine")).json()
    assert [(row["agent"], row["reason"]) for row in listed["items"]] == [
        ("s02-gw", "bad_schema"),
        ("s01-gw", "unknown_agent"),
    ]
    assert {(row["reason"], row["segments"]) for row in listed["reasons"]} == {("bad_schema", 1), ("unknown_agent", 1)}
    one = (await api.get("/api/v1/quarantine", params={"reason": "bad_schema"})).json()
    assert one["total"] == 1
    readable = (await api.get(f"/api/v1/quarantine/{listed['items'][1]['id']}")).json()
    assert '"cpu_ratio":[0.5]' in readable["decoded"]
    broken = (await api.get(f"/api/v1/quarantine/{listed['items'][0]['id']}")).json()
    assert broken["decoded"] is None
    assert broken["payload_hex"] == b"\x00broken".hex()


async def test_a_replayed_segment_is_stored_and_leaves_quarantine(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    put(district)
    number = (await api.get("/api/v1/quarantine")).json()["items"][0]["id"]
    report = (await api.post(f"/api/v1/quarantine/{number}/replay")).json()
    assert report == {"replayed": 1, "stored": 1, "duplicate": 0, "still_quarantined": 0}
    assert (await api.get("/api/v1/quarantine")).json()["total"] == 0
    assert (await api.get("/api/v1/agents/s01-gw")).json()["metrics"]["cpu_ratio"] == 0.5
    assert (await api.post(f"/api/v1/quarantine/{number}/replay")).status_code == 404


async def test_what_is_still_wrong_stays_after_a_replay_of_all(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    put(district)
    put(district, agent="s02-gw", reason="bad_schema", payload=b"\x00broken")
    report = (await api.post("/api/v1/quarantine/replay")).json()
    assert (report["replayed"], report["stored"], report["still_quarantined"]) == (2, 1, 1)


async def test_replay_needs_the_operators_token_when_one_is_configured(
    api_settings: Settings, district: SmallDistrict
) -> None:
    put(district)
    settings = replace(api_settings, api=replace(api_settings.api, operator_token="swordfish"))
    server = ApiServer(settings, evaluate=False)
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=server.url, timeout=120) as client:
            for token in (b"", b"wrong", "鱼".encode()):
                refused = await client.post("/api/v1/quarantine/replay", headers=[(b"x-bellwether-token", token)])
                assert refused.status_code == 401
                assert refused.json()["type"] == "urn:bellwether:problem:token-needed"
            assert (await client.get("/api/v1/quarantine")).json()["total"] == 1
            allowed = await client.post("/api/v1/quarantine/replay", headers={"x-bellwether-token": "swordfish"})
            assert allowed.json()["stored"] == 1
    finally:
        await server.stop()
