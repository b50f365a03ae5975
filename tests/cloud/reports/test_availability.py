"""Availability: every second is counted once, as what is known of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.reports.availability import availability
from cloud.reports.reading import month_of
from cloud.status.models import StatusKind, StatusSpan, StatusWord, Thing
from tests.cloud.district import SmallDistrict, minutes_ago, now
from tests.ops.cli.test_centre import answer, bellwether

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 11, 1, tzinfo=ZONE)
LINE = Thing(StatusKind.LINK, "s01-wan")


def span(word: str, since: float, until: float | None) -> StatusSpan:
    end = START + timedelta(hours=until) if until is not None else None
    return StatusSpan(LINE, StatusWord(word), START + timedelta(hours=since), end, "test")


def test_unknown_time_and_planned_work_are_neither_up_nor_down() -> None:
    told = [
        span("up", 2, 10),
        span("down", 10, 11),
        span("unknown", 11, 12),
        span("maintenance", 12, 14),
        span("up", 14, None),
    ]
    found = availability(told, START, START + timedelta(hours=20))
    assert (found.up_seconds, found.down_seconds) == (14 * 3600, 3600)
    assert (found.unknown_seconds, found.maintenance_seconds) == (3 * 3600, 2 * 3600)
    assert found.ratio == 14 / 15
    assert (found.outages, found.longest_seconds) == (1, 3600)
    assert availability([], START, START + timedelta(hours=1)).ratio is None


def test_outages_that_follow_each_other_are_one() -> None:
    told = [span("down", 0, 1), span("unreachable", 1, 3), span("up", 3, 4), span("down", 4, 5)]
    found = availability(told, START, START + timedelta(hours=5))
    assert (found.outages, found.longest_seconds) == (2, 3 * 3600)


@given(st.sets(st.integers(-5, 30), min_size=2, max_size=12), st.data())
def test_every_second_is_counted_once(marks, data) -> None:
    told = [
        span(data.draw(st.sampled_from([word.value for word in StatusWord])), since, until)
        for since, until in pairwise(sorted(marks))
    ]
    found = availability(told, START, START + timedelta(hours=24))
    total = found.up_seconds + found.down_seconds + found.unknown_seconds + found.maintenance_seconds
    assert abs(total - 24 * 3600) < 1e-6
    assert found.longest_seconds <= found.down_seconds


def test_a_month_is_the_districts_and_ends_now_while_it_runs() -> None:
    today = datetime(2026, 11, 27, 4, 0, tzinfo=UTC)
    assert month_of("2026-10", today, ZONE) == (datetime(2026, 10, 1, tzinfo=ZONE), datetime(2026, 11, 1, tzinfo=ZONE))
    assert month_of("2026-11", today, ZONE) == (START, today)
    assert month_of("2025-12", today, ZONE)[1] == datetime(2026, 1, 1, tzinfo=ZONE)
    for wrong in ("2026-12", "2026-13", "november"):
        with pytest.raises(ValueError, match=r"begun|month"):
            month_of(wrong, today, ZONE)


async def test_the_month_is_told_by_line_and_provider_and_written_as_a_file(
    district: SmallDistrict, api: httpx.AsyncClient
) -> None:
    district.logged("link", "s01-wan", "up", minutes_ago(60))
    district.logged("link", "s01-wan", "down", minutes_ago(30))
    district.logged("link", "s01-wan", "up", minutes_ago(20))
    month = f"{now().astimezone(ZONE):%Y-%m}"
    report = (await api.get("/api/v1/reports/availability", params={"month": month})).json()
    line, other = report["links"]
    assert (line["link"], line["outages"], other["availability_ratio"]) == ("s01-wan", 1, None)
    assert abs(line["availability_ratio"] - 50 / 60) < 0.01
    [provider] = report["providers"]
    assert (provider["provider"], provider["link"], provider["outages"]) == ("Carrier", None, 1)
    written = await api.get("/api/v1/reports/availability/file", params={"format": "csv", "lang": "en"})
    assert written.text.splitlines()[0].startswith("\ufeffLink,School,Provider")
    assert "s01-wan,Primary School No. 1,Carrier" in written.text
    refused = await api.get("/api/v1/reports/availability", params={"month": "2999-01"})
    assert refused.json()["errors"][0]["field"] == "month"


@pytest.mark.db
def test_the_command_prints_and_writes_it(district: SmallDistrict, tmp_path: Path) -> None:
    district.logged("link", "s01-wan", "up", minutes_ago(60))
    assert answer("report", "availability", dsn=district.dsn)["links"][0]["availability_ratio"] == 1.0
    done = bellwether("report", "availability", "--out", str(tmp_path / "month.xlsx"), dsn=district.dsn)
    assert done.returncode == 0
    assert (tmp_path / "month.xlsx").read_bytes().startswith(b"PK")
    refused = bellwether("report", "availability", "--month", "soon", dsn=district.dsn)
    assert (refused.returncode, "no month such as" in refused.stderr) == (2, True)
