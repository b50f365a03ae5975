"""Which days are school days and when lessons are, tried with many calendars."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from cloud.roster.planning import Bell, Calendar, DayKind, DayPlan, DayRule, Entry, lessons

SHANGHAI = ZoneInfo("Asia/Shanghai")
BELLS = {
    ("usual", 1): Bell(time(8, 20), time(9)),
    ("usual", 2): Bell(time(9, 10), time(9, 50)),
    ("short", 1): Bell(time(8, 20), time(8, 50)),
}
USUAL = DayRule("s01", None, DayKind.SCHOOL, "usual")
MONDAY = date(2026, 11, 2)

days = st.dates(date(2026, 1, 1), date(2027, 12, 31))


@st.composite
def special_days(draw: st.DrawFn) -> DayRule:
    kind = draw(st.sampled_from(list(DayKind)))
    return DayRule(
        draw(st.sampled_from(["s01", None])),
        draw(days),
        kind,
        draw(st.sampled_from([None, "usual", "short"])),
        draw(st.integers(1, 7)) if kind is DayKind.ADJUSTED else None,
    )


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    first = draw(days)
    return Entry(
        "s01",
        f"c{draw(st.integers(1, 3))}",
        draw(st.integers(1, 7)),
        draw(st.integers(1, 3)),
        "语文",
        None,
        None,
        first,
        min(first + timedelta(days=draw(st.integers(0, 60))), date(2027, 12, 31)),
    )


def entry(weekday: int, period: int = 1, first: date = MONDAY, days: int = 6) -> Entry:
    return Entry("s01", "c1", weekday, period, "语文", None, None, first, first + timedelta(days=days))


def test_a_rule_of_the_school_and_day_outranks_all_others() -> None:
    general = DayRule(None, None, DayKind.SCHOOL, "usual")
    assert Calendar([general]).day("s09", MONDAY) == DayPlan(1, "usual", False)
    holiday = DayRule(None, MONDAY, DayKind.HOLIDAY)
    assert Calendar([USUAL, holiday]).day("s01", MONDAY) is None
    exam = DayRule("s01", MONDAY, DayKind.EXAM)
    assert Calendar([USUAL, holiday, exam]).day("s01", MONDAY) == DayPlan(1, "usual", True)
    adjusted = DayRule(None, MONDAY + timedelta(days=5), DayKind.ADJUSTED, "short", 3)
    assert Calendar([USUAL, adjusted]).day("s01", MONDAY + timedelta(days=5)) == DayPlan(3, "short", False)
    assert Calendar([holiday]).day("s01", MONDAY + timedelta(days=1)) is None


def test_lessons_are_told_in_the_district_s_time_zone() -> None:
    (lesson,) = lessons([entry(1)], Calendar([USUAL]), BELLS, SHANGHAI)
    assert lesson.lesson == "c1.20261102.p1"
    assert lesson.starts_at == datetime(2026, 11, 2, 0, 20, tzinfo=UTC)
    assert lesson.ends_at == datetime(2026, 11, 2, 1, 0, tzinfo=UTC)


def test_a_period_that_no_clock_shows_is_left_out() -> None:
    # In Berlin the clocks go from two to three on 28 March 2027.
    bells = {("usual", 1): Bell(time(2, 30), time(3))}
    sunday = entry(7, first=date(2027, 3, 28), days=0)
    assert list(lessons([sunday], Calendar([USUAL]), bells, ZoneInfo("Europe/Berlin"))) == []


@given(st.lists(special_days(), max_size=12), st.lists(entries(), min_size=1, max_size=6))
def test_every_lesson_goes_back_to_its_entry_and_its_day(rules: list[DayRule], some: list[Entry]) -> None:
    calendar = Calendar([USUAL, *rules])
    made = list(lessons(some, calendar, BELLS, SHANGHAI))
    for lesson in made:
        plan = calendar.day("s01", lesson.day)
        assert plan is not None
        assert any(
            (one.school_class, one.weekday, one.period) == (lesson.school_class, plan.weekday, lesson.period)
            and one.first_day <= lesson.day <= one.last_day
            for one in some
        )
        school_class, day, period = lesson.lesson.split(".")
        assert (school_class, day, period) == (
            lesson.school_class,
            lesson.day.isoformat().replace("-", ""),
            f"p{lesson.period}",
        )
        starts, ends = (at.astimezone(SHANGHAI) for at in (lesson.starts_at, lesson.ends_at))
        assert (starts.date(), Bell(starts.time(), ends.time())) == (lesson.day, BELLS[plan.plan, lesson.period])
        assert lesson.exam is plan.exam


@given(st.lists(special_days(), max_size=12), entries())
def test_every_school_day_of_an_entry_has_its_lesson(rules: list[DayRule], one: Entry) -> None:
    calendar = Calendar([USUAL, *rules])
    made = {lesson.day for lesson in lessons([one], calendar, BELLS, SHANGHAI)}
    day = one.first_day
    while day <= one.last_day:
        plan = calendar.day("s01", day)
        due = plan is not None and plan.weekday == one.weekday and (plan.plan, one.period) in BELLS
        assert (day in made) is due
        day += timedelta(days=1)
