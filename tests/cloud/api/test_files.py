"""Every list as a file: the same rows as the list, headings in the language asked for."""

from __future__ import annotations

import csv
import io
import zipfile

import httpx
import pytest

from tests.cloud.district import SmallDistrict, minutes_ago
from tests.cloud.incidents.test_keeper import keep


@pytest.fixture(autouse=True)
async def troubled(district: SmallDistrict) -> None:
    """One line is down, with an incident of it."""
    district.everyone_online()
    district.status("link", "s01-wan", "up")
    district.status("link", "s02-wan", "down")
    district.logged("link", "s02-wan", "down", minutes_ago(12))
    await keep(district)


@pytest.mark.parametrize(
    ("of", "heading", "chinese", "first"),
    [
        ("links", "Link", "链路", ["s01-wan", "s02-wan"]),
        ("schools", "School id", "学校编号", ["s01", "s02"]),
        ("incidents", "Number", "编号", ["1"]),
        ("quarantine", "Number", "编号", []),
    ],
)
async def test_a_list_is_had_as_a_file_in_both_languages(
    api: httpx.AsyncClient, of: str, heading: str, chinese: str, first: list[str]
) -> None:
    response = await api.get(f"/api/v1/{of}/file", params={"lang": "en"})
    assert response.headers["content-disposition"] == f'attachment; filename="{of}.csv"'
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows[0][0] == heading
    assert [row[0] for row in rows[1:]] == first
    workbook = await api.get(f"/api/v1/{of}/file", params={"format": "xlsx"})
    with zipfile.ZipFile(io.BytesIO(workbook.content)) as parts:
        assert chinese in parts.read("xl/worksheets/sheet1.xml").decode()


async def test_filters_hold_for_the_file_and_names_are_in_its_language(api: httpx.AsyncClient) -> None:
    response = await api.get("/api/v1/agents/file", params={"role": "gateway", "school": "s02", "lang": "en"})
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert [(row["Agent"], row["School"]) for row in rows] == [("s02-gw", "Primary School No. 2")]
    response = await api.get("/api/v1/schools/file", params={"search": "no. 2"})
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert [(row["学校编号"], row["学校"]) for row in rows] == [("s02", "第2小学")]
    assert (await api.get("/api/v1/links/file", params={"format": "pdf"})).status_code == 422
