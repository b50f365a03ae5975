"""`bellwether evaluation`, as a process: import, dry run, export, problems with their paths."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cloud.evaluation.service import DEFAULT_FRAMEWORK
from tests.ops.cli.test_centre import answer, bellwether

pytestmark = pytest.mark.db


def test_the_default_is_imported_once_and_exported_as_it_is(database: str) -> None:
    dry = answer("evaluation", "import", "--default", "--dry-run", dsn=database)
    assert (dry["stored"], dry["dry_run"], len(dry["added"])) == (True, True, 302)
    assert bellwether("evaluation", "export", dsn=database).returncode == 1
    done = answer("evaluation", "import", "--default", dsn=database)
    assert (done["stored"], done["activated"], done["dimensions"], done["indicators"]) == (True, True, 5, 302)
    again = answer("evaluation", "import", str(DEFAULT_FRAMEWORK), dsn=database)
    assert (again["stored"], again["activated"]) == (False, False)
    assert answer("evaluation", "replay", dsn=database) == {"tried": 0, "taken": 0}
    assert bellwether("evaluation", "export", dsn=database).stdout == DEFAULT_FRAMEWORK.read_text("utf-8")


def test_a_bad_file_is_refused_with_every_path_and_exit_code_2(database: str, tmp_path: Path) -> None:
    document = json.loads(DEFAULT_FRAMEWORK.read_bytes())
    document["CFItems"][5]["fullStatement"] = ""
    del document["CFDocument"]["version"]
    path = tmp_path / "framework.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    said = bellwether("evaluation", "import", str(path), dsn=database)
    assert said.returncode == 2
    assert "$.CFDocument.version: is missing" in said.stderr
    assert "$.CFItems[5].fullStatement: expected" in said.stderr
    listed = bellwether("evaluation", "import", str(path), "--json", dsn=database)
    assert [one["path"] for one in json.loads(listed.stdout)["problems"]] == [
        "$.CFDocument.version",
        "$.CFItems[5].fullStatement",
    ]


def test_a_file_or_default_but_not_both(database: str) -> None:
    assert bellwether("evaluation", "import", dsn=database).returncode == 2
    assert bellwether("evaluation", "import", "--default", str(DEFAULT_FRAMEWORK), dsn=database).returncode == 2
