"""Corrected times: the monotonic clock wins where the boot is known, and no impossible time gets through."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloud.telemetry.correction import FUTURE_LIMIT_MS, PAST_LIMIT_MS, TOLERANCE_MS, corrected_times

RECEIVED = 1_795_000_000_000
STARTED = RECEIVED - 10_000_000


def correct(
    observed: list[int], monotonic: list[int], started: int | None = STARTED, sealed: int = 9_000_000
) -> list[int]:
    return list(
        corrected_times(observed, monotonic, started_at_ms=started, sealed_monotonic_ms=sealed, received_at_ms=RECEIVED)
    )


def test_a_right_clock_is_kept_as_it_is() -> None:
    observed = [STARTED + 1_000, STARTED + 2_000 + TOLERANCE_MS]
    assert (
        corrected_times(observed, [1_000, 2_000], started_at_ms=STARTED, sealed_monotonic_ms=0, received_at_ms=RECEIVED)
        is observed
    )


def test_a_clock_without_battery_is_corrected_by_the_boot() -> None:
    assert correct([1_000, 31_000], [5_000, 35_000]) == [STARTED + 5_000, STARTED + 35_000]


def test_a_clock_that_is_set_in_between_is_corrected_row_by_row() -> None:
    assert correct([1_000, STARTED + 6_000], [5_000, 6_000]) == [STARTED + 5_000, STARTED + 6_000]


def test_of_an_unknown_boot_a_plausible_clock_is_believed() -> None:
    assert correct([RECEIVED - 86_400_000], [1], started=None) == [RECEIVED - 86_400_000]


def test_an_impossible_time_of_an_unknown_boot_is_the_arrival_less_its_age_at_sealing() -> None:
    year_2090 = RECEIVED + 64 * 365 * 86_400_000
    assert correct([year_2090, 0], [4_000, 6_000], started=None, sealed=10_000) == [RECEIVED - 6_000, RECEIVED - 4_000]


TIMES = st.integers(0, 2**52)


@given(
    rows=st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=20),
    started=st.none() | st.integers(0, RECEIVED),
    sealed=TIMES,
)
def test_no_corrected_time_is_impossible(rows: list[tuple[int, int]], started: int | None, sealed: int) -> None:
    observed, monotonic = [row[0] for row in rows], [row[1] for row in rows]
    corrected = correct(observed, monotonic, started, sealed)
    assert len(corrected) == len(rows)
    for time_ms in corrected:
        assert RECEIVED - PAST_LIMIT_MS <= time_ms <= RECEIVED + FUTURE_LIMIT_MS


@given(ages=st.lists(st.integers(0, 9_000_000), min_size=1, max_size=20), error=st.integers(-(10**11), 10**11))
def test_with_a_known_boot_any_clock_error_is_undone(ages: list[int], error: int) -> None:
    true_times = [RECEIVED - age for age in ages]
    observed = [max(time_ms + error, 0) for time_ms in true_times]
    corrected = correct(observed, [time_ms - STARTED for time_ms in true_times])
    assert all(abs(a - b) <= TOLERANCE_MS for a, b in zip(corrected, true_times, strict=True))
