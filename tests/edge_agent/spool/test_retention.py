"""How much the spool may hold and what it gives up first."""

from __future__ import annotations

import pytest

from edge_agent.spool.retention import Step, Usage, capacity_bytes, has_room, next_step, pressure_level
from edge_agent.spool.values import MIN_MAX_BYTES, SpoolLimits, StoredLane

MIB = 1024 * 1024
LIMITS = SpoolLimits(max_bytes=100 * MIB, min_free_bytes=10 * MIB)


def _usage(used_mib: float, disk_free_mib: float = 1000, free_page_mib: float = 0) -> Usage:
    return Usage(int(used_mib * MIB), int(free_page_mib * MIB), int(disk_free_mib * MIB))


def test_the_budget_leaves_room_for_the_log() -> None:
    assert 95 * MIB < capacity_bytes(_usage(0), LIMITS, StoredLane.HEALTH) < 97 * MIB


def test_below_the_disk_floor_health_may_only_use_pages_it_has() -> None:
    usage = _usage(20, disk_free_mib=5, free_page_mib=10)
    assert capacity_bytes(usage, LIMITS, StoredLane.HEALTH) == 30 * MIB
    assert has_room(usage, LIMITS, StoredLane.HEALTH, 5 * MIB)
    assert not has_room(usage, LIMITS, StoredLane.HEALTH, 9 * MIB)


def test_events_may_use_half_of_the_disk_floor() -> None:
    full = _usage(20, disk_free_mib=7)
    assert not has_room(full, LIMITS, StoredLane.HEALTH, 1)
    assert has_room(full, LIMITS, StoredLane.EVENTS, 2 * MIB)
    assert not has_room(_usage(20, disk_free_mib=5), LIMITS, StoredLane.EVENTS, 1)


def test_the_last_of_the_budget_is_for_events() -> None:
    nearly = _usage(92)
    assert not has_room(nearly, LIMITS, StoredLane.HEALTH, MIB)
    assert has_room(nearly, LIMITS, StoredLane.EVENTS, MIB)


@pytest.mark.parametrize(
    ("ratio", "thinning", "raw_left", "step"),
    [
        (0.84, False, True, Step.NOTHING),
        (0.85, False, True, Step.AGGREGATE),
        (0.82, True, True, Step.AGGREGATE),
        (0.79, True, True, Step.NOTHING),
        (0.90, True, False, Step.NOTHING),
        (0.93, True, False, Step.DROP),
    ],
)
def test_raw_is_aggregated_first_and_dropped_last(ratio: float, thinning: bool, raw_left: bool, step: Step) -> None:
    assert next_step(ratio, thinning, raw_left) is step


def test_pressure_is_told_at_70_85_and_95_and_does_not_flutter() -> None:
    level, told = 0.0, []
    for ratio in (0.5, 0.71, 0.69, 0.72, 0.86, 0.97, 0.93, 0.89, 0.6):
        after = pressure_level(ratio, level)
        if after != level:
            told.append(after)
        level = after
    assert told == [0.70, 0.85, 0.95, 0.85, 0.0]


def test_a_budget_too_small_to_work_is_refused() -> None:
    with pytest.raises(ValueError, match=f"at least {MIN_MAX_BYTES}"):
        SpoolLimits(max_bytes=1000)
