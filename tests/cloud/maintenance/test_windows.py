"""Planned work on a real database: what it covers, what it costs, what it silences."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import httpx

from cloud.db import connect
from cloud.maintenance.models import TargetKind
from cloud.maintenance.reading import covered
from cloud.status import repository
from cloud.status.models import StatusKind, StatusWord
from cloud.status.settling import evaluate
from tests.cloud.district import SmallDistrict, now
from tests.cloud.schooling import with_classes

ZONE = ZoneInfo("Asia/Shanghai")


def order(**changes: object) -> dict[str, object]:
    soon = (now() - timedelta(minutes=1)).isoformat()
    return {"kind": "link", "key": "s01-wan", "starts_at": soon, "duration_seconds": 3600, "actor": "甲", **changes}


async def test_everything_behind_is_in_maintenance_and_nothing_else(
    district: SmallDistrict, api: httpx.AsyncClient
) -> None:
    made = (await api.post("/api/v1/maintenance", json=order())).json()
    assert (made["holds_now"], made["lesson_minutes"]) == (True, 0)
    district.everyone_online()
    district.link_now("s01-wan", "centre", oper_up=False, loss_ratio=1.0)
    async with await connect(district.dsn, name="test") as connection:
        settled, _ = evaluate(await repository.snapshot(connection, ZONE), {}, quiet=False)
    assert settled[StatusKind.LINK, "s01-wan"].status is StatusWord.MAINTENANCE
    assert settled[StatusKind.CLASSROOM, "s01-c01"].status is StatusWord.MAINTENANCE
    assert settled[StatusKind.GATEWAY, "s02-gw"].status is StatusWord.UP

    ended = await api.post(f"/api/v1/maintenance/{made['window_id']}/end")
    assert ended.json()["holds_now"] is False
    assert (await api.post(f"/api/v1/maintenance/{made['window_id']}/end")).status_code == 404
    async with await connect(district.dsn, name="test") as connection:
        settled, _ = evaluate(await repository.snapshot(connection, ZONE), {}, quiet=False)
    assert settled[StatusKind.LINK, "s01-wan"].status is StatusWord.DOWN
    assert (await api.get("/api/v1/maintenance")).json()["items"] == []
    assert len((await api.get("/api/v1/maintenance", params={"over": True})).json()["items"]) == 1


async def test_a_window_covers_its_tree(district: SmallDistrict) -> None:
    async with await connect(district.dsn, name="test") as connection:
        provider = await covered(connection, TargetKind.PROVIDER, "Carrier")
        school = await covered(connection, TargetKind.SCHOOL, "s01")
        router = await covered(connection, TargetKind.DEVICE, "s01-rt1")
        room = await covered(connection, TargetKind.CLASSROOM, "s01-c01")
    assert {key for _, key in school} == {"s01-wan", "s01-gw", "s01-c01", "s01-c02", "s01-rt1", "s01-sw01"}
    assert {key for _, key in provider} >= {"Carrier", "s01-wan", "s02-c02"}
    assert {key for _, key in router} == {"s01-rt1", "s01-sw01"}
    assert {key for _, key in room} == {"s01-c01"}


async def test_work_in_an_exam_needs_a_reason_and_a_better_time_is_proposed(
    district: SmallDistrict, api: httpx.AsyncClient
) -> None:
    with_classes(district.dsn)
    begins = now() + timedelta(minutes=30)
    district.insert(
        "lessons",
        {
            "lesson": "s01-g3c1.20261127.p1", "school": "s01", "school_class": "s01-g3c1", "classroom": None,
            "topic": "数学", "day": begins.date(), "period": 1, "starts_at": begins,
            "ends_at": begins + timedelta(minutes=45), "exam": True,
        },
    )  # fmt: skip
    refused = await api.post("/api/v1/maintenance", json=order())
    assert refused.status_code == 422
    [problem] = refused.json()["errors"]
    assert (problem["field"], "1 lessons, 1 of them exams" in problem["detail"]) == ("reason", True)
    planned = {name: str(value) for name, value in order().items() if name != "actor"}
    told = (await api.get("/api/v1/maintenance/forecast", params=planned)).json()
    assert (told["lessons"], told["exams"], len(told["times"]), told["days"]) == (1, 1, 1, 60)
    absent = await api.get("/api/v1/maintenance/forecast", params={**planned, "key": "s09-wan"})
    assert [error["field"] for error in absent.json()["errors"]] == ["key"]
    assert (await api.post("/api/v1/maintenance", json=order(key="s02-wan"))).status_code == 201
    made = (await api.post("/api/v1/maintenance", json=order(reason="光缆要断了"))).json()
    assert 15 < made["lesson_minutes"] <= 30  # a busy machine takes its time

    asked: dict[str, str | int] = {"kind": "link", "key": "s01-wan", "duration_seconds": 3600, "days": 1}
    found = (await api.get("/api/v1/maintenance/proposal", params=asked)).json()["items"]
    assert len(found) == 3
    assert all(one["lesson_minutes"] == 0 for one in found)


async def test_everything_wrong_with_an_order_is_told_at_once(district: SmallDistrict, api: httpx.AsyncClient) -> None:
    refused = await api.post("/api/v1/maintenance", json=order(key="nothing", recurrence="FREQ=SOMETIMES"))
    assert {error["field"] for error in refused.json()["errors"]} == {"key", "recurrence"}
    late = order(starts_at=(now() - timedelta(days=1)).isoformat())
    assert [error["field"] for error in (await api.post("/api/v1/maintenance", json=late)).json()["errors"]] == [
        "starts_at"
    ]
