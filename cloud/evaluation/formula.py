"""How values are worked out: pure functions of items, bounds and the formula's version.

Invariants, held by property tests: the order of items never matters; an indicator without items changes no mean
(missing is not zero); tallies of parts add up to the tally of the whole. There is no composite over dimensions.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from cloud.evaluation.models import Aggregation, Bounds, Direction

FORMULA_VERSIONS = frozenset({1})
"""Versions that this module can work out. Version 1: aggregate, cut to the scale's bounds, scale linearly to 0…100."""

SUFFICIENT_RATIO = 0.6
"""Below this share of the expected indicators a mean would say more about what is missing than about the pupil."""

SMALLEST_GROUP = 30
"""Medians of fewer pupils are not told: they would speak of individuals."""

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Tally:
    """What is needed of the items of one indicator in one period; at least one item."""

    n: int
    total: float
    maximum: float
    last: float
    last_at: datetime

    @classmethod
    def of(cls, items: Collection[tuple[float, datetime]]) -> Tally:
        """Return the tally of values with the times they were made."""
        last_at, last = max((made_at, value) for value, made_at in items)
        values = [value for value, _ in items]
        return cls(len(values), math.fsum(values), max(values), last, last_at)

    @classmethod
    def joined(cls, tallies: Collection[Tally]) -> Tally:
        """Return the tally of everything that was tallied."""
        last_at, last = max((tally.last_at, tally.last) for tally in tallies)
        return cls(
            sum(tally.n for tally in tallies),
            math.fsum(tally.total for tally in tallies),
            max(tally.maximum for tally in tallies),
            last,
            last_at,
        )


class Value(NamedTuple):
    """An indicator's value in a period: as counted, cut to the bounds, and scaled so that 100 is best."""

    n: int
    counted: float
    cut: float
    scaled: float

    @property
    def winsorised(self) -> bool:
        """Whether the bounds cut it."""
        return self.cut != self.counted


class GroupValue(NamedTuple):
    """A sub-dimension's or dimension's mean over the indicators that have values; None below the needed coverage."""

    expected: int
    present: int
    mean: float | None

    @property
    def coverage_ratio(self) -> float:
        """Share of the expected indicators that have a value; 0 when none is expected."""
        return round(self.present / self.expected, _DIGITS) if self.expected else 0.0


class Change(NamedTuple):
    """A pupil against the own earlier period: mean difference of `compared` indicators ± two standard errors."""

    compared: int
    difference: float
    band: float


def aggregate(tally: Tally, aggregation: Aggregation) -> float:
    """Return a period's value of one indicator, unscaled."""
    match aggregation:
        case Aggregation.SUM:
            value = tally.total
        case Aggregation.MEAN | Aggregation.RATIO:
            value = tally.total / tally.n
        case Aggregation.MAX:
            value = tally.maximum
        case Aggregation.LAST:
            value = tally.last
    return round(value, _DIGITS)


def evaluate(tally: Tally, aggregation: Aggregation, scale: Bounds, direction: Direction) -> Value:
    """Work out one indicator in one period (formula version 1)."""
    counted = aggregate(tally, aggregation)
    cut = min(max(counted, scale.minimum), scale.maximum)
    share = (cut - scale.minimum) / (scale.maximum - scale.minimum)
    return Value(tally.n, counted, cut, round(100 * (1 - share if direction is Direction.LOWER else share), _DIGITS))


def group(expected: Collection[str], values: Mapping[str, float]) -> GroupValue:
    """Work out a group from the scaled values of those of its expected indicators that have one."""
    present = [values[code] for code in expected if code in values]
    enough = bool(present) and len(present) >= SUFFICIENT_RATIO * len(expected)
    return GroupValue(
        len(expected), len(present), round(math.fsum(present) / len(present), _DIGITS) if enough else None
    )


def change(pairs: Collection[tuple[float, float]], expected: int) -> Change | None:
    """Compare earlier and later scaled values of the same indicators.

    None when fewer than two, or less than the needed share of what is expected, can be compared.
    """
    if len(pairs) < max(2.0, SUFFICIENT_RATIO * expected):
        return None
    differences = [later - earlier for earlier, later in pairs]
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    return Change(len(pairs), round(math.fsum(differences) / len(differences), _DIGITS), round(2 * error, _DIGITS))


def median(values: Iterable[float]) -> float | None:
    """Return the median of a group of pupils; None when the group is too small to be told."""
    known = list(values)
    return round(statistics.median(known), _DIGITS) if len(known) >= SMALLEST_GROUP else None
