"""The spool benchmark runs, counts what it stored, and prints what every benchmark prints."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ops.benchmarks import spool
from ops.benchmarks.spool_limit import BareWriter
from ops.cli.main import app
from protocols.events import Event
from protocols.samples import Kind, TerminalSample


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = (spool.Case(8, 1), spool.HEADLINE, spool.Case(2, 64))
    monkeypatch.setattr(spool, "CASES", cases)
    monkeypatch.setattr(spool, "ITINERARY", (*cases, spool.HEADLINE))
    monkeypatch.setattr(spool, "ROUNDS", 2)
    monkeypatch.setattr(spool, "TURN_SECONDS", 0.02)
    monkeypatch.setattr(spool, "FIRST_ROWS", 100)
    monkeypatch.setattr(spool, "MEMORY_SAMPLES", 5_000)
    monkeypatch.setattr(spool, "MEMORY_WARM_UP", 1_000)


def test_json_goes_to_stdout_alone_and_progress_to_stderr() -> None:
    result = CliRunner().invoke(app, ["bench", "spool", "--json"])
    assert result.exit_code == 0, result.stderr
    printed = json.loads(result.stdout)
    assert {"name", "figures", "limit", "ratio_to_limit", "lost", "duplicated", "environment"} <= printed.keys()
    assert (printed["name"], printed["lost"], printed["duplicated"]) == ("spool", 0, 0)
    assert printed["ratio_to_limit"] == printed["figures"]["ratio_callers_50"] > 0
    assert printed["figures"]["ratio_callers_50_measured_times"] == 2
    for side in ("figures", "limit"):
        for case in ("callers_8", "callers_50", "groups_of_64"):
            for figure in ("rows_per_second", "rows_per_commit", "commits_per_second", "cpu_microseconds_per_row"):
                assert printed[side][f"{figure}_{case}"] > 0
    assert "round 2 of 2" in result.stderr


def test_people_get_a_table() -> None:
    result = CliRunner().invoke(app, ["bench", "spool"])
    assert result.exit_code == 0, result.stderr
    assert "bench spool" in result.stdout
    assert "ratio to limit" in result.stdout


def test_an_unknown_subject_is_a_wrong_command_line() -> None:
    result = CliRunner().invoke(app, ["bench", "weather"])
    assert result.exit_code == 2


async def test_the_limit_groups_what_waits_and_answers_when_it_is_committed(tmp_path: Path) -> None:
    path = tmp_path / "bare.db"
    bare = BareWriter(path)
    events = [
        Event(
            event_id=f"{number:032x}",
            type="port.changed",
            kind=Kind.PORT,
            thing="sw/1",
            observed_at_ms=1,
            monotonic_ms=number,
            attributes={"up": True},
        )
        for number in range(20)
    ]
    with closing(sqlite3.connect(path)) as other:
        for half in (events[:10], events[10:]):
            await asyncio.gather(*(bare.append([event]) for event in half))
            last = half[-1].monotonic_ms
            assert other.execute("SELECT COUNT(*), MAX(monotonic_ms) FROM events").fetchone() == (last + 1, last)
        assert bare.commits == 2
        sample = TerminalSample(thing="t", observed_at_ms=1, monotonic_ms=1, present=True)
        await bare.append([sample, sample])
        assert other.execute("SELECT thing, present FROM samples").fetchall() == [("t", 1), ("t", 1)]
        assert other.execute("SELECT kind, attributes FROM events LIMIT 1").fetchone() == ("port", b'{"up":true}')
    bare.close()


async def test_a_fault_of_the_limit_is_told_to_whoever_waits(tmp_path: Path) -> None:
    bare = BareWriter(tmp_path / "bare.db")
    with closing(sqlite3.connect(tmp_path / "bare.db")) as other:
        other.execute("DROP TABLE samples")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await bare.append([TerminalSample(thing="t", observed_at_ms=1, monotonic_ms=1, present=True)])
    bare.close()
