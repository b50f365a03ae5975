"""Any moment of the last 90 days is shown as it was, with what existed then."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from cloud.db import connect, open_pool
from cloud.timemachine.keeper import LettersKeeper
from cloud.timemachine.models import KEPT
from tests.cloud.district import SmallDistrict, minutes_ago, now
from tests.cloud.timemachine.past import inventory_kept, letters_noted, retired, returned


async def asked(api: httpx.AsyncClient, path: str, **query: Any) -> dict[str, Any]:
    response = await api.get(f"/api/v1/timemachine/{path}", params=query)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def letters(state: dict[str, Any], things: str) -> dict[str, str]:
    return dict(zip(state[things]["things"], state[things]["status"], strict=True))


async def test_a_moment_is_told_in_the_words_of_then_and_a_later_one_in_its_own(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    inventory_kept(district, minutes_ago(120))
    district.logged("link", "s01-wan", "up", minutes_ago(100))
    district.logged("link", "s01-wan", "down", minutes_ago(60))
    district.logged("gateway", "s01-gw", "unreachable", minutes_ago(60), root=("link", "s01-wan"))
    district.logged("link", "s01-wan", "up", minutes_ago(30))

    before, during, after, today = [
        await asked(api, "state", at=minutes_ago(minutes).isoformat()) for minutes in (90, 45, 20, 0)
    ]

    assert [letters(state, "links")["s01-wan"] for state in (before, during, after, today)] == ["u", "d", "u", "u"]
    assert letters(before, "gateways")["s01-gw"] == "n"
    assert letters(during, "gateways")["s01-gw"] == "r"
    assert letters(during, "links") == {"s01-wan": "d", "s02-wan": "n"}
    assert set(during) == set((await api.get("/api/v1/state")).json())


async def test_what_has_left_appears_in_its_time_and_not_after(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    inventory_kept(district, minutes_ago(120))
    await letters_noted(district, minutes_ago(119))
    retired(district, "s01-c02", minutes_ago(60))
    await letters_noted(district, minutes_ago(59))
    returned(district, "s01-c02", minutes_ago(30))
    await letters_noted(district, minutes_ago(29))

    there, gone, back, never = [
        await asked(api, "state", at=minutes_ago(minutes).isoformat()) for minutes in (90, 45, 15, 130)
    ]

    for state, expected in ((there, True), (gone, False), (back, True)):
        assert ("s01-c02" in state["classrooms"]["things"]) is expected
        assert ("s01-c02" in [row["agent"] for row in state["terminals"]]) is expected
    assert (never["links"]["things"], never["terminals"]) == ([], [])


async def test_terminals_are_as_they_were_noted_and_unknown_before(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    inventory_kept(district, minutes_ago(120))
    district.status("classroom", "s01-c01", "up")
    for number in (1, 2, 3):
        district.terminal(f"s01-c01-t{number:02d}", present=number != 2)
    assert await letters_noted(district, minutes_ago(60)) == 4  # every agent with terminals, the first time
    district.status("classroom", "s01-c01", "unreachable")
    assert await letters_noted(district, minutes_ago(30)) == 1
    assert await letters_noted(district, minutes_ago(29)) == 0

    states = [await asked(api, "state", at=minutes_ago(minutes).isoformat()) for minutes in (90, 45, 10)]

    rooms = [next(row for row in state["terminals"] if row["agent"] == "s01-c01") for state in states]
    assert [room["status"] for room in rooms] == ["nnn", "udu", "rrr"]
    assert rooms[0]["terminals"] == rooms[2]["terminals"] == ["s01-c01-t01", "s01-c01-t02", "s01-c01-t03"]
    today = (await api.get("/api/v1/state")).json()
    assert states[2]["terminals"] == today["terminals"]


async def test_links_tell_status_root_and_what_was_measured_just_before(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    inventory_kept(district, minutes_ago(120))
    cut = minutes_ago(60)
    district.logged("link", "s01-wan", "unreachable", cut, root=("provider", "Carrier"))
    district.link_sample("s01-wan", "school", minutes_ago(90), in_bps=500, out_bps=5)
    district.link_sample("s01-wan", "centre", minutes_ago(45), in_bps=10, out_bps=30)
    district.link_sample("s01-wan", "centre", minutes_ago(45), loss_ratio=1.0)
    district.link_sample("s01-wan", "school", minutes_ago(44), in_bps=9, out_bps=9)

    link = (await asked(api, "links", at=(minutes_ago(45) + timedelta(seconds=20)).isoformat()))["items"][0]

    assert (link["status"], link["root_kind"], link["root_key"]) == ("unreachable", "provider", "Carrier")
    assert link["school_name_en"] == "Primary School No. 1"
    assert (link["in_bps"], link["out_bps"], link["loss_ratio"]) == (30, 10, 1.0)
    quiet = (await asked(api, "links", at=minutes_ago(80).isoformat()))["items"][0]
    assert (quiet["status"], quiet["in_bps"], quiet["observed_at"]) == ("unknown", None, None)


async def test_an_incident_is_open_in_its_time_with_the_severity_of_then(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    inventory_kept(district, minutes_ago(120))
    opened, urgent, over = minutes_ago(60), minutes_ago(50), minutes_ago(30)
    row = {"root_kind": "link", "root_key": "s01-wan", "kind": "outage", "school": "s01", "status": "down"}
    dates = {"opened_at": opened, "resolved_at": over, "updated_at": over}
    district.insert("incidents", {**row, **dates, "state": "resolved", "severity": "p4", "reason": "line_cut"})
    for at, kind, detail in (
        (opened, "opened", '{"status": "down", "reason": "centre_probe_dead"}'),
        (urgent, "severity", '{"severity": "p1"}'),
        (minutes_ago(40), "acknowledged", "{}"),
        (over, "resolved", '{"status": "up", "reason": "evidence_good"}'),
    ):
        entry = {"incident_id": 1, "at": at, "kind": kind, "actor": "duty", "detail": detail}
        district.insert("incident_timeline", entry)

    first, then, later = [
        (await asked(api, "incidents", at=minutes_ago(minutes).isoformat()))["items"] for minutes in (55, 35, 10)
    ]

    assert [(one["severity"], one["reason"], one["acknowledged_by"]) for one in first] == [
        ("p4", "centre_probe_dead", None)
    ]
    assert [(one["severity"], one["acknowledged_by"]) for one in then] == [("p1", "duty")]
    assert later == []


@pytest.mark.parametrize("moment", [timedelta(days=-91), timedelta(hours=1)])
async def test_a_moment_that_is_not_kept_is_refused_with_the_range_that_is(
    api: httpx.AsyncClient, moment: timedelta
) -> None:
    for path in ("state", "links", "incidents"):
        response = await api.get(f"/api/v1/timemachine/{path}", params={"at": (now() + moment).isoformat()})
        assert response.status_code == 422
        (error,) = response.json()["errors"]
        assert error["field"] == "at"
        assert "is not within the last 90 days" in error["detail"]
        assert len(error["allowed"]) == 2


async def test_ticks_count_changes_per_bucket_and_faults_apart(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    since = minutes_ago(60)
    district.logged("link", "s01-wan", "down", minutes_ago(30))
    district.logged("gateway", "s01-gw", "unreachable", minutes_ago(30), root=("link", "s01-wan"))

    ticks = await asked(api, "ticks", since=since.isoformat(), until=now().isoformat())

    assert ticks["width_seconds"] == 10
    assert (sum(ticks["changes"]), sum(ticks["faults"])) == (2, 1)
    assert ticks["changes"][179:182].count(2) == 1


async def test_changes_tell_what_was_suppressed_with_its_root_and_go_on_where_they_ended(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    inventory_kept(district, minutes_ago(120))
    cut = minutes_ago(30)
    district.logged("link", "s01-wan", "down", cut)
    district.logged("gateway", "s01-gw", "unreachable", cut, root=("link", "s01-wan"))
    district.logged("link", "s01-wan", "up", minutes_ago(20))
    span = {"since": minutes_ago(60).isoformat(), "until": now().isoformat()}

    whole = await asked(api, "changes", **span)
    part = await asked(api, "changes", **span, limit=1)
    rest = await asked(api, "changes", since=part["until"], until=span["until"])

    assert (whole["complete"], part["complete"]) == (True, False)
    assert [(one["key"], one["root_key"]) for one in part["statuses"]] == [("s01-wan", None), ("s01-gw", "s01-wan")]
    assert part["statuses"] + rest["statuses"] == whole["statuses"]


async def test_what_no_moment_is_made_of_is_forgotten_and_what_one_is_made_of_stays(district: SmallDistrict) -> None:
    old = now() - KEPT - timedelta(days=2)
    inventory_kept(district, old)
    await letters_noted(district, old)
    district.status("classroom", "s01-c01", "up")
    district.terminal("s01-c01-t01", present=True)
    await letters_noted(district, old + timedelta(days=1))
    retired(district, "s02-c02", old + timedelta(days=1))

    async with open_pool(district.dsn, max_size=1, name="test") as pool:
        gone = await LettersKeeper(pool).expire()

    async with await connect(district.dsn, name="test") as connection:
        kept = await (
            await connection.execute("SELECT count(*), count(DISTINCT agent_id) FROM terminal_letters")
        ).fetchone()
    assert kept == (4, 4)
    # One row of letters; of the inventory a classroom, its agent and its three terminals.
    assert gone == 1 + 5


async def test_the_overview_of_a_moment_counts_what_there_was(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    inventory_kept(district, minutes_ago(120))
    district.logged("link", "s01-wan", "down", minutes_ago(100))
    await letters_noted(district, minutes_ago(100))
    retired(district, "s01-c02", minutes_ago(60))

    before, after = [await asked(api, "overview", at=minutes_ago(minutes).isoformat()) for minutes in (90, 30)]

    assert [(one["district"]["classrooms"], one["district"]["terminals"]) for one in (before, after)] == [
        (4, 12),
        (3, 9),
    ]
    assert before["links"]["down"] == 1
    assert (before["terminals"]["unknown"], after["terminals"]["unknown"]) == (12, 9)
    assert [row["link"] for row in before["grid"]] == ["s01-wan", "s02-wan"]
