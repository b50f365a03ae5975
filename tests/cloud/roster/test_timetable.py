"""The timetable becomes lessons of the whole term; importing it again leaves the past alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud.roster.models import ImportReport
from cloud.roster.service import RosterProblems, RosterShrinks, import_roster, import_timetable
from cloud.sheets.models import TableChanges
from tests.cloud.roster.conftest import NOW, Rows, drop, edit

pytestmark = pytest.mark.db

ZONE = "Asia/Shanghai"


@pytest.fixture
def school(dsn: str, export: Path) -> str:
    """A database with the example's inventory and roster."""
    import_roster(dsn, export, now=NOW)
    return dsn


def timetable(dsn: str, week: Path, now: datetime = NOW, *, dry_run: bool = False) -> ImportReport:
    return import_timetable(dsn, week, ZONE, now=now, dry_run=dry_run)


def test_lessons_are_worked_out_for_the_whole_term(school: str, week: Path, rows: Rows) -> None:
    report = timetable(school, week)
    assert report.changes["lessons"].added == rows("SELECT count(*) FROM lessons")[0]
    assert rows("SELECT min(day)::text, max(day)::text FROM lessons") == [("2026-09-01", "2027-01-22")]
    assert rows(
        "SELECT lesson, topic, classroom, source_id, starts_at, exam FROM lessons"
        " LEFT JOIN people ON person = teacher WHERE day = '2026-11-27' ORDER BY lesson"
    ) == [
        ("s01-g3c1.20261127.p1", "数学", "s01-c01", "u-2002", datetime(2026, 11, 27, 0, 20, tzinfo=UTC), False),
        ("s01-g3c1.20261127.p3", "班会", "s01-c01", None, datetime(2026, 11, 27, 2, 20, tzinfo=UTC), False),
        ("s01-g3c2.20261127.p2", "语文", "s01-c01", "u-2001", datetime(2026, 11, 27, 1, 10, tzinfo=UTC), False),
        ("s02-g7c1.20261127.p2", "英语", "s02-c01", "u-2003", datetime(2026, 11, 27, 0, 55, tzinfo=UTC), False),
    ]


def test_holidays_adjusted_short_and_exam_days(school: str, week: Path, rows: Rows) -> None:
    timetable(school, week)
    assert rows("SELECT lesson FROM lessons WHERE day IN ('2026-10-01', '2026-10-02')") == []
    # A Saturday that works like a Friday.
    assert len(rows("SELECT lesson FROM lessons WHERE day = '2026-10-10'")) == 4
    # Short bells at one school: half an hour, and no third period.
    assert rows(
        "SELECT lesson, to_char(ends_at - starts_at, 'MI') FROM lessons WHERE day = '2026-11-06' ORDER BY lesson"
    ) == [
        ("s01-g3c1.20261106.p1", "30"),
        ("s01-g3c2.20261106.p2", "30"),
        ("s02-g7c1.20261106.p2", "45"),
    ]
    assert rows("SELECT DISTINCT day::text FROM lessons WHERE exam") == ["2027-01-19"]


def test_the_second_import_changes_nothing_and_a_dry_run_neither(school: str, week: Path, rows: Rows) -> None:
    first = timetable(school, week, dry_run=True)
    assert rows("SELECT count(*) FROM lessons") == [0]
    assert timetable(school, week).changes == first.changes
    second = timetable(school, week)
    coming = rows("SELECT count(*) FROM lessons WHERE starts_at > %s", NOW)[0]
    assert second.changes["lessons"] == TableChanges(unchanged=coming)


def test_importing_again_replaces_what_is_to_come_only(school: str, week: Path, rows: Rows) -> None:
    timetable(school, week)
    begun = rows("SELECT lesson, topic FROM lessons WHERE starts_at <= %s ORDER BY lesson", NOW)
    edit(week, "timetable.csv", "s01-g3c1,1,1,语文", "s01-g3c1,1,1,书法")
    edit(week, "timetable.csv", "s01-g3c1,1,2,数学", "s01-g3c1,1,2,科学")
    drop(week, "timetable.csv", "s01-g3c1,5,3")
    report = timetable(school, week).changes["lessons"]
    assert report.added == 0
    assert report.changed > 0
    assert report.retired > 0
    assert rows("SELECT lesson, topic FROM lessons WHERE starts_at <= %s ORDER BY lesson", NOW) == begun
    # Monday the second of November: the first period has begun at nine, the second has not.
    assert rows("SELECT topic FROM lessons WHERE day = '2026-11-02' AND school_class = 's01-g3c1' ORDER BY period") == [
        "语文",
        "科学",
    ]
    assert rows("SELECT DISTINCT retired_at FROM lessons WHERE period = 3 AND day > '2026-11-02'") == [NOW]
    later = timetable(school, week, NOW + timedelta(days=30))
    assert (later.total.added, later.total.changed, later.total.retired) == (0, 0, 0)


def test_a_school_may_send_its_timetable_alone(school: str, week: Path, rows: Rows) -> None:
    timetable(school, week)
    for line in ("s02-g7c1,2,1", "s02-g7c1,5,2"):
        drop(week, "timetable.csv", line)
    assert timetable(school, week).changes["lessons"].retired == 0


def test_much_of_a_timetable_is_not_retired_by_accident(school: str, week: Path) -> None:
    timetable(school, week)
    for line in ("s01-g3c1,1,1", "s01-g3c1,1,2", "s01-g3c1,5,1", "s01-g3c1,5,3"):
        drop(week, "timetable.csv", line)
    with pytest.raises(RosterShrinks, match=r"would retire \d+ of \d+ lessons; nothing was imported"):
        timetable(school, week)
    assert import_timetable(school, week, ZONE, now=NOW, retire=True).total.retired > 40


