"""The roster over HTTP: references for everybody, names only with the token, and then logged first."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import httpx
import psycopg
import pytest

from cloud.api.server import ApiServer
from cloud.config import Settings
from tests.cloud.district import SmallDistrict
from tests.cloud.schooling import with_classes

pytestmark = pytest.mark.db


@pytest.fixture
def roster(database: str, district: SmallDistrict) -> str:
    """A small district with classes, and a lesson that is running."""
    with_classes(database)
    with psycopg.connect(database, autocommit=True) as connection:
        now = datetime.now(UTC)
        for number, starts_at in ((1, now - timedelta(minutes=5)), (2, now + timedelta(hours=1))):
            connection.execute(
                "INSERT INTO lessons VALUES (%s, 's01', 's01-g3c1', 's01-c01', '语文', NULL, %s, %s, %s, %s, false)",
                [f"l{number}", now.date(), number, starts_at, starts_at + timedelta(minutes=40)],
            )
    return database


@pytest.fixture
async def guarded(api_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API with an operator's token."""
    settings = dataclasses.replace(api_settings, api=dataclasses.replace(api_settings.api, operator_token="t0ken"))
    server = ApiServer(settings, evaluate=False)
    await server.start()
    async with httpx.AsyncClient(base_url=server.url) as client:
        yield client
    await server.stop()


async def test_classes_are_listed_by_school_and_grade(api: httpx.AsyncClient, roster: str) -> None:
    found = (await api.get("/api/v1/roster/classes", params={"school": "s01", "grade": "三年级"})).json()["items"]
    assert [(row["school_class"], row["pupils"], row["teachers"]) for row in found] == [("s01-g3c1", 1, 0)]
    everything = (await api.get("/api/v1/roster/classes")).json()["items"]
    assert [row["school_class"] for row in everything] == ["s01-g3c1", "s01-g4c1", "s02-g3c1", "s02-g4c1"]


async def test_pupils_are_references_and_of_unknown_age_under_14(api: httpx.AsyncClient, roster: str) -> None:
    detail = (await api.get("/api/v1/roster/classes/s01-g3c1")).json()
    assert detail["pupils"] == [
        {
            "person": "p-s01-1",
            "number": 1,
            "row": None,
            "column": None,
            "terminal": "s01-c01-t02",
            "under_14": True,
            "name": None,
        }
    ]
    missing = await api.get("/api/v1/roster/classes/s09-g1c1")
    assert (missing.status_code, missing.json()["detail"]) == (404, "there is no class 's09-g1c1'")


@pytest.mark.parametrize(("days_past_14", "under"), [(-1, True), (0, False), (1, False)])
async def test_who_turns_14_today_is_no_longer_under_14(
    api: httpx.AsyncClient, roster: str, days_past_14: int, under: bool
) -> None:
    with psycopg.connect(roster, autocommit=True) as connection:
        connection.execute(
            "UPDATE people SET birth_date = ((now() AT TIME ZONE 'Asia/Shanghai')::date - INTERVAL '14 years')::date"
            " - %s::integer",
            [days_past_14],
        )
    detail = (await api.get("/api/v1/roster/classes/s01-g3c1")).json()
    assert detail["pupils"][0]["under_14"] is under


async def test_names_need_the_token_and_are_logged_before_they_are_shown(
    guarded: httpx.AsyncClient, roster: str
) -> None:
    path = "/api/v1/roster/classes/s01-g3c1"
    assert (await guarded.get(path)).status_code == 200
    assert (await guarded.get(path, params={"names": "true"})).status_code == 401
    shown = await guarded.get(
        path, params={"names": "true"}, headers={"X-Bellwether-Token": "t0ken", "X-Bellwether-User": "head-teacher"}
    )
    assert shown.json()["pupils"][0]["name"] == "甲"
    with psycopg.connect(roster) as connection:
        logged = connection.execute("SELECT who, purpose, subjects, route FROM access_log").fetchall()
    assert logged == [("head-teacher", "names beside the references of a class", ["p-s01-1"], path)]


async def test_lessons_of_a_class_and_those_running_now(api: httpx.AsyncClient, roster: str) -> None:
    day = datetime.now(UTC).date().isoformat()
    found = await api.get("/api/v1/roster/lessons", params={"school_class": "s01-g3c1", "from": day, "to": day})
    assert [row["lesson"] for row in found.json()["items"]] == ["l1", "l2"]
    for school, expected in (("s01", ["l1"]), ("s02", []), (None, ["l1"])):
        running = await api.get("/api/v1/roster/lessons/now", params={"school": school} if school else {})
        assert [row["lesson"] for row in running.json()["items"]] == expected


@pytest.mark.parametrize(("first", "last"), [("2026-11-27", "2026-11-26"), ("2026-01-01", "2026-12-31")])
async def test_days_the_wrong_way_round_and_too_many_are_refused(
    api: httpx.AsyncClient, roster: str, first: str, last: str
) -> None:
    refused = await api.get("/api/v1/roster/lessons", params={"school_class": "s01-g3c1", "from": first, "to": last})
    assert refused.status_code == 422
    assert refused.json()["detail"] == f"to: {last} is not within 62 days from {first} on"


async def test_the_end_of_time_is_an_answer(api: httpx.AsyncClient, roster: str) -> None:
    found = await api.get("/api/v1/roster/lessons", params={"school_class": "s01-g3c1", "from": str(date.max)})
    assert found.json() == {"items": []}
