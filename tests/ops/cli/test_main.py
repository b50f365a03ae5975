"""The command line as a whole: help without imports, missing packages, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from ops.cli import main, output


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def test_help_names_every_noun_and_imports_none():
    done = run_python(
        "import sys\nfrom ops.cli.main import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "print([name for name in sys.modules if name.startswith(('cloud', 'edge_agent', 'ops.cli.agent'))])"
    )
    assert done.returncode == 0, done.stderr
    assert all(noun in done.stdout for noun in main.NOUNS)
    assert done.stdout.rstrip().endswith("[]")


def test_a_noun_without_its_package_says_one_sentence():
    done = run_python(
        "import sys\n"
        "import importlib\nreal = importlib.import_module\n"
        "def without(name, package=None):\n"
        "    if name == 'ops.cli.ledger':\n        raise ModuleNotFoundError('no psycopg', name='psycopg')\n"
        "    return real(name, package)\n"
        "importlib.import_module = without\n"
        "from ops.cli.main import app\napp(['ledger'])"
    )
    assert done.returncode == 1
    assert done.stderr == (
        "error: `bellwether ledger` needs the package 'psycopg', which is not installed here\n"
        "hint: in Bellwether's clone: pip install '.[cloud]', or `make setup` for everything\n"
    )


def test_a_verb_whose_package_is_missing_when_it_runs_says_one_sentence():
    done = run_python(
        "import sys\nsys.modules['psycopg'] = None\nfrom ops.cli.main import app\napp(['cloud', 'serve'])"
    )
    assert done.returncode == 1
    assert done.stderr == (
        "error: `bellwether cloud` needs the package 'psycopg', which is not installed here\n"
        "hint: in Bellwether's clone: pip install '.[cloud]', or `make setup` for everything\n"
    )


def test_an_unknown_noun_is_a_usage_error():
    assert CliRunner().invoke(main.app, ["nosuch"]).exit_code == 2


class Refused(Exception):
    hint = "ask somebody"


class Misused(Refused):
    exit_code = 2


@pytest.mark.parametrize(("error", "code"), [(Refused, 1), (Misused, 2)])
def test_an_error_with_a_hint_becomes_two_lines(error, code, capsys):
    with pytest.raises(typer.Exit) as left, output.operator_errors():
        raise error("it would not")
    assert left.value.exit_code == code
    assert capsys.readouterr().err == "error: it would not\nhint: ask somebody\n"


def test_an_error_without_a_hint_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError), output.operator_errors():
        raise ZeroDivisionError


def test_json_goes_to_stdout_and_messages_to_stderr(capsys):
    output.print_json({"held": 3, "at": None})
    output.say("working")
    said = capsys.readouterr()
    assert json.loads(said.out) == {"held": 3, "at": None}
    assert said.err == "working\n"


def test_a_table_in_a_pipe_is_not_cut(capsys):
    output.print_table(["link", "in_bps"], [["s07-wan" * 10, 1_000_000], ["s08-wan", None]])
    lines = capsys.readouterr().out.splitlines()
    assert "s07-wan" * 10 in lines[1]
    assert lines[1].rstrip().endswith("1,000,000")
    assert lines[2].rstrip().endswith("–")
