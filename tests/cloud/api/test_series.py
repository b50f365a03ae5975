"""Series: steps, sources, units, and gaps that stay gaps."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.telemetry.series import MAX_POINTS, Step, fill
from tests.cloud.district import SmallDistrict

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


async def series(api: httpx.AsyncClient, **params: Any) -> dict[str, Any]:
    response = await api.get("/api/v1/links/s01-wan/series", params=params)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_a_missing_sample_is_null_and_never_zero(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    for second in range(0, 600, 10):
        if not 200 <= second < 300:
            district.link_sample("s01-wan", "school", at(second), in_bps=1000 + second, out_bps=0)
    found = await series(
        api,
        metric="in_bps",
        **{"from": at(0).isoformat(), "to": at(600).isoformat(), "step": "10", "vantage": "school"},
    )
    assert (found["source"], found["step_seconds"]) == ("raw", 10)
    (line,) = found["series"]
    assert (line["metric"], line["unit"], line["vantage"]) == ("in_bps", "bps", "school")
    values = dict(line["points"])
    assert len(values) == 60
    for second in range(0, 600, 10):
        expected = None if 200 <= second < 300 else 1000 + second
        assert values[int(at(second).timestamp() * 1000)] == expected


async def test_a_poll_that_comes_a_little_late_leaves_no_hole(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    for number in range(60):
        late = 2 if number % 2 else 0
        district.link_sample("s01-wan", "school", at(9 + number * 10 + late), in_bps=5, out_bps=5)
    found = await series(
        api,
        metric="in_bps",
        **{"from": at(10).timestamp(), "to": at(590).timestamp(), "step": "10s", "vantage": "school"},
    )
    assert {value for _, value in found["series"][0]["points"]} == {5}


async def test_probes_and_counters_of_one_link_do_not_make_holes_in_each_other(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    for second in range(0, 600, 30):
        district.link_sample("s01-wan", "centre", at(second), in_bps=7)
        district.link_sample("s01-wan", "centre", at(second + 5), loss_ratio=0.25, rtt_seconds=0.01)
    found = await series(
        api,
        metric=["in_bps", "loss_ratio", "rtt_seconds"],
        **{"from": at(0).isoformat(), "to": at(570).isoformat(), "step": "10", "vantage": "centre"},
    )
    bps, loss, rtt = found["series"]
    assert {value for _, value in bps["points"][:-2]} == {7}
    assert {value for _, value in loss["points"][:-2]} == {0.25}
    assert (loss["unit"], rtt["unit"]) == ("ratio", "seconds")


async def test_both_ends_come_as_separate_series(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    district.link_sample("s01-wan", "school", at(0), in_bps=1)
    district.link_sample("s01-wan", "centre", at(0), in_bps=2)
    found = await series(
        api, metric="in_bps,out_bps", **{"from": at(0).isoformat(), "to": at(60).isoformat(), "step": "60"}
    )
    assert [(line["vantage"], line["metric"], line["points"][0][1]) for line in found["series"]] == [
        ("school", "in_bps", 1),
        ("school", "out_bps", None),
        ("centre", "in_bps", 2),
        ("centre", "out_bps", None),
    ]


async def test_a_link_that_was_never_measured_has_only_nulls(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    found = await series(api, metric="in_bps")
    assert len(found["series"]) == 2
    assert all(value is None for line in found["series"] for _, value in line["points"])


@pytest.mark.parametrize(
    ("span", "source"),
    [(timedelta(hours=1), "raw"), (timedelta(days=1), "raw"), (timedelta(days=7), "5m"), (timedelta(days=60), "1h")],
)
async def test_the_table_is_chosen_by_the_span(
    api: httpx.AsyncClient, district: SmallDistrict, span: timedelta, source: str
) -> None:
    found = await series(api, metric="in_bps", **{"from": (NOON - span).isoformat(), "to": NOON.isoformat()})
    assert found["source"] == source
    assert all(300 <= len(line["points"]) <= MAX_POINTS for line in found["series"])


async def test_rollups_are_weighted_by_their_samples(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    thing_id = district.thing_id("link", "s01-wan", "s01-gw")
    for second, samples, mean in ((0, 30, 10.0), (300, 10, 50.0), (900, 30, 7.0)):
        district.insert(
            "link_5m",
            {
                "bucket": at(second),
                "thing_id": thing_id,
                "vantage": "school",
                "samples": samples,
                "in_bps_avg": mean,
                "in_octets_total_max": second,
            },
        )
    found = await series(
        api,
        metric=["in_bps", "in_octets_total"],
        **{"from": at(0).isoformat(), "to": at(1800).isoformat(), "step": "10m", "vantage": "school"},
    )
    assert found["source"] == "5m"
    assert [value for _, value in found["series"][0]["points"]] == [20.0, 7.0, None]
    assert [value for _, value in found["series"][1]["points"]] == [300, 900, None]


async def test_every_wrong_input_is_named_with_what_is_allowed(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    response = await api.get(
        "/api/v1/links/s01-wan/series",
        params={"metric": "speed", "from": "yesterday", "to": "9e99", "step": "often", "vantage": "moon"},
    )
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    errors = {error["field"]: error for error in response.json()["errors"]}
    assert set(errors) == {"metric", "from", "to", "step", "vantage"}
    assert "in_bps" in errors["metric"]["allowed"]
    assert "2026-11-23T08:00:00Z" in errors["from"]["allowed"]
    assert errors["step"]["allowed"][-1] == "1d"
    assert errors["vantage"]["allowed"] == ["school", "centre", "both"]


async def test_too_many_points_are_refused_with_the_smallest_step_that_fits(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    response = await api.get(
        "/api/v1/links/s01-wan/series",
        params={"from": (NOON - timedelta(days=1)).isoformat(), "to": NOON.isoformat(), "step": "1"},
    )
    assert response.status_code == 422
    assert response.json()["errors"][0]["allowed"] == ["60s or more"]


@pytest.mark.parametrize(
    "text",
    ["2026-11-23T04:00:00Z", "2026-11-23T12:00:00+08:00", "2026-11-23T04:00:00", "1795406400", "1795406400000"],
)
async def test_times_are_read_in_every_usual_form(api: httpx.AsyncClient, district: SmallDistrict, text: str) -> None:
    found = await series(api, metric="in_bps", to=text, step="60")
    assert found["to"] == "2026-11-23T04:00:00Z"
    assert found["from"] == "2026-11-23T03:00:00Z"


async def test_a_start_after_the_end_is_refused(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    response = await api.get("/api/v1/links/s01-wan/series", params={"from": "1795406400", "to": "1795406399"})
    assert response.json()["errors"] == [{"field": "from", "detail": "must be before `to`", "allowed": None}]


times = st.lists(st.integers(min_value=0, max_value=999), min_size=1, max_size=60, unique=True).map(sorted)


@given(times, st.integers(min_value=1, max_value=60))
def test_filling_keeps_every_measured_value_and_never_reaches_over_a_long_gap(seconds: list[int], width: int) -> None:
    buckets: dict[int, list[int]] = {}
    for second in seconds:
        buckets.setdefault(second // width, []).append(second)
    found = [Step(index, float(index), held[0], held[-1], 0) for index, held in sorted(buckets.items())]
    values = fill(found, 1000 // width + 1)
    for step in found:
        assert values[step.index] == step.value
    distances = sorted(after.first_seconds - before.last_seconds for before, after in itertools.pairwise(found))
    for before, after in itertools.pairwise(found):
        between = values[before.index + 1 : after.index]
        if after.first_seconds - before.last_seconds > 1.75 * distances[(len(distances) - 1) // 2]:
            assert set(between) <= {None}
        else:
            assert set(between) <= {after.value}
    assert set(values[: found[0].index]) <= {None}
    assert set(values[found[-1].index + 1 :]) <= {None}
