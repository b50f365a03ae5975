"""A roster comes in whole or not at all; the second time it changes nothing; people keep their references."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloud.inventory.service import InventoryShrinks
from cloud.roster.service import import_roster
from cloud.roster.tabular import RosterProblems
from tests.cloud.roster.conftest import edit

pytestmark = pytest.mark.db

Rows = Callable[..., list[tuple[Any, ...]]]
COUNTS = "SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM classes), (SELECT count(*) FROM enrolments)"


def problems(centre: str, roster: Path) -> list[str]:
    with pytest.raises(RosterProblems) as refused:
        import_roster(centre, roster)
    return [str(problem) for problem in refused.value.problems]


def test_the_example_comes_in_and_a_second_time_changes_nothing(centre: str, roster: Path, rows: Rows) -> None:
    first = import_roster(centre, roster)
    assert {name: change.added for name, change in first.changes.items()} == {
        "terms": 1,
        "people": 6,
        "classes": 3,
        "enrolments": 7,
        "terminal_holders": 4,
    }
    before = rows("SELECT source_id, person FROM people ORDER BY 1")
    again = import_roster(centre, roster).total
    assert (again.added, again.changed, again.retired) == (0, 0, 0)
    assert rows("SELECT source_id, person FROM people ORDER BY 1") == before
    assert all(person[0] == "p" and len(person) == 21 for _, person in before)
    assert rows(
        "SELECT number, seat_row, seat_column, terminal FROM enrolments JOIN terminal_holders USING (person)"
        " WHERE school_class = 's01-g3c1' ORDER BY number"
    ) == [(1, 1, 1, "s01-c01-t01"), (2, 1, 2, "s01-c01-t02")]


def test_a_zip_is_as_good_as_a_folder_and_a_dry_run_keeps_nothing(
    centre: str, roster: Path, tmp_path: Path, rows: Rows
) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "export"), "zip", tmp_path, "roster"))
    assert import_roster(centre, archive, dry_run=True).total.added == 21
    assert rows(COUNTS) == [(0, 0, 0)]
    assert import_roster(centre, archive).total.added == 21


def test_every_problem_is_told_by_file_and_line_and_nothing_comes_in(centre: str, roster: Path, rows: Rows) -> None:
    edit(roster / "orgs.csv", "school,s02", "school,s99")
    edit(roster / "enrollments.csv", "e-4,active,,c-301", "e-4,active,,c-999")
    edit(roster / "enrollments.csv", "u-p2,student", "u-p9,pupil")
    edit(roster / "demographics.csv", "2017-05-04", "04/05/2017")
    edit(roster / "users.csv", "u-p4,active", "u-p3,active")
    edit(roster / "seats.csv", "s01-c02-t01", "s02-c01-t01")
    assert problems(centre, roster) == [
        "orgs.csv:4: identifier: 's99' is no school of the inventory",
        "users.csv:7: sourcedId: 'u-p3' stands already in line 6",
        "roles.csv:7: userSourcedId: 'u-p4' is not in users.csv",
        "enrollments.csv:5: classSourcedId: 'c-999' is not in classes.csv",
        "enrollments.csv:6: role: 'pupil' is not one of student, teacher, aide, proctor",
        "enrollments.csv:6: userSourcedId: 'u-p9' is not in users.csv",
        "enrollments.csv:8: userSourcedId: 'u-p4' is not in users.csv",
        "demographics.csv:2: birthDate: '04/05/2017' is not a date such as 2026-09-01",
        "demographics.csv:3: sourcedId: 'u-p4' is not in users.csv",
        "seats.csv:4: terminal: 's02-c01-t01' belongs to 's02'",
        "seats.csv:5: userSourcedId: 'u-p4' is nobody",
        "seats.csv:5: terminal: 's02-c01-t01' has a holder already in line 4",
    ]
    assert rows(COUNTS) == [(0, 0, 0)]


def test_files_that_are_missing_or_no_csv_are_told(centre: str, roster: Path, tmp_path: Path) -> None:
    (roster / "users.csv").unlink()
    (roster / "roles.csv").write_bytes(b"\xff\xfeu\x00")
    assert problems(centre, roster) == [
        "users.csv: missing, but the manifest says bulk",
        "roles.csv: is UTF-16; save it as CSV UTF-8",
        *problems_of_nobody(),
    ]
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"not a zip")
    assert problems(centre, broken) == ["broken.zip: cannot be read: File is not a zip file"]


def problems_of_nobody() -> list[str]:
    return [
        *(f"enrollments.csv:{line}: userSourcedId: {who!r} is not in users.csv" for line, who in (
            (2, "u-t1"), (3, "u-t1"), (4, "u-t2"), (5, "u-p1"), (6, "u-p2"), (7, "u-p3"), (8, "u-p4"),
        )),
        "demographics.csv:2: sourcedId: 'u-p1' is not in users.csv",
        "demographics.csv:3: sourcedId: 'u-p4' is not in users.csv",
        *(f"seats.csv:{line}: userSourcedId: 'u-p{line - 1}' is nobody" for line in (2, 3, 4, 5)),
    ]  # fmt: skip


def test_a_delta_adds_and_takes_away_what_it_names_and_leaves_the_rest(
    centre: str, roster: Path, tmp_path: Path, rows: Rows
) -> None:
    import_roster(centre, roster)
    delta = tmp_path / "delta"
    delta.mkdir()
    (delta / "manifest.csv").write_text(
        "propertyName,value\noneroster.version,1.2\nfile.users,delta\nfile.enrollments,delta\n", "utf-8"
    )
    (delta / "users.csv").write_text(
        "sourcedId,status,familyName,givenName,role\nu-p5,active,学生,五,student\nu-p2,tobedeleted,学生,二,student\n",
        "utf-8",
    )
    (delta / "enrollments.csv").write_text(
        "sourcedId,status,classSourcedId,userSourcedId,role\ne-9,active,c-301,u-p5,student\n"
        "e-5,tobedeleted,c-301,u-p2,student\n",
        "utf-8",
    )
    changes = import_roster(centre, delta).changes
    assert (changes["people"].added, changes["people"].retired) == (1, 1)
    assert (changes["enrolments"].added, changes["enrolments"].retired) == (1, 1)
    assert changes["classes"].retired == 0
    assert rows("SELECT count(*) FROM enrolments WHERE school_class = 's01-g3c1' AND retired_at IS NULL") == [(3,)]


def test_a_truncated_bulk_file_is_refused_unless_it_is_meant(centre: str, roster: Path, rows: Rows) -> None:
    users = "".join(f"u-x{number},active,,true,x,,{number},学生,,,\n" for number in range(60))
    with (roster / "users.csv").open("a", encoding="utf-8") as file:
        file.write(users)
    import_roster(centre, roster)
    edit(roster / "users.csv", users, "")
    with pytest.raises(InventoryShrinks, match="would retire 60 of 66 people"):
        import_roster(centre, roster)
    assert rows("SELECT count(*) FROM people WHERE retired_at IS NOT NULL") == [(0,)]
    assert import_roster(centre, roster, retire=True).changes["people"].retired == 60


def test_who_left_and_comes_back_is_the_same_person(centre: str, roster: Path, rows: Rows) -> None:
    import_roster(centre, roster)
    person = rows("SELECT person FROM people WHERE source_id = 'u-p1'")
    for name in ("users.csv", "roles.csv", "enrollments.csv", "demographics.csv", "seats.csv"):
        kept = (roster / name).read_text("utf-8")
        (roster / f"{name}.kept").write_text(kept, "utf-8")
        lines = [line for line in kept.splitlines() if "u-p1," not in line]
        (roster / name).write_text("\n".join(lines) + "\n", "utf-8")
    assert import_roster(centre, roster).changes["people"].retired == 1
    for name in ("users.csv", "roles.csv", "enrollments.csv", "demographics.csv", "seats.csv"):
        (roster / f"{name}.kept").replace(roster / name)
    assert import_roster(centre, roster).changes["people"].added == 1
    assert rows("SELECT person FROM people WHERE source_id = 'u-p1' AND retired_at IS NULL") == person
