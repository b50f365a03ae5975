"""The import of a district folder: every problem at once, all or nothing, the second time without effect."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
import pytest

from cloud.inventory.folder import InventoryProblems, read_folder
from cloud.inventory.models import RETIRED_RATIO, TABLES
from cloud.inventory.service import InventoryShrinks, import_folder
from cloud.sheets.models import TableChanges
from cloud.sheets.reading import decode

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "district"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the documented example, to be spoiled."""
    return shutil.copytree(EXAMPLE, tmp_path / "district")


def edit(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), "utf-8")


def problems(folder: Path) -> list[str]:
    with pytest.raises(InventoryProblems) as refused:
        read_folder(folder)
    return [str(problem) for problem in refused.value.problems]


def test_the_documented_example_has_no_fault() -> None:
    content = read_folder(EXAMPLE)
    assert {name: len(rows) for name, rows in content.rows.items()} == {
        "schools": 2,
        "classrooms": 3,
        "agents": 6,
        "devices": 5,
        "links": 2,
        "ports": 6,
        "terminals": 6,
    }


def test_every_problem_is_told_at_once_by_file_line_and_column(folder: Path) -> None:
    edit(folder, "schools.csv", "s02,", "S 02,")
    edit(folder, "links.csv", "1000000000", "1G")
    edit(folder, "agents.csv", "core,core,,", "core,core,s01,")
    edit(folder, "terminals.csv", "s01-c01-t01,s01,s01-c01,student,s01-c01,", "s01-c01-t01,s01,s01-c01,pupil,s01-c99,")
    found = problems(folder)
    assert "schools.csv:3: school: 'S 02' is not an id: lower-case letters, digits and hyphens, at most 63" in found
    assert "links.csv:2: contracted_bps: '1G' is not a whole number between 1 and 10000000000000" in found
    assert "terminals.csv:2: owner: 'pupil' is not one of student, teacher" in found
    assert "terminals.csv:2: agent: 's01-c99' is not in agents.csv" in found
    assert any(line.startswith("agents.csv:") and "the core agent belongs to no school" in line for line in found)
    assert any(line.startswith("classrooms.csv:") and "'s02' is not in schools.csv" in line for line in found)


def test_rules_across_files_are_checked(folder: Path) -> None:
    edit(folder, "links.csv", "GigabitEthernet0/0/1", "GigabitEthernet9/9/9")
    edit(folder, "devices.csv", "s01-sw01,s01", "s01-rt1,s01")
    edit(folder, "terminals.csv", "s02-c01-t01,s02,s02-c01", "s02-c01-t01,s01,s02-c01")
    found = problems(folder)
    assert any("s01-rt1/GigabitEthernet9/9/9 is not in ports.csv" in line for line in found)
    assert any("'s01-rt1' stands already in line" in line for line in found)
    assert any("'s02-c01' belongs to 's02'" in line for line in found)


def test_devices_that_are_their_own_ancestors_are_refused(folder: Path) -> None:
    text = (folder / "devices.csv").read_text("utf-8").splitlines()
    row = next(line for line in text if line.startswith("s01-rt1,"))
    edit(folder, "devices.csv", row, row.rsplit(",", 1)[0] + ",s01-sw01")
    assert any("is its own ancestor" in line for line in problems(folder))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "schools.csv:1: no header row"),
        ("school,name\n", "schools.csv:1: name_en: column is missing"),
        ("school,name,name_en,stage,latitude,longitude,colour\n", "colour: unknown column"),
        ("school,name,name_en,stage,latitude,longitude,school\n", "school: column appears twice"),
        ("school,name,name_en,stage,latitude,longitude\ns01,x\n", "schools.csv:2: has 2 columns, the header has 6"),
        ('school,name,name_en,stage,latitude,longitude\ns01,"x,y\n', "not CSV"),
        ("school,name,name_en,stage,latitude,longitude\ns01,x,y,primary,91,0\n", "does not lie between -90 and 90"),
    ],
)
def test_a_broken_file_is_told_where(folder: Path, text: str, complaint: str) -> None:
    (folder / "schools.csv").write_text(text)
    assert any(complaint in line for line in problems(folder))


