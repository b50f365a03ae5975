"""What is usual at each hour of the week: the median and the band that eight of ten weeks stay within. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from zoneinfo import ZoneInfo

from cloud.telemetry.forecast import percentile

HOURS = 168
LEAST_WEEKS = 3
"""An hour seen less often has no usual value."""


@dataclass(frozen=True, slots=True)
class UsualHour:
    """What is usual at one hour: `low` and `high` are the 10th and 90th percentile over `weeks` weeks."""

    hour: int
    median: float
    low: float
    high: float
    weeks: int


def hour_of_week(moment: datetime, zone: ZoneInfo) -> int:
    """Return the hour of the week in a zone: 0 is Monday from midnight, 167 Sunday from 23 o'clock."""
    local = moment.astimezone(zone)
    return local.weekday() * 24 + local.hour


def usual(values: Iterable[tuple[datetime, float]], zone: ZoneInfo) -> list[UsualHour | None]:
    """Return what is usual at each of the 168 hours, None where too few weeks were measured.

    `values` are hourly means by the start of their hour; an hour of which nothing was measured is left out.
    """
    seen: defaultdict[int, list[float]] = defaultdict(list)
    for moment, value in values:
        seen[hour_of_week(moment, zone)].append(value)
    return [_usual(hour, seen[hour]) if len(seen[hour]) >= LEAST_WEEKS else None for hour in range(HOURS)]


def _usual(hour: int, values: list[float]) -> UsualHour:
    return UsualHour(hour, median(values), percentile(values, 0.1), percentile(values, 0.9), len(values))
