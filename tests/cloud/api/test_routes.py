"""Every route answers with what the database says."""

from __future__ import annotations

import httpx
import pytest

from cloud.status.rules import FRESH
from tests.cloud.district import SmallDistrict, minutes_ago


async def test_an_empty_district_is_an_answer_not_an_error(api: httpx.AsyncClient) -> None:
    for path in ("overview", "state", "links", "schools", "agents", "unclaimed", "quarantine", "catalogue"):
        response = await api.get(f"/api/v1/{path}")
        assert response.status_code == 200, (path, response.text)


async def test_the_overview_counts_everything_and_keeps_the_grid_in_district_order(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    district.everyone_online()
    district.status("link", "s01-wan", "up")
    district.status("link", "s02-wan", "down")
    district.status("classroom", "s02-c01", "unreachable")
    district.status("classroom", "s01-c01", "up")
    for number, present in ((1, True), (2, True), (3, False)):
        district.terminal(f"s01-c01-t{number:02d}", present=present)
        district.terminal(f"s02-c01-t{number:02d}", present=present)
    district.link_now("s01-wan", "school", in_bps=200_000_000, out_bps=20_000_000, loss_ratio=0.0, rtt_seconds=0.004)

    overview = (await api.get("/api/v1/overview")).json()

    assert overview["district"] == {
        "schools": 2,
        "links": 2,
        "gateways": 2,
        "classrooms": 4,
        "terminals": 12,
        "students": 8,
        "teachers": 4,
    }
    assert [row["link"] for row in overview["grid"]] == ["s01-wan", "s02-wan"]
    assert overview["links"]["up"] == overview["links"]["down"] == 1
    assert overview["classrooms"] == {
        "up": 1,
        "degraded": 0,
        "down": 0,
        "unreachable": 1,
        "unknown": 2,
        "maintenance": 0,
        "flapping": 0,
    }
    assert overview["terminals"]["up"] == 2
    assert overview["terminals"]["down"] == 1
    assert overview["terminals"]["unreachable"] == 3
    assert overview["terminals"]["unknown"] == 6
    assert overview["freshness"]["agents_online"] == 7
    assert overview["grid"][0]["in_bps"] == 200_000_000
    assert overview["grid"][0]["contracted_bps"] == 1_000_000_000
    assert overview["grid"][1]["in_bps"] is None


async def test_a_link_that_the_school_does_not_report_is_shown_from_the_centre_with_directions_mirrored(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    district.link_now("s01-wan", "school", minutes_ago(5), in_bps=111, out_bps=222, loss_ratio=0.0)
    district.link_now("s01-wan", "centre", in_bps=10, out_bps=30, loss_ratio=1.0)

    row = (await api.get("/api/v1/links")).json()["items"][0]

    assert (row["in_bps"], row["out_bps"], row["loss_ratio"]) == (30, 10, 1.0)
    assert row["centre_end"] == {"device": None, "port": "ge9"}


async def test_a_link_shows_both_ends_its_gateway_and_its_past(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    district.link_now("s01-wan", "school", in_bps=500_000_000, out_bps=1, loss_ratio=0.0, rtt_seconds=0.002)
    district.link_now("s01-wan", "centre", minutes_ago(9), oper_up=True)
    district.presence("s01-gw", "online", skew_seconds=0.5)
    district.insert(
        "events",
        {
            "event_id": "a" * 32,
            "agent_id": district.agent_id("s01-gw"),
            "thing_id": district.thing_id("port", "s01-rt1/ge1", "s01-gw"),
            "type": "port.changed",
            "observed_at": minutes_ago(1),
            "corrected_at": minutes_ago(1),
            "received_at": minutes_ago(1),
            "lane": "events",
            "attributes": '{"oper_up": false}',
        },
    )

    link = (await api.get("/api/v1/links/s01-wan")).json()

    assert link["utilisation_ratio"] == 0.5
    assert link["school_summary"]["name"] == "第1小学"
    assert link["gateway"]["agent"] == "s01-gw"
    assert link["gateway"]["skew_seconds"] == 0.5
    school, centre = link["vantages"]
    assert (school["vantage"], school["fresh"], school["metrics"]["rtt_seconds"]) == ("school", True, 0.002)
    assert (centre["vantage"], centre["fresh"], centre["metrics"]["oper_up"]) == ("centre", False, True)
    assert link["recent_events"][0]["attributes"] == {"oper_up": False}


@pytest.mark.parametrize("old_minutes", [0, 0.7, 1.3])
async def test_values_are_shown_and_called_fresh_as_long_as_they_judge_the_link(
    api: httpx.AsyncClient, district: SmallDistrict, old_minutes: float
) -> None:
    district.link_now("s01-wan", "school", minutes_ago(old_minutes), in_bps=7, loss_ratio=0.0)
    speaks = old_minutes * 60 < FRESH.total_seconds()

    link = (await api.get("/api/v1/links/s01-wan")).json()

    assert link["vantages"][0]["fresh"] is speaks
    assert (link["in_bps"], link["loss_ratio"]) == ((7, 0.0) if speaks else (None, None))
    assert link["vantages"][0]["metrics"]["in_bps"] == 7


async def test_a_school_shows_rooms_devices_and_ports(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    district.status("classroom", "s01-c01", "up")
    district.terminal("s01-c01-t01", present=True)

    school = (await api.get("/api/v1/schools/s01")).json()

    assert [room["classroom"] for room in school["classroom_rows"]] == ["s01-c01", "s01-c02"]
    assert school["classroom_rows"][0]["terminals"]["up"] == 1
    assert [device["device"] for device in school["devices"]] == ["s01-rt1", "s01-sw01"]
    assert school["devices"][1]["ports"][0]["port"] == "s01-sw01/ge1"
    assert school["link_row"]["link"] == "s01-wan"
    assert school["gateway_row"]["agent"] == "s01-gw"


async def test_schools_are_found_by_any_part_of_their_names_and_paged(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    found = (await api.get("/api/v1/schools", params={"search": "no. 2"})).json()
    assert [row["school"] for row in found["items"]] == ["s02"]
    assert found["total"] == 1
    page = (await api.get("/api/v1/schools", params={"limit": 1, "offset": 1})).json()
    assert [row["school"] for row in page["items"]] == ["s02"]
    assert page["total"] == 2
    assert (await api.get("/api/v1/schools", params={"search": "100%"})).json()["items"] == []


async def test_agents_are_filtered_and_show_what_they_hold(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    district.presence("s01-gw", "online", held_segments=3, held_items=40, held_bytes=2048)
    district.presence("s02-gw", "offline")
    district.status("gateway", "s02-gw", "unreachable")

    async def listed(**params: str) -> list[str]:
        return [row["agent"] for row in (await api.get("/api/v1/agents", params=params)).json()["items"]]

    assert await listed(role="gateway") == ["s01-gw", "s02-gw"]
    assert await listed(presence="offline") == ["s02-gw"]
    assert await listed(status="unreachable") == ["s02-gw"]
    assert await listed(school="s01", role="classroom") == ["s01-c01", "s01-c02"]
    assert await listed(holding="true") == ["s01-gw"]
    assert await listed(search="no. 2", role="gateway") == ["s02-gw"]
    row = (await api.get("/api/v1/agents", params={"search": "s01-gw"})).json()["items"][0]
    assert (row["held_segments"], row["held_items"], row["held_bytes"]) == (3, 40, 2048)
    assert row["lag_seconds"] is None  # nothing of it was ever stored: no lag, and not a lag of 0


async def test_an_agents_ledger_closes_when_everything_is_accounted_for(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    district.presence("s01-gw", "online")
    district.books(
        "s01-gw", produced_items=100, stored_items=80, held_items=10, thinned_items=5, damaged_items=2, rejected_items=3
    )
    district.books("s01-gw", epoch="00000000000000bb", produced_items=10, stored_items=7)
    district.insert(
        "agent_lanes",
        {
            "agent_id": district.agent_id("s01-gw"),
            "lane": "live",
            "held_segments": 1,
            "held_items": 10,
            "held_bytes": 512,
            "reported_at": minutes_ago(0),
        },
    )

    agent = (await api.get("/api/v1/agents/s01-gw")).json()

    first, second = agent["epochs"]
    assert (first["ledger"]["quarantined"], first["ledger"]["lost"]) == (3, 0)
    assert second["ledger"]["lost"] == 3
    assert agent["ledger"] == {
        "produced": 110,
        "stored": 87,
        "held": 10,
        "thinned": 5,
        "quarantined": 3,
        "damaged": 2,
        "lost": 3,
    }
    assert agent["held"] == [{"lane": "live", "segments": 1, "items": 10, "bytes": 512, "oldest_at": None}]
    overview = (await api.get("/api/v1/overview")).json()
    assert overview["ledger"] == agent["ledger"]
    assert overview["backlog"]["items"] == 10


async def test_an_agent_names_the_machine_that_claimed_its_id_and_was_refused(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    district.presence("s01-gw", "online", duplicate_host="other-host", duplicate_seen_at=minutes_ago(1))
    district.presence("s02-gw", "online")
    refused = (await api.get("/api/v1/agents/s01-gw")).json()
    assert (refused["host"], refused["duplicate_host"]) == ("gateway", "other-host")
    assert refused["duplicate_seen_at"] is not None
    alone = (await api.get("/api/v1/agents/s02-gw")).json()
    assert (alone["duplicate_host"], alone["duplicate_seen_at"]) == (None, None)


async def test_what_is_stored_after_the_last_report_is_not_called_lost(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    district.books("s01-gw", produced_items=100, stored_items=160, held_items=30)
    assert (await api.get("/api/v1/agents/s01-gw")).json()["ledger"]["lost"] == 0


async def test_events_of_an_agent_are_listed_newest_first(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    for number, kind in ((1, "agent.started"), (2, "port.changed")):
        district.insert(
            "events",
            {
                "event_id": f"{number:032x}",
                "agent_id": district.agent_id("s01-gw"),
                "thing_id": district.thing_id("host", "s01-gw", "s01-gw"),
                "type": kind,
                "observed_at": minutes_ago(10 - number),
                "corrected_at": minutes_ago(10 - number),
                "received_at": minutes_ago(10 - number),
                "lane": "events",
                "attributes": "{}",
            },
        )
    events = (await api.get("/api/v1/agents/s01-gw/events")).json()
    assert [event["type"] for event in events["items"]] == ["port.changed", "agent.started"]
    filtered = (await api.get("/api/v1/agents/s01-gw/events", params={"type": "agent.started"})).json()
    assert filtered["total"] == 1


async def test_unclaimed_things_are_listed_until_the_inventory_knows_them(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    district.insert(
        "things",
        {
            "kind": "port",
            "key": "s01-sw01/ge49",
            "first_agent_id": district.agent_id("s01-gw"),
            "first_seen_at": minutes_ago(3),
        },
    )
    district.thing_id("port", "s01-sw01/ge1", "s01-gw")
    found = (await api.get("/api/v1/unclaimed", params={"kind": "port"})).json()
    assert [(row["thing"], row["agent"]) for row in found["items"]] == [("s01-sw01/ge49", "s01-gw")]


async def test_the_state_of_the_district_names_every_thing_once(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    district.status("link", "s02-wan", "down")
    district.status("classroom", "s01-c01", "up")
    district.terminal("s01-c01-t02", present=True)

    state = (await api.get("/api/v1/state")).json()

    assert state["links"] == {"things": ["s01-wan", "s02-wan"], "status": "nd"}
    assert state["classrooms"]["things"] == ["s01-c01", "s01-c02", "s02-c01", "s02-c02"]
    assert sum(len(room["terminals"]) for room in state["terminals"]) == 12
    room = next(room for room in state["terminals"] if room["agent"] == "s01-c01")
    assert room == {
        "agent": "s01-c01",
        "school": "s01",
        "terminals": ["s01-c01-t01", "s01-c01-t02", "s01-c01-t03"],
        "status": "nun",
    }
    assert {state["codes"][letter] for letter in "nud"} == {"unknown", "up", "down"}


async def test_an_unchanged_state_is_not_sent_again(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    first = await api.get("/api/v1/state")
    assert first.headers["content-encoding"] == "gzip"
    again = await api.get("/api/v1/state", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    district.status("link", "s01-wan", "up")
    changed = first
    while changed.headers["etag"] == first.headers["etag"]:
        changed = await api.get("/api/v1/state")
    assert changed.json()["links"]["status"] == "un"
