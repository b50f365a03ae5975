"""`bellwether roster` as a process: reports to stdout, problems and warnings to stderr, exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.ops.cli.test_centre import EXAMPLES, answer, bellwether

ONEROSTER = str(EXAMPLES / "roster" / "oneroster")
TIMETABLE = str(EXAMPLES / "roster" / "timetable")

pytestmark = pytest.mark.db


def test_roster_and_timetable_of_the_examples_are_imported(database: str) -> None:
    answer("inventory", "import", str(EXAMPLES / "district"), dsn=database)
    assert answer("roster", "import", ONEROSTER, "--dry-run", dsn=database)["total"]["added"] == 24
    report = answer("roster", "import", ONEROSTER, dsn=database)
    assert report["changes"]["people"] == {"added": 7, "changed": 0, "retired": 0, "unchanged": 0}
    assert answer("roster", "import", ONEROSTER, dsn=database)["total"]["unchanged"] == 24
    assert answer("roster", "timetable", TIMETABLE, dsn=database)["changes"]["lessons"]["added"] > 100
    shown = bellwether("roster", "timetable", TIMETABLE, "--dry-run", dsn=database)
    assert "dry run: nothing was changed" in shown.stdout


def test_problems_are_told_and_exit_with_2(database: str) -> None:
    refused = bellwether("roster", "import", ONEROSTER, dsn=database)
    assert refused.returncode == 2
    assert "orgs.csv:3: identifier: 's01' is no school of the inventory\n" in refused.stderr
    assert "hint: Correct the rows listed and import again" in refused.stderr
    told = json.loads(bellwether("roster", "timetable", TIMETABLE, "--json", dsn=database).stdout)["problems"]
    assert {
        "file": "timetable.csv",
        "line": 2,
        "column": "class",
        "reason": "'s01-g3c1' is no class of the roster",
    } in told


def test_columns_may_have_the_district_s_own_names(database: str, tmp_path: Path) -> None:
    answer("inventory", "import", str(EXAMPLES / "district"), dsn=database)
    export = shutil.copytree(ONEROSTER, tmp_path / "export")
    text = (export / "classes.csv").read_text("utf-8")
    (export / "classes.csv").write_text(text.replace("classCode", "班号"), "utf-8")
    mapping = tmp_path / "columns.toml"
    mapping.write_text('[classes]\nclassCode = "班号"\n', "utf-8")
    assert answer("roster", "import", str(export), "--columns", str(mapping), dsn=database)["total"]["added"] == 24
    mapping.write_text('[classes]\nclasscode = "班号"\n[rooms]\n', "utf-8")
    refused = bellwether("roster", "import", str(export), "--columns", str(mapping), dsn=database)
    assert refused.returncode == 2
    assert f"{mapping}: classes.classcode: unknown column; known are sourcedId, status" in refused.stderr
    assert f"{mapping}: [rooms]: unknown section; known are orgs, " in refused.stderr
