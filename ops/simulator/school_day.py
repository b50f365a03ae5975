"""The school day: bells, what goes on between them, and how busy that makes the network. Pure functions of time.

A lesson begins with a rush (everyone opens the same page at once) and settles; breaks and lunch are quieter, nights and
weekends nearly silent; senior schools have evening study. `SchoolClock` says what time it is at school, which in a
demo need not be the real time: a newcomer at night should still see a lesson. Sample times are never touched by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has one time zone without summer time, so the fixed offset is exact."""

RUSH_SECONDS = 180
RAMP_SECONDS = 45


class Phase(StrEnum):
    """What goes on at school."""

    CLOSED = "closed"
    ARRIVAL = "arrival"
    LESSON = "lesson"
    BREAK = "break"
    LUNCH = "lunch"
    AFTERNOON = "afternoon"
    EVENING_STUDY = "evening_study"


_LOAD = {
    Phase.CLOSED: 0.02,
    Phase.ARRIVAL: 0.25,
    Phase.LESSON: 0.8,
    Phase.BREAK: 0.35,
    Phase.LUNCH: 0.2,
    Phase.AFTERNOON: 0.3,
    Phase.EVENING_STUDY: 0.55,
}
_RUSH_LOAD = 1.0


@dataclass(frozen=True, slots=True)
class Period:
    """One stretch of the day; seconds since midnight at school. `lesson` counts lessons from 1, 0 outside them."""

    begins: int
    ends: int
    phase: Phase
    lesson: int = 0


def _at(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def _day(
    arrival: str, lessons: tuple[str, ...], lesson_minutes: int, closes: str, evening: str = ""
) -> tuple[Period, ...]:
    """Build a day from the bells; the longest pause at noon is lunch, the rest between lessons are breaks."""
    periods = [Period(0, _at(arrival), Phase.CLOSED), Period(_at(arrival), _at(lessons[0]), Phase.ARRIVAL)]
    for number, begins in enumerate(map(_at, lessons), start=1):
        if begins > periods[-1].ends:
            pause = Phase.LUNCH if begins - periods[-1].ends > 3600 else Phase.BREAK
            periods.append(Period(periods[-1].ends, begins, pause))
        periods.append(Period(begins, begins + lesson_minutes * 60, Phase.LESSON, number))
    periods.append(Period(periods[-1].ends, _at(closes), Phase.AFTERNOON))
    if evening:
        begins, ends = map(_at, evening.split("-"))
        periods.append(Period(_at(closes), begins, Phase.BREAK))
        periods.append(Period(begins, ends, Phase.EVENING_STUDY))
    periods.append(Period(periods[-1].ends, 86_400, Phase.CLOSED))
    return tuple(period for period in periods if period.ends > period.begins)


BELLS: dict[str, tuple[Period, ...]] = {
    "primary": _day("07:40", ("08:20", "09:10", "10:20", "11:10", "14:00", "14:50"), 40, "17:00"),
    "junior": _day("07:20", ("08:00", "08:55", "10:10", "11:05", "14:00", "14:55", "15:50"), 45, "17:30"),
    "senior": _day(
        "07:00", ("07:50", "08:45", "10:00", "10:55", "14:00", "14:55", "15:50"), 45, "17:30", "18:30-21:30"
    ),
}
"""The periods of a school day by stage, from midnight to midnight without a hole."""

MID_LESSON = "09:14"
"""A lesson is running in the schools of every stage: its rush is over and a quarter of an hour is left."""


@dataclass(frozen=True, slots=True)
class SchoolClock:
    """What time it is at school: the real time moved by an offset (zero on a real day)."""

    offset_seconds: float = 0.0

    @classmethod
    def placed(cls, time_of_day: str, real_seconds: float) -> SchoolClock:
        """Return the clock that shows `time_of_day` ("09:20") on a school day at the moment `real_seconds` (Unix)."""
        real = datetime.fromtimestamp(real_seconds, SHANGHAI)
        weekday_shift = max(0, real.weekday() - 4)  # Saturday and Sunday become the Friday before
        wanted = _at(time_of_day) - weekday_shift * 86_400
        return cls(wanted - (real.hour * 3600 + real.minute * 60 + real.second))

    def at_school(self, real_seconds: float) -> datetime:
        """Return the date and time at school."""
        return datetime.fromtimestamp(real_seconds + self.offset_seconds, SHANGHAI)


def period_at(moment: datetime, stage: str) -> Period:
    """Return the period in which `moment` falls; weekends are closed all day."""
    if moment.weekday() >= 5:
        return Period(0, 86_400, Phase.CLOSED)
    second = _second_of_day(moment)
    return next(period for period in BELLS[stage] if second < period.ends)


def load_at(moment: datetime, stage: str) -> float:
    """Return how busy the school is, 0 to 1; changes over `RAMP_SECONDS` at each bell, never in a step."""
    period = period_at(moment, stage)
    second = _second_of_day(moment)
    since = second - period.begins
    if since >= RAMP_SECONDS or period.begins == 0:
        return _settled(period, since)
    before = next(other for other in BELLS[stage] if other.ends == period.begins)
    share = since / RAMP_SECONDS
    return _settled(before, period.begins - before.begins) * (1 - share) + _settled(period, since) * share


def _settled(period: Period, since: float) -> float:
    if period.phase is Phase.LESSON and since < RUSH_SECONDS:
        return _RUSH_LOAD - (_RUSH_LOAD - _LOAD[Phase.LESSON]) * since / RUSH_SECONDS
    return _LOAD[period.phase]


def _second_of_day(moment: datetime) -> float:
    return moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6
