"""The watch over the wall clock."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.health import CLOCK_STEP_SECONDS, ClockWatch


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
