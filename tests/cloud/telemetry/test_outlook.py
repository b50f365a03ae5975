"""What a link's days say: quality of a call, growth that outliers do not bend, the usual week; and what is not said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.telemetry.baseline import HOURS, hour_of_week, usual
from cloud.telemetry.forecast import LEAST_DAYS, Trend, forecast, percentile, theil_sen
from cloud.telemetry.voice import quality
from tests.cloud.district import SmallDistrict, now

SHANGHAI = ZoneInfo("Asia/Shanghai")
seconds = st.floats(0, 2)
ratios = st.floats(0, 1)
finite = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))


@given(seconds, seconds, ratios)
def test_a_score_stays_on_its_scale(rtt: float, jitter: float, loss: float) -> None:
    found = quality(rtt, jitter, loss)
    assert 1.0 <= found.mos <= 4.5
    assert 0.0 <= found.r <= 93.2


@given(seconds, seconds, ratios, st.floats(0, 1))
def test_nothing_worse_makes_a_call_better(rtt: float, jitter: float, loss: float, more: float) -> None:
    here = quality(rtt, jitter, loss).mos
    assert quality(rtt + more, jitter, loss).mos <= here
    assert quality(rtt, jitter + more, loss).mos <= here
    assert quality(rtt, jitter, min(1.0, loss + more)).mos <= here


def test_known_lines_score_as_the_model_says() -> None:
    assert quality(0.004, 0.0005, 0.0).mos == pytest.approx(4.40, abs=0.02)
    assert quality(0.3, 0.0, 0.0).mos == pytest.approx(4.34, abs=0.05)
    assert quality(0.004, 0.0005, 0.05).mos < 4.0
    assert quality(1.5, 0.1, 0.3).mos < 1.5


@given(finite, st.floats(-100, 100).map(lambda value: round(value, 3)), st.integers(LEAST_DAYS, 60))
def test_a_straight_line_is_found_as_it_is(start: float, step: float, days: int) -> None:
    slope = theil_sen([(float(day), start + step * day) for day in range(days)])
    assert slope.per_day == pytest.approx(step, abs=1e-6)
    assert slope.level == pytest.approx(start + step * (days - 1), abs=1e-3)


@given(st.lists(finite, min_size=LEAST_DAYS, max_size=40))
def test_the_interval_holds_the_slope(values: list[float]) -> None:
    slope = theil_sen([(float(day), value) for day, value in enumerate(values)])
    assert slope.least_per_day <= slope.per_day <= slope.most_per_day


@given(st.integers(20, 40), st.data())
def test_one_day_in_five_may_be_anything(days: int, data: st.DataObject) -> None:
    wild = data.draw(st.sets(st.integers(0, days - 1), max_size=days // 5))
    points = [(float(day), data.draw(finite) if day in wild else 100.0 + 2.0 * day) for day in range(days)]
    assert theil_sen(points).per_day == pytest.approx(2.0, abs=1e-6)


@given(st.lists(st.floats(0, 1e10), max_size=LEAST_DAYS - 1))
def test_too_few_days_are_no_forecast(values: list[float]) -> None:
    told = forecast(list(enumerate(values)), 1e9)
    assert (told.trend, told.days, told.slope) == (Trend.NOT_ENOUGH_DATA, None, None)


def test_a_growing_line_is_full_one_day_between_soonest_and_latest() -> None:
    wobble = (0.0, 7.0, -5.0, 3.0)
    told = forecast([(float(day), 500.0 + 5.0 * day + wobble[day % 4]) for day in range(30)], 1_000.0)
    assert told.trend is Trend.GROWING
    assert told.days == pytest.approx((1_000 - 645) / 5, rel=0.05)
    assert told.days is not None
    assert told.soonest_days is not None
    assert told.latest_days is not None
    assert told.soonest_days <= told.days <= told.latest_days


def test_a_line_that_may_not_grow_at_all_is_stable_and_one_that_shrinks_falls() -> None:
    level = [(float(day), 500.0 + (40.0 if day % 3 else -40.0)) for day in range(30)]
    assert forecast(level, 1_000.0).trend is Trend.STABLE
    assert forecast([(x, 900.0 - 9.0 * x) for x, _ in level], 1_000.0).trend is Trend.FALLING
    assert forecast([(x, 1_500.0) for x, _ in level], 1_000.0).trend is Trend.SATURATED
    assert forecast([(x, 10.0 + 0.001 * x) for x, _ in level], 1_000.0).days is None


@given(st.lists(finite, min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_one_of_the_values_and_not_exceeded_by_its_share(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6


@given(st.lists(st.tuples(st.datetimes(timezones=st.just(UTC)), st.floats(0, 1e9)), max_size=60))
def test_the_usual_week_has_every_hour_and_bands_around_medians(values: list[tuple[datetime, float]]) -> None:
    week = usual(values, SHANGHAI)
    assert len(week) == HOURS
    for index, hour in enumerate(week):
        if hour is not None:
            assert hour.hour == index
            assert hour.low <= hour.median <= hour.high
            assert hour.weeks >= 3


def test_the_week_begins_on_monday_midnight_of_the_district() -> None:
    monday = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
    assert hour_of_week(monday, SHANGHAI) == 0
    assert hour_of_week(monday - timedelta(hours=1), SHANGHAI) == 167


def rolled_up(district: SmallDistrict, link: str, width: str, at: datetime, vantage: str, **values: float) -> None:
    thing_id = district.thing_id("link", link, "core")
    district.insert(f"link_{width}", {"bucket": at, "thing_id": thing_id, "vantage": vantage, "samples": 30, **values})


async def test_an_empty_link_says_that_there_is_not_enough(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    told = (await api.get("/api/v1/links/s01-wan/outlook")).json()
    assert told["saturation"]["trend"] == "not_enough_data"
    assert (told["voice_now"], told["voice_day"], told["days"]) == (None, None, [])
    assert told["usual"] == [None] * HOURS
    assert (await api.get("/api/v1/links/s09-wan/outlook")).status_code == 404


async def test_the_centres_rates_are_mirrored_where_the_schools_are_missing(
    api: httpx.AsyncClient, district: SmallDistrict
) -> None:
    bucket = now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    rolled_up(district, "s01-wan", "5m", bucket, "school", in_bps_avg=800, out_bps_avg=80)
    rolled_up(district, "s01-wan", "5m", bucket, "centre", in_bps_avg=1, out_bps_avg=2)
    later = bucket + timedelta(minutes=30)
    rolled_up(district, "s01-wan", "5m", later, "centre", in_bps_avg=90, out_bps_avg=900)
    rolled_up(district, "s01-wan", "5m", later, "school", rtt_seconds_avg=0.004, loss_ratio_avg=0)
    district.link_now("s01-wan", "school", rtt_seconds=0.004, jitter_seconds=0.001, loss_ratio=0.0)
    told = (await api.get("/api/v1/links/s01-wan/outlook")).json()
    assert told["percentile"] == {"days": 30, "steps": 2, "to_school_bps": 900, "from_school_bps": 90}
    assert told["voice_now"]["mos"] > 4.3
    assert told["voice_day"]["rtt_seconds"] == 0.004
    lines = (await api.get("/api/v1/sparklines/links?hours=24")).json()
    assert [line["link"] for line in lines["items"]] == ["s01-wan"]
    assert [value for value in lines["items"][0]["to_school_bps"] if value is not None] == [800, 900]


async def test_weeks_of_growth_are_forecast(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    midnight = now().astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    thing_id = district.thing_id("link", "s01-wan", "core")
    district.execute(
        "INSERT INTO link_5m (bucket, thing_id, vantage, samples, in_bps_avg, out_bps_avg)"
        " SELECT at, %s, 'school', 30, 5e8 + 5e6 * floor(extract(epoch FROM at - %s) / 86400), 1e6"
        " FROM generate_series(%s, %s, interval '5 minutes') AS at",
        thing_id, midnight - timedelta(days=21), midnight - timedelta(days=21), midnight - timedelta(minutes=5),
    )  # fmt: skip
    told = (await api.get("/api/v1/links/s01-wan/outlook")).json()["saturation"]
    assert (told["trend"], told["days_used"]) == ("growing", 21)
    assert told["days"] == pytest.approx(80, abs=1)
