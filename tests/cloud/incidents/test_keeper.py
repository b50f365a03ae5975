"""Incidents on a real database: followed exactly once, counted in lessons, acted upon by people."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest

from cloud.db import open_pool
from cloud.incidents.keeper import IncidentKeeper
from tests.cloud.district import SmallDistrict, minutes_ago, now
from tests.cloud.schooling import with_classes

LINE = ("link", "s01-wan")


@pytest.fixture
def school_day(district: SmallDistrict) -> SmallDistrict:
    """A lesson of 45 minutes in each first room that began 20 minutes ago, and one that begins in half an hour."""
    with_classes(district.dsn)
    for school in ("s01", "s02"):
        for period, starts in ((1, minutes_ago(20)), (2, minutes_ago(-30))):
            lesson = {
                "lesson": f"{school}-g3c1.20261127.p{period}", "school": school, "school_class": f"{school}-g3c1",
                "classroom": None, "topic": "数学", "day": starts.date(), "period": period, "starts_at": starts,
                "ends_at": starts + timedelta(minutes=45), "exam": period == 2,
            }  # fmt: skip
            district.insert("lessons", lesson)
    return district


async def keep(district: SmallDistrict) -> None:
    """Follow the log to its end and work out the figures, as the duty does."""
    async with open_pool(district.dsn, max_size=2, name="test") as pool:
        keeper = IncidentKeeper(district.dsn, pool)
        await keeper.catch_up()
        await keeper.figure()


def rows(district: SmallDistrict, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(district.dsn) as connection:
        return connection.execute(statement.encode()).fetchall()


async def test_a_dead_line_becomes_one_incident_with_its_lesson_minutes(
    school_day: SmallDistrict, api: httpx.AsyncClient
) -> None:
    school_day.logged("link", "s01-wan", "down", minutes_ago(10))
    school_day.logged("gateway", "s01-gw", "unreachable", minutes_ago(9), LINE)
    school_day.logged("classroom", "s01-c01", "unreachable", minutes_ago(9), LINE)
    await keep(school_day)
    await keep(school_day)

    listed = (await api.get("/api/v1/incidents")).json()
    assert listed["total"] == 1
    row = listed["items"][0]
    assert (row["root_kind"], row["root_key"], row["kind"], row["state"]) == (*LINE, "outage", "open")
    assert (row["severity"], row["lessons_now"], row["lessons_next"], row["members"]) == ("p1", 1, 1, 2)
    assert row["students_now"] == 1
    assert 9.9 < row["lost_minutes"] < 25  # a busy machine takes its time
    assert row["at_risk_minutes"] > 45

    one = (await api.get(f"/api/v1/incidents/{row['incident_id']}")).json()
    assert [entry["kind"] for entry in one["timeline"]] == ["opened", "attached", "attached", "severity"]
    assert [thing["key"] for thing in one["things"]] == ["s01-c01", "s01-gw"]

    affected = (await api.get("/api/v1/lessons/now")).json()
    assert (affected["in_session"], affected["affected"], affected["next_affected"]) == (2, 1, 1)
    assert affected["items"][0]["cause"] == "s01-wan"
    span = {"since": minutes_ago(60).isoformat(), "until": now().isoformat(), "by": "provider"}
    report = (await api.get("/api/v1/lessons/impact", params=span)).json()
    assert [(item["key"], item["lessons"]) for item in report["items"]] == [("Carrier", 1)]


async def test_the_end_settles_the_figures_and_lets_everything_go(school_day: SmallDistrict) -> None:
    school_day.logged("link", "s01-wan", "down", minutes_ago(10))
    school_day.logged("classroom", "s01-c01", "unreachable", minutes_ago(9), LINE)
    await keep(school_day)
    school_day.logged("link", "s01-wan", "up", minutes_ago(4))
    school_day.logged("classroom", "s01-c01", "up", minutes_ago(3))
    await keep(school_day)
    [(state, lost, now_hit, risk)] = rows(
        school_day, "SELECT state, lost_minutes, lessons_now, at_risk_minutes FROM incidents"
    )
    assert (state, now_hit, risk) == ("resolved", 0, 0)
    assert 6.9 < lost < 7.2
    assert rows(school_day, "SELECT count(*) FROM incident_members WHERE detached_at IS NULL") == [(0,)]


async def test_a_kill_in_the_middle_repeats_nothing_and_skips_nothing(
    school_day: SmallDistrict, monkeypatch: pytest.MonkeyPatch
) -> None:
    school_day.logged("link", "s01-wan", "down", minutes_ago(10))
    school_day.logged("gateway", "s01-gw", "unreachable", minutes_ago(9), LINE)

    async def dies(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("cloud.incidents.repository.move_cursor", dies)
        with pytest.raises(RuntimeError, match="killed"):
            await keep(school_day)
    assert rows(school_day, "SELECT count(*) FROM incidents") == [(0,)]
    await keep(school_day)
    assert rows(school_day, "SELECT kind, count(*) FROM incident_timeline GROUP BY kind ORDER BY kind") == [
        ("attached", 1),
        ("opened", 1),
        ("severity", 1),
    ]


async def test_two_people_do_not_overwrite_each_other(school_day: SmallDistrict, api: httpx.AsyncClient) -> None:
    school_day.logged("link", "s01-wan", "down", minutes_ago(10))
    await keep(school_day)
    row = (await api.get("/api/v1/incidents")).json()["items"][0]
    path, act = f"/api/v1/incidents/{row['incident_id']}", {"actor": "甲", "version": row["version"]}

    first = await api.post(f"{path}/acknowledge", json=act)
    assert first.json()["acknowledged_by"] == "甲"
    late = await api.post(f"{path}/assign", json={**act, "actor": "乙", "assignee": "网络组"})
    assert (late.status_code, late.json()["type"]) == (409, "urn:bellwether:problem:incident-changed")
    again = {"actor": "乙", "version": first.json()["version"]}
    assert (await api.post(f"{path}/assign", json={**again, "assignee": "网络组"})).json()["assignee"] == "网络组"
    version = (await api.get(path)).json()["version"]
    told = await api.post(f"{path}/comment", json={"actor": "乙", "version": version, "text": "已报修"})
    assert [entry["actor"] for entry in told.json()["timeline"] if entry["actor"]] == ["甲", "乙", "乙"]


async def test_incidents_are_merged_split_resolved_and_reopened_by_hand(
    school_day: SmallDistrict, api: httpx.AsyncClient
) -> None:
    for key in ("s01-wan", "s02-wan"):
        school_day.logged("link", key, "down", minutes_ago(10))
    school_day.logged("classroom", "s01-c02", "unreachable", minutes_ago(9), LINE)
    await keep(school_day)
    listed = {row["root_key"]: row for row in (await api.get("/api/v1/incidents")).json()["items"]}
    one, other = listed["s01-wan"]["incident_id"], listed["s02-wan"]["incident_id"]

    async def act(number: int, what: str, **more: object) -> httpx.Response:
        version = (await api.get(f"/api/v1/incidents/{number}")).json()["version"]
        body = {"actor": "甲", "version": version, **more}
        return await api.post(f"/api/v1/incidents/{number}/{what}", json=body)

    new = (await act(one, "split", kind="classroom", key="s01-c02")).json()
    assert (new["root_key"], new["state"]) == ("s01-c02", "open")
    assert (await act(one, "split", kind="classroom", key="s01-c02")).status_code == 409
    merged = (await act(other, "merge", into=one)).json()
    assert (merged["state"], merged["merged_into"]) == ("merged", one)
    assert (await act(other, "comment", text="x")).status_code == 409
    assert (await act(one, "resolve", text="演练")).json()["state"] == "resolved"
    assert (await act(one, "resolve", text="演练")).status_code == 409
    assert (await act(one, "reopen", text="还没有好")).json()["state"] == "open"
    assert (
        await api.post("/api/v1/incidents/999/comment", json={"actor": "甲", "version": 1, "text": "x"})
    ).status_code == 404
    refused = await api.post(f"/api/v1/incidents/{one}/comment", json={"actor": "", "version": 0, "text": ""})
    assert {error["field"] for error in refused.json()["errors"]} == {"actor", "version", "text"}


async def test_only_open_incidents_can_be_asked_for(school_day: SmallDistrict, api: httpx.AsyncClient) -> None:
    school_day.logged("link", "s01-wan", "down", minutes_ago(30))
    school_day.logged("link", "s01-wan", "up", minutes_ago(25))
    school_day.logged("link", "s02-wan", "degraded", minutes_ago(5))
    await keep(school_day)

    async def roots(**query: str) -> list[str]:
        return [row["root_key"] for row in (await api.get("/api/v1/incidents", params=query)).json()["items"]]

    assert await roots() == ["s02-wan", "s01-wan"]
    assert await roots(state="open") == ["s02-wan"]
    assert await roots(school="s01") == ["s01-wan"]
    assert await roots(kind="degradation") == ["s02-wan"]
    assert await roots(severity="p1") == []


async def test_an_open_page_is_told_of_an_incident(school_day: SmallDistrict, api: httpx.AsyncClient) -> None:
    school_day.logged("link", "s02-wan", "degraded", minutes_ago(5))
    await keep(school_day)
    async with asyncio.timeout(60), api.stream("GET", "/api/v1/stream") as answer:
        lines = answer.aiter_lines()
        async for line in lines:
            if line == "event: ping":
                break
        school_day.logged("link", "s01-wan", "down", minutes_ago(1))
        await keep(school_day)
        async for line in lines:
            if line == "event: incident":
                told = json.loads((await anext(lines)).removeprefix("data: "))
                if any(row["root_key"] == "s01-wan" for row in told["items"]):
                    return
    pytest.fail("the stream ended")