def test_who_and_what_is_in_two_places_is_a_warning(school: str, week: Path) -> None:
    edit(week, "bells.csv", "primary,2,09:10", "primary,2,08:50")
    edit(week, "timetable.csv", "s01-g3c2,1,1,数学,u-2002,", "s01-g3c2,1,1,数学,u-2001,s01-c01")
    edit(week, "timetable.csv", "s02-g7c1,5,2,英语,u-2003,", "s02-g7c1,5,2,英语,u-2003,体育馆")
    assert sorted(map(str, timetable(school, week).warnings)) == [
        "bells.csv:3: starts: period 2 of 'primary' begins before period 1 (line 2) ends",
        "timetable.csv:10: classroom: '体育馆' is no classroom of 's02'; the lesson has none",
        "timetable.csv:3: classroom: is with 's01-g3c2' at that time (line 6)",
        "timetable.csv:6: classroom: is with 's01-g3c1' at that time (line 2)",
        "timetable.csv:6: teacher: is with 's01-g3c1' at that time (line 2)",
        "timetable.csv:7: teacher: is with 's01-g3c1' at that time (line 2)",
        "timetable.csv:8: classroom: is with 's01-g3c1' at that time (line 4)",
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (
            "bells.csv",
            "primary,1,08:20",
            "primary,1,8:20",
            "bells.csv:2: starts: '8:20' is not a time of day such as 08:20",
        ),
        ("bells.csv", "08:20,09:00", "09:20,09:00", "bells.csv:2: ends: 09:00:00 does not lie after starts 09:20:00"),
        ("bells.csv", "junior,2", "junior,1", "bells.csv:6: period: 'junior/1' stands already in line 5"),
        ("days.csv", "s02,*,junior", "s77,*,junior", "days.csv:3: school: 's77' is no school of the inventory"),
        ("days.csv", "s02,*,junior", "s02,*,night", "days.csv:3: plan: 'night' is not in bells.csv"),
        ("days.csv", "s02,*,junior", "s02,*,", "days.csv:3: plan: must not be empty for any day"),
        (
            "days.csv",
            "s02,*,junior,school",
            "s02,*,junior,exam",
            "days.csv:3: kind: what holds on any day must be 'school'",
        ),
        (
            "days.csv",
            "adjusted,5",
            "adjusted,",
            "days.csv:6: as_weekday: an adjusted day needs the weekday that it works like",
        ),
        (
            "days.csv",
            "2027-01-19,,exam,",
            "2027-01-19,,exam,3",
            "days.csv:8: as_weekday: only an adjusted day works like another weekday",
        ),
        ("days.csv", "2027-01-19", "2027-1-19", "days.csv:8: date: '2027-1-19' is not a day such as 2026-09-01"),
        (
            "timetable.csv",
            "s02-g7c1,2,1",
            "s02-g9c9,2,1",
            "timetable.csv:9: class: 's02-g9c9' is no class of the roster",
        ),
        (
            "timetable.csv",
            "s02-g7c1,2,1,英语,u-2003",
            "s02-g7c1,2,1,英语,u-9999",
            "timetable.csv:9: teacher: 'u-9999' is no teacher of the roster",
        ),
        (
            "timetable.csv",
            "s02-g7c1,2,1,英语,u-2003",
            "s02-g7c1,2,1,英语,u-1004",
            "timetable.csv:9: teacher: 'u-1004' is no teacher of the roster",
        ),
        (
            "timetable.csv",
            "s02-g7c1,2,1",
            "s02-g7c1,2,7",
            "timetable.csv:9: period: 7 is no period of 'junior', the usual plan of 's02'",
        ),
        (
            "timetable.csv",
            "s02-g7c1,2,1",
            "s02-g7c1,8,1",
            "timetable.csv:9: weekday: '8' is not a whole number between 1 and 7",
        ),
        (
            "timetable.csv",
            "s02-g7c1,2,1",
            "s02-g7c1,5,2",
            "timetable.csv:10: period: 's02-g7c1/5/2' stands already in line 9",
        ),
        (
            "timetable.csv",
            "s02-g7c1,2,1",
            "class-3,5,2",
            "timetable.csv:10: period: 's02-g7c1/5/2' stands already in line 9",
        ),
    ],
)  # fmt: skip
def test_each_fault_is_told_where_it_is(
    school: str, week: Path, rows: Rows, file: str, old: str, new: str, told: str
) -> None:
    edit(week, file, old, new)
    with pytest.raises(RosterProblems) as refused:
        timetable(school, week)
    assert told in [str(problem) for problem in refused.value.problems]
    assert rows("SELECT count(*) FROM lessons") == [0]


def test_a_school_of_which_no_usual_day_is_told_is_one_problem(school: str, week: Path) -> None:
    drop(week, "days.csv", "s02,*")
    with pytest.raises(RosterProblems) as refused:
        timetable(school, week)
    assert [str(problem) for problem in refused.value.problems] == [
        "timetable.csv:9: class: days.csv does not say what holds on any day for 's02' or '*'"
    ]
    (week / "days.csv").unlink()
    with pytest.raises(RosterProblems) as refused:
        timetable(school, week)
    assert [str(problem) for problem in refused.value.problems] == ["days.csv: missing"]
