"""One search finds everything by key and name, best match first."""

from __future__ import annotations

from typing import Any

import httpx

from cloud.search.reading import parameters
from tests.cloud.district import SmallDistrict


async def found(api: httpx.AsyncClient, q: str, **query: Any) -> dict[str, Any]:
    response = await api.get("/api/v1/search", params={"q": q, **query})
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def keys(document: dict[str, Any]) -> list[str]:
    return [f"{item['kind']} {item['key']}" for item in document["items"]]


async def test_a_whole_key_stands_before_what_begins_with_it(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    district.status("link", "s01-wan", "down")
    result = await found(api, "S01-WAN")
    assert keys(result) == ["link s01-wan"]
    assert (result["items"][0]["match"], result["items"][0]["status"]) == ("exact", "down")
    matches = [item["match"] for item in (await found(api, "s01", limit=100))["items"]]
    assert matches[0] == "exact"
    assert matches == sorted(matches, key=["exact", "prefix", "inside", "around"].index)


async def test_names_are_found_in_chinese_and_in_english(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    assert keys(await found(api, "第2小学"))[:2] == ["school s02", "link s02-wan"]
    assert keys(await found(api, "primary school no. 2"))[0] == "school s02"


async def test_every_word_must_stand_somewhere_and_the_school_counts(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    result = await found(api, "第2小学 t01")
    assert keys(result) == ["terminal s02-c01-t01", "terminal s02-c02-t01"]
    assert {item["match"] for item in result["items"]} == {"around"}
    assert (await found(api, "第2小学 s01"))["total"] == 0


async def test_ports_devices_gateways_and_classrooms_are_found(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    assert keys(await found(api, "s01-sw01"))[:2] == ["device s01-sw01", "port s01-sw01/ge1"]
    assert keys(await found(api, "s02-gw")) == ["gateway s02-gw"]
    assert keys(await found(api, "s02-c01"))[0] == "classroom s02-c01"


async def test_the_total_is_told_beyond_the_limit(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    result = await found(api, "t0", limit=2)
    assert (result["total"], len(result["items"])) == (12, 2)


async def test_signs_with_a_meaning_in_patterns_are_taken_literally(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    for text in ("%", "_", "\\", "   ", "\x00"):
        assert (await found(api, text))["total"] == 0, text
    assert parameters(" A_b  C ", 3)["patterns"] == ["%a\\_b%", "%c%"]


async def test_what_was_retired_is_not_found(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    district.execute("UPDATE terminals SET retired_at = now() WHERE terminal = 's01-c01-t01'")
    assert (await found(api, "s01-c01-t01"))["total"] == 0
