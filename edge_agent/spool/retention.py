"""How much the spool may hold, and what to give up when that is not enough. Pure decisions over values; the store acts.

Health is thinned first (raw to five-minute aggregates, then the oldest aggregates dropped) and stops at 95 %; events
and records may fill the rest and are then refused, never dropped (DESIGN.md §3.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from edge_agent.spool.values import SpoolLimits, StoredLane

PRESSURE_LEVELS = (0.70, 0.85, 0.95)
"""Passing one of these, up or down, is an event."""

FALL_BACK = 0.05
"""A level is left only this far below it, so that the events do not flutter."""

THIN_ABOVE = 0.85
THIN_DOWN_TO = 0.80
DROP_ABOVE = 0.93
HEALTH_CEILING = 0.95

HOUSEKEEPING_BYTES = 160 * 1024
"""Kept free below the hard limit, so that a full spool can still set a segment aside, thin, and say so."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What the spool's file takes on disk now. Free pages lie inside the file and can be written again."""

    used_bytes: int
    free_page_bytes: int
    disk_free_bytes: int

    @property
    def file_bytes(self) -> int:
        """Size of the file itself."""
        return self.used_bytes + self.free_page_bytes


class Step(Enum):
    """What to do about pressure."""

    NOTHING = "nothing"
    AGGREGATE = "aggregate"
    DROP = "drop"


def wal_allowance_bytes(max_bytes: int) -> int:
    """Return what is set aside for the write-ahead log within `max_bytes`."""
    return min(max(max_bytes // 8, 256 * 1024), 4 * 1024 * 1024)


def capacity_bytes(usage: Usage, limits: SpoolLimits, lane: StoredLane) -> int:
    """Return how large the file may be for a lane: by budget, and by what the disk has above its floor."""
    budget = limits.max_bytes - wal_allowance_bytes(limits.max_bytes) - HOUSEKEEPING_BYTES
    floor = limits.min_free_bytes if lane is StoredLane.HEALTH else limits.min_free_bytes // 2
    return min(budget, usage.file_bytes + max(0, usage.disk_free_bytes - floor))


def used_ratio(usage: Usage, limits: SpoolLimits) -> float:
    """Return used over allowed, as health sees it.

    Above 1 when the budget was lowered or the disk filled from elsewhere.
    """
    return usage.used_bytes / max(1, capacity_bytes(usage, limits, StoredLane.HEALTH))


def has_room(usage: Usage, limits: SpoolLimits, lane: StoredLane, need_bytes: int) -> bool:
    """Tell whether `need_bytes` more of a lane may be stored."""
    ceiling = HEALTH_CEILING if lane is StoredLane.HEALTH else 1.0
    return usage.used_bytes + need_bytes <= ceiling * capacity_bytes(usage, limits, lane)


def next_step(ratio: float, thinning: bool, raw_left: bool) -> Step:
    """Return what to thin next. `thinning` says whether it has begun, so that it goes on down to the lower mark."""
    if ratio < (THIN_DOWN_TO if thinning else THIN_ABOVE):
        return Step.NOTHING
    if raw_left:
        return Step.AGGREGATE
    return Step.DROP if ratio >= DROP_ABOVE else Step.NOTHING


def pressure_level(ratio: float, before: float) -> float:
    """Return the highest passed level (0 for none), holding on to `before` until well below it."""
    passed = max((level for level in PRESSURE_LEVELS if ratio >= level), default=0.0)
    if passed < before and ratio >= before - FALL_BACK:
        return before
    return passed
