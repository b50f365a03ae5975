"""The watch over the wall clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.collectors.reading import Reading, Stamp, event
from edge_agent.health import CLOCK_STEP_SECONDS, ClockWatch, DeviceState
from protocols.samples import DeviceSample, Kind


def test_a_step_is_told_once_with_its_direction():
    watch = ClockWatch()
    assert watch.look(1_000_000, 5_000) is None
    assert watch.look(1_005_000, 10_000) is None
    assert watch.look(4_610_000, 15_000) == 3600.0
    assert watch.look(4_615_000, 20_000) is None
    assert watch.look(1_020_000, 25_000) == -3600.0


def test_suspended_time_is_no_step():
    watch = ClockWatch()
    watch.look(0, 0)
    assert watch.look(86_400_000, 86_400_000) is None


@given(st.lists(st.integers(-400, 400), max_size=200))
def test_a_clock_that_is_slewed_never_steps(slews_ms):
    watch, wall_ms, monotonic_ms = ClockWatch(), 0, 0
    for slew_ms in slews_ms:
        assert abs(slew_ms) / 1000 < CLOCK_STEP_SECONDS
        monotonic_ms += 5_000
        wall_ms += 5_000 + slew_ms
        assert watch.look(wall_ms, monotonic_ms) is None


def polled(at_ms: int, reachable: bool) -> Reading:
    return Reading((DeviceSample(thing="sw1", observed_at_ms=at_ms, monotonic_ms=at_ms, reachable=reachable),))


def changed(at_ms: int, name: str) -> Reading:
    return Reading(events=(event(name, Kind.DEVICE, "sw1", Stamp(at_ms, at_ms)),))


def test_a_silence_that_another_collector_met_shows_though_the_polls_are_held_back():
    state = DeviceState(device="sw1").after(polled(1, True)).after(changed(2, "device.unreachable"))
    assert state == DeviceState(device="sw1", reachable=False, since_ms=2, polled_at_ms=1)
    assert state.after(changed(3, "device.reachable")).reachable is True


def test_a_device_stays_refused_until_it_answers():
    refused = DeviceState(device="sw1").after(polled(1, True) + changed(1, "device.refused"))
    assert refused.after(polled(2, True)).refused, "a refusal is an answer too"
    assert not refused.after(changed(3, "device.reachable")).refused
    assert refused.after(polled(3, False)) == DeviceState(device="sw1", reachable=False, since_ms=3, polled_at_ms=3)


def test_others_do_not_change_a_device():
    assert DeviceState(device="sw2").after(polled(1, True) + changed(2, "device.refused")) == DeviceState(device="sw2")