def test_a_missing_file_a_strange_file_and_a_missing_folder_are_problems(folder: Path) -> None:
    (folder / "ports.csv").unlink()
    (folder / "printers.csv").write_text("printer\n")
    found = problems(folder)
    assert any(line.startswith("ports.csv: missing") for line in found)
    assert any(line.startswith("printers.csv: unknown file") for line in found)
    assert problems(folder / "none") == [f"{folder / 'none'}: no such folder"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_encodings_of_chinese_spreadsheets_are_read(folder: Path, encoding: str) -> None:
    expected = read_folder(folder).rows
    for table in TABLES:
        path = folder / table.file
        path.write_bytes(path.read_text("utf-8").encode(encoding))
    assert read_folder(folder).rows == expected
    assert "第一小学" in str(expected["schools"])


def test_other_encodings_are_refused_clearly(folder: Path) -> None:
    with pytest.raises(ValueError, match="UTF-16; save it as CSV UTF-8"):
        decode("学校".encode("utf-16"))
    with pytest.raises(ValueError, match="neither UTF-8"):
        decode("école supérieure à Nîmes".encode("latin-1"))
    path = folder / "schools.csv"
    path.write_bytes(path.read_bytes() + b"\xff\xff")
    # One problem, and not one more for every classroom, agent and terminal of its schools.
    (told,) = problems(folder)
    assert "neither UTF-8" in told


@pytest.mark.db
def test_an_import_is_complete_and_the_second_changes_nothing(database: str, folder: Path) -> None:
    first = import_folder(database, folder)
    assert first.total.added == 30
    second = import_folder(database, folder)
    assert (second.total.added, second.total.changed, second.total.retired) == (0, 0, 0)
    assert second.total.unchanged == 30
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT name FROM schools ORDER BY position").fetchall()[0] == ("第一小学",)
        assert connection.execute("SELECT count(*) FROM inventory_imports").fetchone() == (1,)


@pytest.mark.db
def test_a_dry_run_tells_what_an_import_would_do_and_changes_nothing(database: str, folder: Path) -> None:
    report = import_folder(database, folder, dry_run=True)
    assert report.total.added == 30
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM schools").fetchone() == (0,)


@pytest.mark.db
def test_what_changed_and_what_left_is_told_and_what_returns_is_no_longer_retired(database: str, folder: Path) -> None:
    import_folder(database, folder)
    before = (folder / "terminals.csv").read_text("utf-8")
    lines = before.splitlines()
    (folder / "terminals.csv").write_text("\n".join(lines[:-1]) + "\n", "utf-8")
    edit(folder, "links.csv", "1000000000", "500000000")
    report = import_folder(database, folder)
    assert (report.changes["links"].changed, report.changes["terminals"].retired) == (1, 1)
    gone = lines[-1].split(",")[0]
    with psycopg.connect(database, autocommit=True) as connection:
        query = "SELECT retired_at IS NOT NULL FROM terminals WHERE terminal = %s"
        assert connection.execute(query, [gone]).fetchone() == (True,)
        (folder / "terminals.csv").write_text(before, "utf-8")
        assert import_folder(database, folder).changes["terminals"].added == 1
        assert connection.execute(query, [gone]).fetchone() == (False,)


@pytest.mark.parametrize(
    ("retired", "before", "shrinks"),
    [(0, 0, False), (4, 4, False), (5, 5, True), (5, 50, False), (6, 50, True), (4, 39, False), (2_927, 29_269, True)],
)
def test_a_table_shrinks_when_a_tenth_of_it_and_more_than_a_few_would_leave(
    retired: int, before: int, shrinks: bool
) -> None:
    changes = TableChanges(added=3, changed=0, retired=retired, unchanged=before - retired)
    assert changes.loses(RETIRED_RATIO) is shrinks


@pytest.mark.db
def test_a_folder_that_would_retire_a_large_share_is_refused_unless_that_is_meant(database: str, folder: Path) -> None:
    import_folder(database, folder)
    # Another district's terminals: as many as before, but none of those that exist.
    text = (folder / "terminals.csv").read_text("utf-8")
    (folder / "terminals.csv").write_text(text.replace("-t0", "-t9"), "utf-8")
    for dry_run in (True, False):
        with pytest.raises(InventoryShrinks, match=r"would retire 6 of 6 terminals; nothing was imported") as refused:
            import_folder(database, folder, dry_run=dry_run)
        assert refused.value.report.dry_run is dry_run
        assert refused.value.report.changes["terminals"] == TableChanges(added=6, retired=6)
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM terminals WHERE retired_at IS NULL").fetchone() == (6,)
        assert connection.execute("SELECT count(*) FROM terminals").fetchone() == (6,)
    assert import_folder(database, folder, dry_run=True, retire=True).total.retired == 6
    assert import_folder(database, folder, retire=True).total.retired == 6
    assert import_folder(database, folder).total == TableChanges(unchanged=30)


@pytest.mark.db
def test_nothing_is_half_done(database: str, folder: Path) -> None:
    import_folder(database, folder)
    edit(folder, "schools.csv", "第一小学", "新名字")
    with psycopg.connect(database) as connection:
        connection.execute("ALTER TABLE terminals ADD CONSTRAINT stop CHECK (model <> 'stop')")
    edit(folder, "terminals.csv", "pad-a", "stop")
    with pytest.raises(psycopg.errors.CheckViolation):
        import_folder(database, folder)
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT name FROM schools WHERE school = 's01'").fetchone() == ("第一小学",)


@pytest.mark.db
def test_things_met_before_are_claimed_and_those_that_left_are_not(database: str, folder: Path) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("INSERT INTO agents (agent, position, role) VALUES ('core', 1, 'core')")
        for kind, key in [
            ("link", "s01-wan"),
            ("port", "s01-rt1/GigabitEthernet0/0/1"),
            ("probe", "core/s01"),
            ("terminal", "s01-c01-t01"),
            ("terminal", "stranger"),
        ]:
            connection.execute(
                "INSERT INTO things (kind, key, first_agent_id, first_seen_at)"
                " SELECT %s, %s, agent_id, now() FROM agents",
                [kind, key],
            )
        assert import_folder(database, folder).claimed_things == 4
        unclaimed = "SELECT key FROM things WHERE claimed_at IS NULL"
        assert connection.execute(unclaimed).fetchall() == [("stranger",)]
        edit(folder, "terminals.csv", "s01-c01-t01", "s01-c01-t91")
        import_folder(database, folder)
        assert connection.execute(f"{unclaimed} ORDER BY key").fetchall() == [("s01-c01-t01",), ("stranger",)]
