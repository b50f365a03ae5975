"""Terminals are searched, filtered, sorted and paged at the centre, and leave it as a file."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import timedelta
from typing import Any

import httpx

from tests.cloud.district import SmallDistrict, minutes_ago, now


async def listed(api: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    response = await api.get("/api/v1/terminals", params=query)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def names(document: dict[str, Any]) -> list[str]:
    return [item["terminal"] for item in document["items"]]


def measured(district: SmallDistrict, terminal: str, **columns: Any) -> None:
    district.terminal(terminal, present=columns.pop("present", True))
    for name, value in columns.items():
        district.execute(
            f"UPDATE terminal_current SET {name} = %s"
            " WHERE thing_id = (SELECT thing_id FROM things WHERE kind = 'terminal' AND key = %s)",
            value,
            terminal,
        )


def reported(district: SmallDistrict, terminal: str, **columns: Any) -> None:
    agent = terminal.rsplit("-", 1)[0]
    row = {"terminal": terminal, "agent_id": district.agent_id(agent), "seen_at": now(), "present": True, **columns}
    district.insert("reported_terminals", row)


async def test_a_page_knows_how_many_there_are(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    first = await listed(api, limit=5)
    assert (first["total"], names(first)[0]) == (12, "s01-c01-t01")
    assert names(await listed(api, limit=5, offset=10)) == ["s02-c02-t02", "s02-c02-t03"]
    beyond = await listed(api, limit=5, offset=50)
    assert (beyond["total"], beyond["items"]) == (12, [])


async def test_filters_narrow_together(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    district.status("classroom", "s02-c01", "up")
    measured(district, "s02-c01-t01", present=True, battery_ratio=0.1)
    measured(district, "s02-c01-t02", present=True, battery_ratio=0.9)
    measured(district, "s02-c01-t03", present=False, battery_ratio=0.1)
    assert names(await listed(api, school="s02", battery_below=0.2)) == ["s02-c01-t01", "s02-c01-t03"]
    assert names(await listed(api, school="s02", battery_below=0.2, status="up")) == ["s02-c01-t01"]
    assert names(await listed(api, classroom="s02-c01", owner="teacher")) == ["s02-c01-t01"]
    assert (await listed(api, model="T1", agent="s01-c02"))["total"] == 3
    assert (await listed(api, search="c02-t0"))["total"] == 6


async def test_what_is_not_known_stands_last_either_way(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    measured(district, "s01-c01-t02", battery_ratio=0.5)
    measured(district, "s01-c01-t03", battery_ratio=0.2)
    assert names(await listed(api, order="battery", limit=3)) == ["s01-c01-t03", "s01-c01-t02", "s01-c01-t01"]
    assert names(await listed(api, order="-battery", limit=3)) == ["s01-c01-t02", "s01-c01-t03", "s01-c01-t01"]


async def test_a_terminal_in_sync_has_the_version_its_school_should_have(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    district.insert("terminal_targets", {"scope": "s01", "app_version": "2.0", "configuration": "{}", "set_at": now()})
    reported(district, "s01-c01-t01", app_version="2.0")
    reported(district, "s01-c01-t02", app_version="1.9")
    reported(district, "s02-c01-t01", app_version="1.9")
    assert names(await listed(api, sync="synced")) == ["s01-c01-t01"]
    assert names(await listed(api, sync="pending")) == ["s01-c01-t02"]
    assert (await listed(api, sync="unknown"))["total"] == 4
    assert (await listed(api, sync="none"))["total"] == 6
    one = (await api.get("/api/v1/terminals/s01-c01-t02")).json()
    assert (one["app_version"], one["desired_app_version"], one["sync"]) == ("1.9", "2.0", "pending")
    values = (await api.get("/api/v1/terminals/values")).json()
    assert values["app_versions"] == [{"value": "1.9", "terminals": 2}, {"value": "2.0", "terminals": 1}]
    assert values["models"] == [{"value": "T1", "terminals": 12}]


async def test_not_seen_since_counts_those_never_seen(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    reported(district, "s01-c01-t01", seen_at=minutes_ago(5))
    reported(district, "s01-c01-t02", seen_at=now() - timedelta(days=9))
    since = (now() - timedelta(days=7)).isoformat()
    found = await listed(api, not_seen_since=since)
    assert found["total"] == 11
    assert "s01-c01-t01" not in names(found)


async def test_wrong_filters_are_named(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    for query in ({"order": "colour"}, {"not_seen_since": "yesterday"}, {"sync": "maybe"}):
        response = await api.get("/api/v1/terminals", params=query)
        assert response.status_code == 422, query
        assert response.json()["errors"][0]["field"] == next(iter(query))
    assert (await api.get("/api/v1/terminals/s09-c09-t09")).status_code == 404


async def test_every_terminal_the_filters_keep_is_in_the_file(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    response = await api.get("/api/v1/terminals/file", params={"school": "s01", "lang": "en"})
    assert response.headers["content-disposition"] == 'attachment; filename="terminals.csv"'
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows[0][:3] == ["Terminal", "School id", "School"]
    assert [row[0] for row in rows[1:]] == [f"s01-c0{room}-t0{number}" for room in (1, 2) for number in (1, 2, 3)]
    workbook = await api.get("/api/v1/terminals/file", params={"school": "s01", "format": "xlsx"})
    with zipfile.ZipFile(io.BytesIO(workbook.content)) as parts:
        assert "s01-c02-t03" in parts.read("xl/worksheets/sheet1.xml").decode()
