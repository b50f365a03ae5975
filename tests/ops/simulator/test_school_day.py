"""The school day has no holes, no steps, and a lesson where the demo's clock is placed."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.simulator.school_day import BELLS, MID_LESSON, SHANGHAI, Phase, SchoolClock, load_at, period_at

MONDAY = datetime(2026, 11, 23, tzinfo=SHANGHAI)
STAGES = sorted(BELLS)


@pytest.mark.parametrize("stage", STAGES)
def test_a_day_runs_from_midnight_to_midnight_without_a_hole(stage: str) -> None:
    day = BELLS[stage]
    assert day[0].begins == 0
    assert day[-1].ends == 86_400
    assert all(before.ends == after.begins for before, after in pairwise(day))
    assert sum(period.phase is Phase.LUNCH for period in day) == 1


@given(real=st.floats(0, 4e9), stage=st.sampled_from(STAGES), minutes=st.integers(0, 14))
def test_a_placed_clock_shows_a_lesson_at_any_real_time(real: float, stage: str, minutes: int) -> None:
    clock = SchoolClock.placed(MID_LESSON, real)
    assert period_at(clock.at_school(real + minutes * 60), stage).phase is Phase.LESSON


def test_the_real_clock_is_shanghai_time() -> None:
    assert SchoolClock().at_school(MONDAY.timestamp()) == MONDAY


@pytest.mark.parametrize("stage", STAGES)
def test_load_never_jumps_at_a_bell(stage: str) -> None:
    loads = [load_at(MONDAY + timedelta(seconds=second), stage) for second in range(0, 86_400, 3)]
    assert all(0 < load <= 1 for load in loads)
    assert max(abs(after - before) for before, after in pairwise(loads)) < 0.1


def test_lessons_are_busier_than_breaks_and_breaks_than_nights() -> None:
    lesson, pause, night = (
        load_at(MONDAY + timedelta(hours=hours, minutes=minutes), "primary")
        for hours, minutes in ((9, 30), (9, 55), (2, 0))
    )
    assert lesson > pause > night


def test_weekends_are_closed() -> None:
    assert period_at(MONDAY + timedelta(days=5, hours=10), "senior").phase is Phase.CLOSED


def test_evening_study_is_for_senior_schools() -> None:
    evening = MONDAY + timedelta(hours=19)
    assert period_at(evening, "senior").phase is Phase.EVENING_STUDY
    assert period_at(evening, "primary").phase is Phase.CLOSED
