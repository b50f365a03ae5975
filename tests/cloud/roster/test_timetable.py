"""Lessons follow bells and calendar; what has begun stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.roster.planning import Bell, DayRule, Entry, day_plan, plan
from cloud.roster.service import import_roster
from cloud.roster.tabular import RosterProblems
from cloud.roster.timetable import import_timetable
from tests.cloud.roster.conftest import edit

ZONE = ZoneInfo("Asia/Shanghai")
SEPTEMBER = datetime(2026, 9, 1, tzinfo=ZONE)
Rows = Callable[..., list[tuple[Any, ...]]]

days = st.dates(date(2026, 1, 1), date(2027, 12, 31))
rules = st.builds(
    DayRule,
    kind=st.sampled_from(["school", "adjusted", "exam", "holiday"]),
    works_like=st.none() | st.integers(1, 7),
)


@given(days, st.none() | rules, st.none() | rules)
def test_a_day_follows_its_school_s_rule_then_everybody_s_then_the_week(
    day: date, own: DayRule | None, every: DayRule | None
) -> None:
    calendar = {("s01", day): own, ("*", day): every}
    found = day_plan({key: rule for key, rule in calendar.items() if rule is not None}, "s01", day)
    rule = own or every
    if rule is None:
        assert (found is None) == (day.isoweekday() > 5)
    elif rule.kind == "holiday":
        assert found is None
    else:
        assert found is not None
        assert found.weekday == (rule.works_like or day.isoweekday())
        assert found.exam == (rule.kind == "exam")


@given(days, st.integers(0, 20), st.lists(st.tuples(st.integers(1, 7), st.integers(1, 3)), unique=True))
def test_lessons_are_those_of_their_weekday_once_each_and_in_the_wall_s_time(
    first: date, length: int, slots: list[tuple[int, int]]
) -> None:
    entries = [Entry("c1", "s01", weekday, period, "t", None, None) for weekday, period in slots]
    bells = {"default": {1: Bell(time(8), time(8, 40)), 2: Bell(time(9), time(9, 40))}}
    found = list(plan(entries, bells, {}, first, first + timedelta(days=length), ZONE))
    assert len({lesson.lesson for lesson in found}) == len(found)
    for lesson in found:
        assert lesson.day.isoweekday() == lesson.entry.weekday <= 5
        assert lesson.starts_at.astimezone(ZONE).date() == lesson.day
        assert lesson.ends_at - lesson.starts_at == timedelta(minutes=40)
    wanted = sum(
        (first + timedelta(days=number)).isoweekday() == weekday <= 5 and period <= 2
        for number in range(length + 1)
        for weekday, period in slots
    )
    assert len(found) == wanted


@pytest.mark.db
def test_holidays_adjusted_days_and_exams_are_met(centre: str, roster: Path, timetable: Path, rows: Rows) -> None:
    import_roster(centre, roster)
    report = import_timetable(centre, timetable, ZONE, now=SEPTEMBER)
    assert report.warnings == ()
    lessons = "SELECT lesson FROM lessons WHERE day = %s AND retired_at IS NULL ORDER BY lesson"
    assert rows(lessons, date(2026, 10, 1)) == []  # a holiday on a Thursday
    assert rows(lessons, date(2026, 10, 10)) == [  # a Saturday that works like a Thursday
        ("s01-g3c1.20261010.p1",),
        ("s02-g7c1.20261010.p1",),
    ]
    assert rows(
        "SELECT school_class, starts_at, ends_at, exam FROM lessons WHERE day = %s ORDER BY 1", date(2026, 11, 26)
    ) == [
        ("s01-g3c1", datetime(2026, 11, 26, 0, 20, tzinfo=UTC), datetime(2026, 11, 26, 1, tzinfo=UTC), False),
        ("s02-g7c1", datetime(2026, 11, 26, 0, 30, tzinfo=UTC), datetime(2026, 11, 26, 2, 30, tzinfo=UTC), True),
    ]
    assert rows("SELECT max(day) FROM lessons") == [(date(2027, 1, 21),)]  # the term's last Thursday
    again = import_timetable(centre, timetable, ZONE, now=SEPTEMBER).total
    assert (again.added, again.changed, again.retired) == (0, 0, 0)


@pytest.mark.db
def test_a_change_in_mid_term_leaves_what_has_begun(centre: str, roster: Path, timetable: Path, rows: Rows) -> None:
    import_roster(centre, roster)
    import_timetable(centre, timetable, ZONE, now=SEPTEMBER)
    edit(timetable / "timetable.csv", "s01-g3c1,1,1,语文", "s01-g3c1,1,1,科学")
    monday = datetime(2026, 11, 23, 8, 30, tzinfo=ZONE)  # in the first lesson
    import_timetable(centre, timetable, ZONE, now=monday)
    topics: dict[date, str] = dict(
        rows("SELECT day, topic FROM lessons WHERE school_class = 's01-g3c1' AND period = 1")
    )
    assert topics[date(2026, 11, 16)] == topics[date(2026, 11, 23)] == "语文"
    assert topics[date(2026, 11, 30)] == "科学"


@pytest.mark.db
def test_what_is_wrong_is_told_by_line_and_what_only_looks_so_is_a_warning(
    centre: str, roster: Path, timetable: Path
) -> None:
    import_roster(centre, roster)
    edit(timetable / "timetable.csv", "s01-g3c2,1,3", "s01-g3c2,1,1")
    report = import_timetable(centre, timetable, ZONE, now=SEPTEMBER, dry_run=True)
    assert [str(one) for one in report.warnings] == [
        "timetable.csv:5: teacher: is needed by 's01-g3c1' at the same time"
    ]
    edit(timetable / "bells.csv", ",2,09:10", ",2,08:50")
    edit(timetable / "days.csv", "adjusted,4", "adjusted,")
    edit(timetable / "days.csv", "exam,exam", "mock,exam")
    edit(timetable / "timetable.csv", "s02-g7c1,4,1,物理,u-t2", "s02-g9c1,8,1,,u-t9")
    with pytest.raises(RosterProblems) as refused:
        import_timetable(centre, timetable, ZONE, now=SEPTEMBER)
    assert [str(problem) for problem in refused.value.problems] == [
        "bells.csv:3: starts: overlaps with period 1",
        "days.csv:3: works_like: an adjusted day needs the weekday that it works like, 1 to 7",
        "timetable.csv:6: weekday: '8' is not a whole number between 1 and 7",
        "timetable.csv:6: class: 's02-g9c1' is no class; import the roster first",
        "timetable.csv:6: teacher: 'u-t9' is nobody's sourcedId",
        "timetable.csv:6: topic: must not be empty",
        "days.csv: plan: 'mock' of s02 on 2026-11-26 has no bells",
    ]
