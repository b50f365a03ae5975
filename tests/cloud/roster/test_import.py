"""The import of a OneRoster export: all or nothing, the second time without effect, deltas, and a guard."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from cloud.roster.service import RosterProblems, RosterShrinks, import_roster, import_timetable
from cloud.sheets.models import TableChanges
from tests.cloud.roster.conftest import NOW, Rows, delta, drop, edit

pytestmark = pytest.mark.db

CHANGED = "2026-11-01T08:00:00Z"


def test_the_example_is_imported_and_the_second_time_changes_nothing(dsn: str, export: Path, rows: Rows) -> None:
    first = import_roster(dsn, export)
    assert {name: change.added for name, change in first.changes.items()} == {
        "terms": 1,
        "people": 7,
        "classes": 3,
        "enrolments": 9,
        "terminal_holders": 4,
        "lessons": 0,
    }
    assert first.warnings == []
    written = rows("SELECT xmin::text FROM people UNION ALL SELECT xmin::text FROM enrolments")
    second = import_roster(dsn, export)
    assert second.total == TableChanges(unchanged=24)
    assert rows("SELECT xmin::text FROM people UNION ALL SELECT xmin::text FROM enrolments") == written


def test_what_is_kept_is_what_is_needed(dsn: str, export: Path, rows: Rows) -> None:
    import_roster(dsn, export)
    assert rows("SELECT source_id, kind, name, birth_date::text FROM people ORDER BY source_id") == [
        ("u-1001", "pupil", "学生0001", "2018-03-05"),
        ("u-1002", "pupil", "学生0002", "2017-11-20"),
        ("u-1003", "pupil", "学生0003", None),
        ("u-1004", "pupil", "学生0004", "2012-10-01"),
        ("u-2001", "teacher", "教师0001", None),
        ("u-2002", "teacher", "教师0002", None),
        ("u-2003", "teacher", "教师0003", None),
    ]
    assert rows("SELECT count(*) FROM people WHERE person ~ '^p[0-9a-f]{20}$'") == [7]
    assert rows("SELECT school_class, school, title, title_en, grade, classroom, term FROM classes ORDER BY 1") == [
        ("s01-g3c1", "s01", "三年级1班", "Grade 3 Class 1", "03", "s01-c01", "2026-autumn"),
        ("s01-g3c2", "s01", "三年级2班", "Grade 3 Class 2", "03", "s01-c02", "2026-autumn"),
        ("s02-g7c1", "s02", "初一1班", "Grade 7 Class 1", "07", "s02-c01", "2026-autumn"),
    ]
    assert rows(
        "SELECT p.source_id, e.number, e.seat_row, e.seat_column, h.terminal FROM enrolments AS e"
        " JOIN people AS p USING (person) JOIN terminal_holders AS h USING (person)"
        " WHERE school_class = 's01-g3c1' ORDER BY 2"
    ) == [("u-1001", 1, 1, 1, "s01-c01-t01"), ("u-1002", 2, 1, 2, "s01-c01-t02")]


@pytest.mark.parametrize("prefix", ["", "export-2026/"])
def test_a_zip_is_as_good_as_a_folder(dsn: str, export: Path, prefix: str) -> None:
    path = export.parent / "roster.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in export.iterdir():
            archive.write(file, prefix + file.name)
        archive.writestr("__MACOSX/._users.csv", b"\x00\x05")
    assert import_roster(dsn, path).total.added == 24


def test_a_dry_run_tells_what_an_import_would_do_and_changes_nothing(dsn: str, export: Path, rows: Rows) -> None:
    assert import_roster(dsn, export, dry_run=True).total.added == 24
    assert rows("SELECT count(*) FROM people") == [0]


def test_a_person_keeps_the_reference_whatever_changes(dsn: str, export: Path, rows: Rows) -> None:
    import_roster(dsn, export)
    before = rows("SELECT person FROM people WHERE source_id = 'u-1001'")
    edit(export, "users.csv", "0001,学生", "0009,学生")
    edit(export, "demographics.csv", "2018-03-05", "2018-03-06")
    report = import_roster(dsn, export)
    assert (report.total.added, report.total.changed, report.total.retired) == (0, 1, 0)
    assert rows("SELECT person FROM people WHERE source_id = 'u-1001'") == before
    drop(export, "enrollments.csv", "e-01")
    drop(export, "seats.csv", "class-1,u-1001")
    drop(export, "users.csv", "u-1001")
    drop(export, "roles.csv", "r-1001")
    drop(export, "demographics.csv", "u-1001")
    report = import_roster(dsn, export)
    assert {name: change.retired for name, change in report.changes.items() if change.retired} == {
        "people": 1,
        "enrolments": 1,
        "terminal_holders": 1,
    }
    assert rows("SELECT name FROM people WHERE retired_at IS NOT NULL") == ["学生0009"]


def test_a_class_without_a_usable_code_gets_a_key_of_its_own_and_keeps_it(dsn: str, export: Path, rows: Rows) -> None:
    edit(export, "classes.csv", "s01-g3c1", "三一")
    edit(export, "classes.csv", "s01-g3c2", "s02-g7c1")
    import_roster(dsn, export)
    keys = rows("SELECT school_class FROM classes WHERE school_class ~ '^s0[12]-[0-9a-f]{8}$' ORDER BY source_id")
    assert len(keys) == 3
    edit(export, "classes.csv", "三一", "s01-g3c1")
    assert import_roster(dsn, export).total == TableChanges(unchanged=24)
    assert rows("SELECT school_class FROM classes ORDER BY source_id") == keys


def test_a_delta_changes_what_it_names_and_leaves_the_rest(dsn: str, export: Path, rows: Rows) -> None:
    import_roster(dsn, export)
    delta(
        export,
        users=[
            f"u-1005,active,{CHANGED},true,1005,,0005,学生,,,,,,,03,",
            f"u-1003,tobedeleted,{CHANGED},true,1003,,0003,学生,,,,,,,03,",
        ],
        roles=[f"r-1005,active,{CHANGED},u-1005,primary,student,,,org-s01,"],
        enrollments=[
            f"e-10,active,{CHANGED},class-2,org-s01,u-1005,student,,2026-11-02,",
            f"e-06,tobedeleted,{CHANGED},class-1,org-s01,u-2002,teacher,false,,",
        ],
        seats=["class-2,u-1005,1,1,1,s01-c02-t01"],
    )
    report = import_roster(dsn, export)
    assert {
        name: (change.added, change.changed, change.retired) for name, change in report.changes.items() if change.added
    } == {"people": (1, 0, 1), "enrolments": (1, 0, 2)}
    assert report.changes["terminal_holders"] == TableChanges(changed=1, unchanged=3)
    assert rows(
        "SELECT p.source_id FROM enrolments JOIN people AS p USING (person)"
        " WHERE school_class = 's01-g3c2' AND role = 'pupil' AND enrolments.retired_at IS NULL"
    ) == ["u-1005"]
    assert rows("SELECT birth_date::text FROM people WHERE source_id = 'u-1001'") == ["2018-03-05"]
    assert import_roster(dsn, export).total.retired == 0


def test_a_class_that_leaves_takes_its_enrolments_and_lessons_to_come(
    dsn: str, export: Path, week: Path, rows: Rows
) -> None:
    import_roster(dsn, export, now=NOW)
    import_timetable(dsn, week, "Asia/Shanghai", now=NOW)
    delta(
        export, classes=[f"class-3,tobedeleted,{CHANGED},初一1班,,course-g7,s02-g7c1,homeroom,,org-s02,2026-autumn,,,,"]
    )
    report = import_roster(dsn, export, now=NOW)
    assert (report.changes["classes"].retired, report.changes["enrolments"].retired) == (1, 2)
    assert report.changes["lessons"].retired > 0
    assert rows("SELECT max(starts_at) < %s FROM lessons WHERE school = 's02' AND retired_at IS NULL", NOW) == [True]


def test_a_bulk_that_would_retire_more_than_a_fifth_is_refused_unless_that_is_meant(
    dsn: str, export: Path, rows: Rows
) -> None:
    import_roster(dsn, export)
    for table in ("users", "roles", "demographics", "enrollments", "seats"):
        path = export / f"{table}.csv"
        path.write_text(path.read_text("utf-8").splitlines()[0] + "\n", "utf-8")
    with pytest.raises(RosterShrinks) as refused:
        import_roster(dsn, export)
    assert str(refused.value) == (f"{export}: would retire 7 of 7 people, 9 of 9 enrolments; nothing was imported")
    assert rows("SELECT count(*) FROM people WHERE retired_at IS NULL") == [7]
    assert import_roster(dsn, export, retire=True).total.retired == 20


def test_a_file_of_which_nothing_is_kept_is_named(dsn: str, export: Path) -> None:
    (export / "results.csv").write_text("sourcedId\n")
    assert import_roster(dsn, export).ignored == ["results.csv"]


def test_a_room_that_the_inventory_lacks_is_a_warning(dsn: str, export: Path, rows: Rows) -> None:
    edit(export, "classes.csv", "s02-c01", "地下室")
    report = import_roster(dsn, export)
    assert [str(warning) for warning in report.warnings] == [
        "classes.csv:4: location: '地下室' is no classroom of 's02'; the class has none"
    ]
    assert rows("SELECT classroom FROM classes WHERE school = 's02'") == [None]


def test_columns_may_stand_under_the_district_s_own_names(dsn: str, export: Path) -> None:
    edit(export, "users.csv", "givenName,familyName", "名,姓")
    with pytest.raises(RosterProblems):
        import_roster(dsn, export)
    assert import_roster(dsn, export, headers={"users": {"givenName": "名", "familyName": "姓"}}).total.added == 24
