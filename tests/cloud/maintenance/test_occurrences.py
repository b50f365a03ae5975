"""When a rule holds, and when work costs least."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.lessons.models import LessonSlot
from cloud.maintenance.models import TargetKind, Window
from cloud.maintenance.occurrences import STEP, cheapest, check_recurrence, cost, holds, occurrences

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 11, 28, 22, 0, tzinfo=ZONE)
"""A Saturday."""
HOUR = timedelta(hours=1)


def window(recurrence: str | None = None, ended_at: datetime | None = None) -> Window:
    return Window(1, TargetKind.LINK, "s01-wan", START, 2 * HOUR, recurrence, ended_at)


def test_a_window_holds_once_and_from_its_first_moment_to_before_its_last() -> None:
    assert holds(window(), START, ZONE) == (START, START + 2 * HOUR)
    assert holds(window(), START - timedelta(seconds=1), ZONE) is None
    assert holds(window(), START + 2 * HOUR, ZONE) is None
    assert holds(window(), START + timedelta(days=7), ZONE) is None


def test_a_rule_holds_every_week_by_the_districts_clock_until_it_is_ended() -> None:
    weekly = window("FREQ=WEEKLY;BYDAY=SA")
    later = datetime(2027, 6, 5, 14, 30, tzinfo=UTC)  # a Saturday, half past ten in the evening at school
    assert holds(weekly, later, ZONE) is not None
    assert holds(weekly, later - timedelta(days=1), ZONE) is None
    ended = window("FREQ=WEEKLY;BYDAY=SA", START + timedelta(days=7, hours=1))
    times = list(occurrences(ended, START, START + timedelta(days=60), ZONE))
    assert times == [(START, START + 2 * HOUR), (START + timedelta(days=7), START + timedelta(days=7, hours=1))]


@pytest.mark.parametrize("text", ["FREQ=SOMETIMES", "nonsense", "FREQ=SECONDLY", "FREQ=WEEKLY;BYDAY=XX"])
def test_what_is_no_rule_is_refused_with_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"RRULE|often"):
        check_recurrence(text, START)


def slot(starts_at: datetime, *, exam: bool = False) -> LessonSlot:
    return LessonSlot(
        "l", "s01", "s01-g3c1", None, "数学", starts_at, starts_at + timedelta(minutes=40), exam, 45, "Carrier", ()
    )


def test_the_cheapest_time_has_no_exam_then_few_lesson_minutes_then_is_early() -> None:
    morning = datetime(2026, 11, 30, 8, 0, tzinfo=ZONE)
    lessons = [slot(morning + index * HOUR, exam=index == 2) for index in range(4)]
    found = cheapest(lessons, morning, morning + 6 * HOUR, HOUR)
    assert found[0].starts_at == morning + timedelta(hours=3, minutes=45)
    assert (found[0].lesson_minutes, found[0].exams) == (0, 0)
    assert all(one.exams == 0 for one in found)


@given(st.integers(0, 10_000), st.integers(1, 12))
def test_proposed_times_lie_on_the_quarter_inside_the_span_and_apart(offset: int, hours: int) -> None:
    since = START + timedelta(seconds=offset)
    found = cheapest([], since, since + timedelta(days=1), hours * HOUR)
    begins = sorted(one.starts_at for one in found)
    assert all(since <= one and one + hours * HOUR <= since + timedelta(days=1) for one in begins)
    assert all(one.minute % 15 == 0 and one.second == 0 for one in begins)
    assert all(later - earlier >= hours * HOUR for earlier, later in pairwise(begins))


@given(st.lists(st.integers(-300, 300), max_size=8), st.integers(0, 20))
def test_the_cost_is_never_more_than_the_lessons_have(starts: list[int], steps: int) -> None:
    lessons = [slot(START + timedelta(minutes=one)) for one in starts]
    found = cost(lessons, START + steps * STEP, HOUR)
    assert found.lesson_minutes <= 40 * found.lessons
    assert found.lessons <= len(lessons)
