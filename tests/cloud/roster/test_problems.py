"""What is wrong with an export is told by file and line, all at once, and nothing is imported."""

from __future__ import annotations

import zipfile
from pathlib import Path

import psycopg
import pytest

from cloud.roster import archive
from cloud.roster.service import RosterProblems, import_roster
from tests.cloud.roster.conftest import delta, edit

pytestmark = pytest.mark.db

CHANGED = "2026-11-01T08:00:00Z"


def problems(dsn: str, source: Path) -> list[str]:
    with pytest.raises(RosterProblems) as refused:
        import_roster(dsn, source)
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT count(*) FROM people WHERE source_id = 'u-1002'").fetchone() == (0,)
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (
            "orgs.csv",
            "school,s02,",
            "school,s77,",
            "orgs.csv:4: identifier: 's77' is no school of the inventory",
        ),
        (
            "orgs.csv",
            "school,s02,",
            "school,,",
            "orgs.csv:4: identifier: must be the school's id in the inventory",
        ),
        (
            "orgs.csv",
            "school,s02",
            "kindergarten,s02",
            "orgs.csv:4: type: 'kindergarten' is not one of department, school, district, local, state, national",
        ),
        (
            "academicSessions.csv",
            "2026-09-01,2027-01-22",
            "2026-09-01,2026-01-22",
            "academicSessions.csv:2: endDate: 2026-01-22 lies before startDate 2026-09-01",
        ),
        (
            "academicSessions.csv",
            "2026-09-01",
            "2026-9-1",
            "academicSessions.csv:2: startDate: '2026-9-1' is not a day such as 2026-09-01",
        ),
        (
            "academicSessions.csv",
            "2027-01-22",
            "9999-01-22",
            "academicSessions.csv:2: endDate: 9999-01-22 lies more than 800 days after startDate",
        ),
        (
            "classes.csv",
            "s01-c01,org-s01",
            "s01-c01,org-s09",
            "classes.csv:2: schoolSourcedId: 'org-s09' is not in orgs.csv",
        ),
        (
            "classes.csv",
            "course-g7",
            "course-g9",
            "classes.csv:4: courseSourcedId: 'course-g9' is not in courses.csv",
        ),
        (
            "classes.csv",
            "org-s02,2026-autumn",
            "org-s02,2026-spring",
            "classes.csv:4: termSourcedIds: '2026-spring' is not in academicSessions.csv",
        ),
        (
            "users.csv",
            "u-1003,,,true",
            "u-1001,,,true",
            "users.csv:4: sourcedId: 'u-1001' stands already in line 2",
        ),
        ("users.csv", "u-1003,,,true", "u-1003,,,yes", "users.csv:4: enabledUser: 'yes' is not one of true, false"),
        (
            "users.csv",
            "u-1003,,",
            "u-1003,tobedeleted,",
            "users.csv:4: status: a bulk file holds only what is there; leave the line out",
        ),
        (
            "roles.csv",
            "u-1001,primary,student",
            "u-9999,primary,student",
            "roles.csv:2: userSourcedId: 'u-9999' is not in users.csv",
        ),
        (
            "roles.csv",
            "u-1001,primary,student",
            "u-1002,primary,student",
            "users.csv:2: sourcedId: 'u-1001' has no role in roles.csv",
        ),
        (
            "demographics.csv",
            "2018-03-05",
            "2118-03-05",
            "demographics.csv:2: birthDate: 2118-03-05 lies in the future",
        ),
        (
            "demographics.csv",
            "u-1001",
            "u-9999",
            "demographics.csv:2: userSourcedId: 'u-9999' is not in users.csv",
        ),
        (
            "enrollments.csv",
            "u-1004,student",
            "u-9999,student",
            "enrollments.csv:5: userSourcedId: 'u-9999' is not in users.csv",
        ),
        (
            "enrollments.csv",
            "e-09,,,class-3",
            "e-09,,,class-9",
            "enrollments.csv:10: classSourcedId: 'class-9' is not in classes.csv",
        ),
        (
            "enrollments.csv",
            "class-3,org-s02,u-1004",
            "class-3,org-s01,u-1004",
            "enrollments.csv:5: schoolSourcedId: 'org-s01' is not the school of 'class-3', which is 's02'",
        ),
        (
            "enrollments.csv",
            "u-2003,teacher,true",
            "u-2003,headmaster,true",
            "enrollments.csv:10: role: 'headmaster' is not one of administrator, proctor, student, teacher",
        ),
        (
            "enrollments.csv",
            "u-1004,student",
            "u-3001,student",
            "enrollments.csv:5: userSourcedId: 'u-3001' is neither pupil nor teacher nor staff by roles.csv",
        ),
        (
            "enrollments.csv",
            "class-1,org-s01,u-1002",
            "class-1,org-s01,u-1001",
            "enrollments.csv:3: userSourcedId: 'u-1001' is in this class already by line 2",
        ),
        (
            "seats.csv",
            "class-1,u-1002",
            "class-3,u-1002",
            "seats.csv:3: userSourcedId: 'u-1002' is no pupil of 'class-3'",
        ),
        (
            "seats.csv",
            "class-1,u-1002",
            "class-9,u-1002",
            "seats.csv:3: classSourcedId: 'class-9' is no class of the roster",
        ),
        ("seats.csv", "u-1002,2,", "u-1002,1,", "seats.csv:3: number: 1 is given already in line 2"),
        ("seats.csv", "u-1002,2,1,2", "u-1002,2,1,1", "seats.csv:3: row: '1/1' is given already in line 2"),
        (
            "seats.csv",
            "s01-c01-t02",
            "s01-c01-t01",
            "seats.csv:3: terminal: 's01-c01-t01' is given already in line 2",
        ),
        ("seats.csv", "s01-c01-t02", "s01-t9", "seats.csv:3: terminal: 's01-t9' is no terminal of the inventory"),
        (
            "seats.csv",
            "s01-c01-t02",
            "s02-t0001",
            "seats.csv:3: terminal: 's02-t0001' belongs to 's02', the class to 's01'",
        ),
        ("seats.csv", "u-1002,2,1,2", "u-1002,2,0,2", "seats.csv:3: row: '0' is not a whole number between 1 and 200"),
        (
            "manifest.csv",
            "file.users,bulk",
            "file.users,all",
            "manifest.csv:17: file.users: 'all' is not one of bulk, delta, absent",
        ),
        (
            "manifest.csv",
            "file.users,bulk",
            "file.users,absent",
            "users.csv: is there, though manifest.csv says that it is absent",
        ),
        (
            "manifest.csv",
            "file.users,bulk",
            "file.users,delta",
            "users.csv:2: status: must not be empty in a delta file",
        ),
        (
            "manifest.csv",
            "oneroster.version,1.2",
            "oneroster.version,1.1",
            "manifest.csv:3: oneroster.version: '1.1' is not 1.2",
        ),
    ],
)  # fmt: skip
def test_each_fault_is_told_where_it_is(dsn: str, export: Path, file: str, old: str, new: str, told: str) -> None:
    edit(export, file, old, new)
    assert told in problems(dsn, export)


