"""The counter rules, each with its story and exact figures; then what must hold for any two readings."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.collectors.snmp.counters import (
    COUNTER32_MODULUS,
    COUNTER64_MODULUS,
    PHYSICAL_LIMIT_BPS,
    UPTIME_MODULUS,
    ClockReading,
    First,
    Merged,
    PortReading,
    Rates,
    RefusalReason,
    Refused,
    Reset,
    ResetReason,
    clock_drift,
    compare,
    device_reset,
)

GIGABIT = 1_000_000_000
INTERVAL = 60.0
IN_OCTETS, OUT_OCTETS = 10_000_000_000, 20_000_000_000
START = PortReading(
    if_name="GigabitEthernet0/0/1",
    if_index=7,
    if_phys_address=b"\x00\x1b\x21\x00\x00\x07",
    sys_up_time_cs=10_000_000,
    at_seconds=1000.0,
    uncertainty_seconds=0.005,
    snmp_engine_boots=4,
    if_counter_discontinuity_time_cs=0,
    speed_bps=GIGABIT,
    in_octets=IN_OCTETS,
    out_octets=OUT_OCTETS,
    in_errors=5,
    out_errors=6,
    in_discards=7,
    out_discards=8,
    oper_up=True,
    admin_up=True,
)


def later(before: PortReading = START, seconds: float = 60.0, **changes: Any) -> PortReading:
    """The same port `seconds` later on both clocks, with some changes."""
    moved: dict[str, Any] = {
        "at_seconds": before.at_seconds + seconds,
        "sys_up_time_cs": (before.sys_up_time_cs + round(seconds * 100)) % UPTIME_MODULUS,
    }
    return dataclasses.replace(before, **(moved | changes))


def rates(before: PortReading, now: PortReading) -> Rates:
    outcome = compare(before, now, INTERVAL)
    assert isinstance(outcome, Rates)
    return outcome


def test_the_first_reading_gives_no_rate():
    assert compare(None, START, INTERVAL) == First()


def test_rates_are_deltas_over_the_devices_own_time():
    now = later(in_octets=IN_OCTETS + 750_000_000, out_octets=OUT_OCTETS + 75_000_000, in_errors=65)
    assert rates(START, now) == Rates(
        seconds=60.0,
        in_bps=100_000_000,
        out_bps=10_000_000,
        in_errors_per_second=1.0,
        out_errors_per_second=0.0,
        in_discards_per_second=0.0,
        out_discards_per_second=0.0,
    )


def test_a_poll_that_came_late_is_no_drift_and_changes_no_rate():
    now = later(seconds=75.0, in_octets=IN_OCTETS + 937_500_000)
    assert rates(START, now).in_bps == 100_000_000


def test_a_device_clock_that_runs_six_percent_fast_is_told_and_still_the_time_base():
    now = later(sys_up_time_cs=START.sys_up_time_cs + 6360, in_octets=IN_OCTETS + 795_000_000)
    found = rates(START, now)
    assert found.drift_ratio == 0.06
    assert found.in_bps == 100_000_000


def test_a_device_clock_four_percent_off_is_no_news():
    assert rates(START, later(sys_up_time_cs=START.sys_up_time_cs + 6240)).drift_ratio is None


def test_a_device_clock_that_stands_still_gives_no_rates_at_all():
    found = rates(START, later(sys_up_time_cs=START.sys_up_time_cs, in_octets=IN_OCTETS + 1))
    assert found == Rates(0.0, drift_ratio=-1.0)


def test_a_reboot_in_mid_interval_is_a_reset_though_the_counter_may_look_higher():
    for octets in (0, 4_000, IN_OCTETS + 4_000_000_000):
        now = later(sys_up_time_cs=2_000, in_octets=octets)
        assert compare(START, now, INTERVAL) == Reset(ResetReason.RESTARTED)


def test_a_reboot_hidden_in_a_long_gap_is_found_though_sys_up_time_went_forward():
    young = dataclasses.replace(START, sys_up_time_cs=10_000)  # up for 100 s at the last reading
    now = later(young, seconds=3600.0, sys_up_time_cs=300_000, in_octets=IN_OCTETS + 1_000)  # up for 3000 s now
    assert compare(young, now, INTERVAL) == Reset(ResetReason.RESTARTED)


def test_after_a_reset_the_next_reading_gives_rates_again():
    rebooted = later(sys_up_time_cs=2_000, in_octets=1_000)
    assert isinstance(compare(START, rebooted, INTERVAL), Reset)
    assert rates(rebooted, later(rebooted, in_octets=751_000)).in_bps == 100_000


def test_sys_up_time_wraps_after_497_days_without_a_reset():
    old = dataclasses.replace(START, sys_up_time_cs=UPTIME_MODULUS - 2_000)
    now = later(old, in_octets=IN_OCTETS + 750_000_000)
    assert now.sys_up_time_cs == 4_000
    assert rates(old, now).in_bps == 100_000_000


def test_a_restart_near_the_497th_day_is_not_taken_for_the_wrap():
    old = dataclasses.replace(START, sys_up_time_cs=UPTIME_MODULUS - 2_000)
    assert compare(old, later(old, sys_up_time_cs=1_000), INTERVAL) == Reset(ResetReason.RESTARTED)


def test_a_discontinuity_stamp_that_changed_is_a_reset():
    now = later(if_counter_discontinuity_time_cs=10_003_000, in_octets=IN_OCTETS + 1_000)
    assert compare(START, now, INTERVAL) == Reset(ResetReason.DISCONTINUITY)


def test_a_discontinuity_stamp_missing_from_one_answer_proves_nothing():
    assert isinstance(compare(START, later(if_counter_discontinuity_time_cs=None), INTERVAL), Rates)


def test_a_name_that_moved_to_another_if_index_is_a_reset():
    assert compare(START, later(if_index=9), INTERVAL) == Reset(ResetReason.INDEX_MOVED)


def test_an_if_index_that_now_has_another_name_is_a_reset():
    assert compare(START, later(if_name="GigabitEthernet0/0/2"), INTERVAL) == Reset(ResetReason.INDEX_MOVED)


def test_another_hardware_address_is_another_port():
    now = later(if_phys_address=b"\x00\x1b\x21\x00\x00\x08")
    assert compare(START, now, INTERVAL) == Reset(ResetReason.ADDRESS_CHANGED)


def test_engine_boots_that_changed_are_a_reset_even_if_sys_up_time_does_not_show_it():
    assert compare(START, later(snmp_engine_boots=5), INTERVAL) == Reset(ResetReason.ENGINE_BOOTS)


def test_counters_that_were_cleared_without_any_sign_are_a_reset_and_no_spike():
    now = later(in_octets=1_000, out_octets=2_000)
    assert compare(START, now, INTERVAL) == Reset(ResetReason.COUNTER_WENT_BACK)


def test_one_counter_cleared_on_its_own_is_a_reset_too():
    now = later(in_octets=1_000, out_octets=OUT_OCTETS + 75_000_000)
    assert compare(START, now, INTERVAL) == Reset(ResetReason.COUNTER_WENT_BACK)


def test_a_64_bit_counter_goes_on_over_its_wrap():
    old = dataclasses.replace(START, in_octets=COUNTER64_MODULUS - 1_000)
    assert rates(old, later(old, in_octets=749_999_000)).in_bps == 100_000_000


def test_a_rate_above_the_ports_speed_is_named_with_its_raw_figures_and_not_published():
    octets = IN_OCTETS + 60 * 2_000_000_000 // 8
    found = rates(START, later(in_octets=octets, out_octets=OUT_OCTETS + 75_000_000))
    assert found.in_bps is None
    assert found.out_bps == 10_000_000
    assert [(one.metric, one.rate, one.limit) for one in found.implausible] == [("in_bps", 2_000_000_000, 1.1e9)]


def test_a_peak_of_line_rate_and_a_little_more_is_kept_whole():
    octets = IN_OCTETS + round(60 * 1.09e9 / 8)
    assert rates(START, later(in_octets=octets)).in_bps == 1_090_000_000


def test_a_wrong_if_high_speed_hides_no_traffic_it_only_flags_it():
    slow = dataclasses.replace(START, speed_bps=10_000_000)
    found = rates(slow, later(slow, in_octets=IN_OCTETS + 750_000_000))
    assert found.in_bps is None
    assert found.implausible[0].rate == 100_000_000


def test_an_unknown_speed_leaves_only_the_physical_limit():
    unknown = dataclasses.replace(START, speed_bps=None)
    assert rates(unknown, later(unknown, in_octets=IN_OCTETS + 750_000_000)).in_bps == 100_000_000


class Test32BitCounters:
    NARROW = dataclasses.replace(
        START, octets_bits=32, speed_bps=100_000_000, in_octets=4_294_000_000, out_octets=1_000_000
    )

    def test_a_wrap_within_the_wrap_time_is_counted_through(self):
        now = later(self.NARROW, in_octets=(4_294_000_000 + 75_000_000) % COUNTER32_MODULUS)
        assert rates(self.NARROW, now).in_bps == 10_000_000

    def test_at_gigabit_speed_they_are_refused_and_errors_still_counted(self):
        fast = dataclasses.replace(self.NARROW, speed_bps=GIGABIT)
        outcome = compare(fast, later(fast, in_octets=10, in_errors=65), INTERVAL)
        assert isinstance(outcome, Refused)
        assert outcome.reason is RefusalReason.TOO_FAST
        assert outcome.rates.in_bps is None
        assert outcome.rates.in_errors_per_second == 1.0

    def test_at_650_megabit_they_are_still_taken_when_polled_often_enough(self):
        fast = dataclasses.replace(self.NARROW, speed_bps=650_000_000, in_octets=0)
        assert isinstance(compare(fast, later(fast, seconds=30.0, in_octets=3_750_000), 30.0), Rates)

    def test_a_gap_as_long_as_the_wrap_time_is_refused(self):
        wrap_seconds = COUNTER32_MODULUS * 8 / 100_000_000  # 343.6 s
        outcome = compare(self.NARROW, later(self.NARROW, seconds=wrap_seconds + 1), INTERVAL)
        assert isinstance(outcome, Refused)
        assert outcome.reason is RefusalReason.WRAPS_BETWEEN_POLLS

    def test_without_a_known_speed_the_wrap_time_is_unknown_too(self):
        unknown = dataclasses.replace(self.NARROW, speed_bps=None)
        outcome = compare(unknown, later(unknown), INTERVAL)
        assert isinstance(outcome, Refused)
        assert outcome.reason is RefusalReason.SPEED_UNKNOWN

    def test_both_directions_going_back_at_once_were_cleared(self):
        full = dataclasses.replace(self.NARROW, in_octets=4_294_000_000, out_octets=4_294_500_000)
        cleared = later(full, in_octets=100, out_octets=100)  # each alone would pass for a wrap
        assert compare(full, cleared, INTERVAL) == Reset(ResetReason.COUNTER_WENT_BACK)

    def test_the_longer_of_two_clocks_decides_whether_it_may_have_wrapped(self):
        now = later(self.NARROW, seconds=345.0, sys_up_time_cs=self.NARROW.sys_up_time_cs + 33_500)
        outcome = compare(self.NARROW, now, INTERVAL)
        assert isinstance(outcome, Refused)
        assert outcome.reason is RefusalReason.WRAPS_BETWEEN_POLLS

    def test_a_device_that_shows_64_bits_from_now_on_starts_anew(self):
        now = later(self.NARROW, octets_bits=64, in_octets=99_000_000_000)
        assert compare(self.NARROW, now, INTERVAL) == Reset(ResetReason.WIDTH_CHANGED)


def test_a_counter_missing_from_an_answer_is_null_and_not_zero():
    found = rates(START, later(in_octets=None, in_errors=None))
    assert found.in_bps is None
    assert found.in_errors_per_second is None
    assert found.out_bps == 0


def test_an_error_counter_that_went_back_alone_is_null_and_no_spike():
    found = rates(START, later(in_errors=0, in_octets=IN_OCTETS + 750_000_000))
    assert found.in_errors_per_second is None
    assert found.in_bps == 100_000_000


def test_more_errors_than_frames_fit_on_the_line_are_implausible():
    found = rates(START, later(in_errors=4_000_000_000))
    assert found.in_errors_per_second is None
    assert [one.metric for one in found.implausible] == ["in_errors_per_second"]


@pytest.mark.parametrize("seconds", [0.0, 0.5, 29.9])
def test_a_second_poll_closer_than_half_an_interval_is_merged(seconds: float):
    assert compare(START, later(seconds=seconds, in_octets=IN_OCTETS + 10), INTERVAL) == Merged()


def test_a_restart_is_seen_even_in_a_poll_that_would_be_merged():
    assert compare(START, later(seconds=5.0, sys_up_time_cs=100), INTERVAL) == Reset(ResetReason.RESTARTED)


def test_slow_answers_make_neither_restart_nor_drift():
    before = ClockReading(sys_up_time_cs=100_000, at_seconds=50.0, uncertainty_seconds=1.0)
    now = ClockReading(sys_up_time_cs=101_100, at_seconds=60.0, uncertainty_seconds=1.0)
    assert device_reset(before, now) is None
    assert clock_drift(before, now) is None
    newborn = ClockReading(sys_up_time_cs=0, at_seconds=50.0, uncertainty_seconds=1.0)
    assert device_reset(newborn, dataclasses.replace(now, sys_up_time_cs=920)) is None


octets64 = st.integers(0, COUNTER64_MODULUS - 1)
octets32 = st.integers(0, COUNTER32_MODULUS - 1)


@st.composite
def any_reading(draw: st.DrawFn, at_seconds: float) -> PortReading:
    bits = draw(st.sampled_from((32, 64)))
    octets = st.none() | (octets64 if bits == 64 else octets32)
    return PortReading(
        if_name=draw(st.sampled_from(("a", "b"))),
        if_index=draw(st.sampled_from((1, 2))),
        sys_up_time_cs=draw(st.integers(0, UPTIME_MODULUS - 1)),
        at_seconds=at_seconds,
        uncertainty_seconds=draw(st.floats(0, 2)),
        snmp_engine_boots=draw(st.none() | st.integers(0, 2)),
        if_counter_discontinuity_time_cs=draw(st.none() | st.integers(0, 2)),
        speed_bps=draw(st.none() | st.sampled_from((10_000_000, 100_000_000, GIGABIT, 100 * GIGABIT))),
        octets_bits=bits,
        in_octets=draw(octets),
        out_octets=draw(octets),
        in_errors=draw(st.none() | octets32),
        out_errors=draw(st.none() | octets32),
        in_discards=draw(st.none() | octets32),
        out_discards=draw(st.none() | octets32),
    )


def published(outcome: object) -> Rates | None:
    return outcome.rates if isinstance(outcome, Refused) else outcome if isinstance(outcome, Rates) else None


METRICS = {
    "in_bps": "in_octets",
    "out_bps": "out_octets",
    "in_errors_per_second": "in_errors",
    "out_errors_per_second": "out_errors",
    "in_discards_per_second": "in_discards",
    "out_discards_per_second": "out_discards",
}


@given(data=st.data(), gap=st.floats(0, 10_000))
def test_no_two_readings_whatever_make_a_negative_impossible_or_invented_rate(data: st.DataObject, gap: float):
    before = data.draw(any_reading(100.0))
    now = data.draw(any_reading(100.0 + gap))
    found = published(compare(before, now, INTERVAL))
    if found is None:
        return
    limit = 1.1 * now.speed_bps if now.speed_bps else PHYSICAL_LIMIT_BPS
    for metric, counter in METRICS.items():
        rate = getattr(found, metric)
        if rate is None:
            continue
        assert getattr(before, counter) is not None, "a rate of a counter that was never read"
        assert getattr(now, counter) is not None, "a rate of a counter that was not read"
        assert 0 <= rate <= (limit if metric.endswith("bps") else limit / 672) + 0.5
        if rate == 0:  # never a fake zero: what did not move, or moved by less than the rounding
            moved = getattr(now, counter) - getattr(before, counter)
            assert 0 <= moved * 8 / found.seconds <= 0.5 or moved / found.seconds <= 0.00005


@given(
    speed=st.sampled_from((10_000_000, 100_000_000, GIGABIT)),
    load=st.floats(0, 1),
    start=octets64,
    uptime=st.integers(6_000, UPTIME_MODULUS - 1),
    seconds=st.floats(30, 300),
)
def test_whatever_a_port_really_carried_is_what_is_published(
    speed: int, load: float, start: int, uptime: int, seconds: float
):
    """A genuine device, over any wrap of clock or counter: the rate comes out within the clock's resolution."""
    before = dataclasses.replace(START, speed_bps=speed, in_octets=start, out_octets=None, sys_up_time_cs=uptime)
    carried = int(speed * load * seconds / 8)
    now = later(before, seconds=seconds, in_octets=(start + carried) % COUNTER64_MODULUS)
    if now.sys_up_time_cs / 100 < seconds and now.sys_up_time_cs >= uptime:
        return  # up for less than the gap: not a device that ran through it
    found = rates(before, now)
    assert found.in_bps is not None
    assert found.in_bps == pytest.approx(carried * 8 / seconds, rel=0.001, abs=1)
    assert found.drift_ratio is None


@given(
    bits=st.sampled_from((32, 64)),
    before_octets=octets32,
    since_restart=octets32,
    seconds=st.floats(1, 100_000),
    up_before=st.integers(0, 2**31),
    up_now=st.floats(0, 0.9),
)
def test_no_restart_whatever_makes_a_rate(
    bits: int, before_octets: int, since_restart: int, seconds: float, up_before: int, up_now: float
):
    before = dataclasses.replace(
        START, octets_bits=bits, speed_bps=10 * GIGABIT, in_octets=before_octets, sys_up_time_cs=up_before
    )
    up_now_cs = int(seconds * up_now * 100)
    now = later(before, seconds=seconds, sys_up_time_cs=up_now_cs, in_octets=since_restart)
    if up_now * seconds + max(0.05 * seconds, 0.06) + 0.02 >= seconds:
        return  # too short to tell from a clock that runs slowly
    assert compare(before, now, seconds) == Reset(ResetReason.RESTARTED)
