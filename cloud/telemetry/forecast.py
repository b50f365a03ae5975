"""When a line will be full, from the 95th percentile of each day: a straight line that outliers do not bend. Pure.

The slope is that of Theil and Sen: the median of the slopes between all pairs of days, right although up to 29 % of the
days are anything at all (exam weeks, holidays, a day of updates). Its interval is Sen's ("Estimates of the regression
coefficient based on Kendall's tau", JASA 63, 1968) at 90 %. Days of the week are not told apart: a span of whole weeks
is long beside them. What cannot be said is not said: below `LEAST_DAYS` days there is no forecast, and a slope that may
as well be none is called stable.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations
from math import sqrt
from statistics import median

LEAST_DAYS = 14
"""Two weeks: fewer days say more about which days they were than about growth."""
HORIZON_DAYS = 1_095
"""Three years: beyond that a straight line is no forecast."""
_Z_90 = 1.645


class Trend(StrEnum):
    """What the days say."""

    NOT_ENOUGH_DATA = "not_enough_data"
    STABLE = "stable"
    FALLING = "falling"
    GROWING = "growing"
    SATURATED = "saturated"


@dataclass(frozen=True, slots=True)
class Slope:
    """A robust line: `per_day` with the bounds of its 90 % interval, and `level` at the last day."""

    per_day: float
    least_per_day: float
    most_per_day: float
    level: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """`days` until the line's limit is reached at the slope found, `soonest` and `latest` at the interval's bounds.

    Days are None when the limit is not reached within `HORIZON_DAYS`.
    """

    trend: Trend
    days_used: int
    slope: Slope | None = None
    days: float | None = None
    soonest_days: float | None = None
    latest_days: float | None = None


def theil_sen(points: Sequence[tuple[float, float]]) -> Slope:
    """Return the robust line through `(day, value)` with distinct days; at least three of them."""
    slopes = sorted((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(sorted(points), 2))
    n, pairs = len(points), len(slopes)
    spread = _Z_90 * sqrt(n * (n - 1) * (2 * n + 5) / 18)
    lower = max(0, round((pairs - spread) / 2) - 1)
    upper = min(pairs - 1, round((pairs + spread) / 2))
    per_day = median(slopes)
    last = max(x for x, _ in points)
    level = median(y - per_day * x for x, y in points) + per_day * last
    return Slope(per_day, slopes[lower], slopes[upper], level)


def forecast(points: Sequence[tuple[float, float]], limit: float) -> Forecast:
    """Return when `(day, value)`, one per day that was measured, reaches `limit`."""
    if len(points) < LEAST_DAYS:
        return Forecast(Trend.NOT_ENOUGH_DATA, len(points))
    slope = theil_sen(points)
    if slope.level >= limit:
        return Forecast(Trend.SATURATED, len(points), slope, 0.0, 0.0, 0.0)
    if slope.most_per_day < 0:
        return Forecast(Trend.FALLING, len(points), slope)
    if slope.least_per_day <= 0:
        return Forecast(Trend.STABLE, len(points), slope, soonest_days=_days(slope, slope.most_per_day, limit))
    return Forecast(
        Trend.GROWING,
        len(points),
        slope,
        _days(slope, slope.per_day, limit),
        _days(slope, slope.most_per_day, limit),
        _days(slope, slope.least_per_day, limit),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the least value that at least `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    ranks = [(index + 1) / len(ordered) for index in range(len(ordered))]
    return ordered[min(len(ordered) - 1, bisect_left(ranks, share - 1e-12))]


def _days(slope: Slope, per_day: float, limit: float) -> float | None:
    if per_day <= 0:
        return None
    days = (limit - slope.level) / per_day
    return days if days <= HORIZON_DAYS else None
