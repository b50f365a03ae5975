"""Which moments can be asked for, and how a span of time is cut for a scrubber. No I/O, no clock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

KEPT = timedelta(days=90)
"""How far back any moment can be asked for."""
AHEAD = timedelta(seconds=5)
"""How far a caller's clock may be ahead of ours; what lies within is now."""
LONGEST_BELLS = timedelta(days=8)
"""Bells of a longer span would be a solid line."""
_MOST_BUCKETS = 400
_WIDTHS_SECONDS = (10, 30, 60, 300, 600, 1_800, 3_600, 7_200, 14_400, 21_600)


class MomentOutside(ValueError):
    """A moment that cannot be asked for; `oldest` and `newest` can."""

    def __init__(self, at: datetime, oldest: datetime, newest: datetime) -> None:
        super().__init__(
            f"{_written(at)} is not within the last {KEPT.days} days: {_written(oldest)} to {_written(newest)}"
        )
        self.oldest, self.newest = oldest, newest


def kept_moment(at: datetime, now: datetime) -> datetime:
    """Return the moment to look at, not later than now.

    Raises MomentOutside when it is older than what is kept, or in the future.
    """
    if not now - KEPT <= at <= now + AHEAD:
        raise MomentOutside(at, now - KEPT, now)
    return min(at, now)


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Buckets:
    """A span of time cut into buckets of one width."""

    since: datetime
    width_seconds: int
    number: int


def buckets(since: datetime, until: datetime) -> Buckets:
    """Cut a span into at most 400 buckets of a width that people know."""
    seconds = (until - since).total_seconds()
    fitting = (width for width in _WIDTHS_SECONDS if seconds / width <= _MOST_BUCKETS)
    width = next(fitting, math.ceil(seconds / _MOST_BUCKETS))
    return Buckets(since, width, math.ceil(seconds / width))