def test_every_problem_is_told_at_once_in_the_order_of_files_and_lines(dsn: str, export: Path) -> None:
    edit(export, "orgs.csv", "school,s02,", "school,s77,")
    edit(export, "classes.csv", "s01-c01,org-s01", "s01-c01,org-s09")
    edit(export, "enrollments.csv", "u-2003,teacher", "u-9999,teacher")
    (export / "courses.csv").unlink()
    assert problems(dsn, export) == [
        "orgs.csv:4: identifier: 's77' is no school of the inventory",
        "courses.csv: missing; manifest.csv says that it is there (bulk)",
        "classes.csv:2: schoolSourcedId: 'org-s09' is not in orgs.csv",
        "enrollments.csv:10: userSourcedId: 'u-9999' is not in users.csv",
    ]


def test_a_delta_that_refers_to_nothing_known_is_refused(dsn: str, export: Path) -> None:
    delta(
        export,
        classes=[f"class-4,active,{CHANGED},三年级4班,,course-g3,,homeroom,,org-s01,2026-autumn,,,,"],
        enrollments=[
            f"e-11,active,{CHANGED},class-4,org-s01,u-1001,student,,,",
            f"e-12,active,{CHANGED},class-5,org-s01,u-1001,student,,,",
        ],
    )
    assert problems(dsn, export) == [
        "classes.csv:2: schoolSourcedId: 'org-s01' is not known from an earlier import",
        "classes.csv:2: termSourcedIds: '2026-autumn' is not known from an earlier import",
        "enrollments.csv:2: schoolSourcedId: 'org-s01' is not known from an earlier import",
        "enrollments.csv:2: userSourcedId: 'u-1001' is not known from an earlier import",
        "enrollments.csv:3: schoolSourcedId: 'org-s01' is not known from an earlier import",
        "enrollments.csv:3: classSourcedId: 'class-5' is neither in classes.csv nor known from an earlier import",
        "enrollments.csv:3: userSourcedId: 'u-1001' is not known from an earlier import",
    ]


def test_what_is_no_export_is_told(dsn: str, tmp_path: Path, export: Path) -> None:
    assert problems(dsn, tmp_path / "none.zip") == [f"{tmp_path / 'none.zip'}: no such file or folder"]
    (tmp_path / "no.zip").write_text("not a zip")
    assert problems(dsn, tmp_path / "no.zip") == ["no.zip: is neither a folder nor a zip: File is not a zip file"]
    (export / "manifest.csv").unlink()
    (export / "printers.csv").write_text("printer\n")
    assert problems(dsn, export)[0] == "manifest.csv: missing; it says which files are bulk, delta or absent"
    assert any(line.startswith("printers.csv: unknown file; read are orgs.csv, ") for line in problems(dsn, export))


def test_a_zip_bomb_is_unpacked_no_further_than_a_file_may_be(
    dsn: str, export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_FILE_BYTES", 1024**2)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bomb:
        for file in export.iterdir():
            bomb.write(file, file.name)
        bomb.writestr("lineItems.csv", b"0" * 50 * 1024**2)
    assert problems(dsn, path) == ["lineItems.csv: is larger than 1 MB"]


def test_a_zip_of_many_files_and_a_file_twice_are_refused(dsn: str, export: Path, tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as many:
        for number in range(201):
            many.writestr(f"{number}.csv", b"a\n")
    assert problems(dsn, path) == ["many.zip: holds more than 200 files"]
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as twice:
        for file in export.iterdir():
            twice.write(file, file.name)
        twice.write(export / "users.csv", "old/users.csv")
    assert problems(dsn, tmp_path / "twice.zip") == ["users.csv: is in the zip twice"]
