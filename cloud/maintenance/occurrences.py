"""When a rule holds, and when work costs least. Occurrences are worked out, never stored. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from cloud.lessons.models import LessonSlot
from cloud.maintenance.models import Cost, Window

STEP = timedelta(minutes=15)
"""Proposed windows begin on the quarter of an hour."""
_FORBIDDEN = ("SECONDLY", "MINUTELY")


def check_recurrence(text: str, starts_at: datetime) -> None:
    """Raise ValueError, with words for people, when a recurrence cannot be used."""
    if any(word in text.upper() for word in _FORBIDDEN):
        raise ValueError("recurs more often than once an hour")
    try:
        rrulestr(text, dtstart=starts_at)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"is no RRULE of RFC 5545 ({error})") from None


def occurrences(
    window: Window, since: datetime, until: datetime, zone: ZoneInfo
) -> Iterator[tuple[datetime, datetime]]:
    """Yield begin and end of every time that a rule holds in `[since, until)`, in order."""
    begins: Iterable[datetime]
    local = window.starts_at.astimezone(zone)
    if window.recurrence is None:
        begins = [local]
    else:
        rule = rrulestr(window.recurrence, dtstart=local)
        begins = rule.between(since.astimezone(zone) - window.duration, until.astimezone(zone), inc=True)
    for start in begins:
        if window.ended_at is not None and start >= window.ended_at:
            return
        end = start + window.duration
        if window.ended_at is not None:
            end = min(end, window.ended_at)
        if start < until and end > since:
            yield start, end


def holds(window: Window, at: datetime, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """Return begin and end of the occurrence that holds at a moment; None when none does."""
    return next((one for one in occurrences(window, at, at + timedelta(microseconds=1), zone)), None)


def cost(slots: Iterable[LessonSlot], starts_at: datetime, duration: timedelta) -> Cost:
    """Return what work at a time would cost, given the lessons of the rooms that it reaches."""
    ends_at = starts_at + duration
    hit = [slot for slot in slots if slot.starts_at < ends_at and slot.ends_at > starts_at]
    minutes = sum((min(slot.ends_at, ends_at) - max(slot.starts_at, starts_at)).total_seconds() / 60 for slot in hit)
    return Cost(starts_at, round(minutes, 2), len(hit), sum(slot.exam for slot in hit))


def cheapest(
    slots: Sequence[LessonSlot], since: datetime, until: datetime, duration: timedelta, number: int = 3
) -> list[Cost]:
    """Return the cheapest times to begin in a span: no exam before few lesson-minutes before early; well apart."""
    first = since + (-(since - datetime.min.replace(tzinfo=since.tzinfo)) % STEP)
    steps = max(0, (until - duration - first) // STEP + 1)
    costs = sorted(
        (cost(slots, first + index * STEP, duration) for index in range(steps)),
        key=lambda one: (one.exams, one.lesson_minutes, one.starts_at),
    )
    found: list[Cost] = []
    for one in costs:
        if all(abs(one.starts_at - other.starts_at) >= duration for other in found):
            found.append(one)
        if len(found) == number:
            break
    return found
