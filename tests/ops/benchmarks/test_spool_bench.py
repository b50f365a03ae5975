"""The spool benchmark runs, counts what it stored, and prints what every benchmark prints."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from ops.benchmarks import spool
from ops.cli.main import app


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "GROUPS", (1, 8))
    monkeypatch.setattr(spool, "ROUNDS", 1)
    monkeypatch.setattr(spool, "ROUND_SECONDS", 0.05)
    monkeypatch.setattr(spool, "MEMORY_SAMPLES", 2_000)


def test_json_goes_to_stdout_alone_and_progress_to_stderr() -> None:
    result = CliRunner().invoke(app, ["bench", "spool", "--json"])
    assert result.exit_code == 0, result.stderr
    printed = json.loads(result.stdout)
    assert {"name", "figures", "limit", "ratio_to_limit", "lost", "duplicated", "environment"} <= printed.keys()
    assert (printed["name"], printed["lost"], printed["duplicated"]) == ("spool", 0, 0)
    assert printed["figures"]["samples_per_second_groups_of_8"] > 0
    assert "groups of 8" in result.stderr


def test_people_get_a_table() -> None:
    result = CliRunner().invoke(app, ["bench", "spool"])
    assert result.exit_code == 0, result.stderr
    assert "bench spool" in result.stdout
    assert "ratio to limit" in result.stdout


def test_an_unknown_subject_is_a_wrong_command_line() -> None:
    result = CliRunner().invoke(app, ["bench", "weather"])
    assert result.exit_code == 2
