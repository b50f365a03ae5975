"""School years and terms as evaluation counts them, on the district's clock.

A school year begins on 1 September; its first term ends with January. Winter holidays belong to the first term up to
31 January, summer holidays to the second, so that every day has exactly one term.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, timezone
from typing import NamedTuple

from cloud.evaluation.models import Activation

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has kept one zone without summer time since 1991."""


class Period(NamedTuple):
    """A school year, named by the calendar year in which it begins, or one of its terms."""

    school_year: int
    term: int | None = None

    @property
    def begins_on(self) -> date:
        """First day."""
        return date(self.school_year + 1, 2, 1) if self.term == 2 else date(self.school_year, 9, 1)

    @property
    def ends_on(self) -> date:
        """Last day."""
        return date(self.school_year + 1, 1, 31) if self.term == 1 else date(self.school_year + 1, 8, 31)


def local_day(moment: datetime) -> date:
    """Return the day of a moment in China."""
    return moment.astimezone(CHINA).date()


def term_of(day: date) -> Period:
    """Return the term of a day."""
    year = day.year if day.month >= 9 else day.year - 1
    return Period(year, 2 if 2 <= day.month <= 8 else 1)


def framework_of(activations: Sequence[Activation], school_year: int) -> str | None:
    """Return the framework a school year is read by: the one activated last before the year ended.

    A year before the first activation is read by the first. None without any. `activations` are in their order.
    """
    ends_at = datetime.combine(Period(school_year).ends_on + timedelta(days=1), time(), CHINA)
    before = [activation.framework for activation in activations if activation.activated_at < ends_at]
    return before[-1] if before else activations[0].framework if activations else None
