"""`bellwether feed` and `bellwether records`, as processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ops.cli.test_centre import answer, bellwether

pytestmark = pytest.mark.db


def test_a_feed_is_registered_listed_paused_resumed_and_removed(database: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a secret of many more than 24 bytes\n")
    add = ("feed", "add", "lrs", "--url", "https://x.example/hook", "--secret-file", str(secret), "--types", "answer")
    assert bellwether(*add, dsn=database).returncode == 0
    again = bellwether(*add, dsn=database)
    assert again.returncode == 1
    assert "there is a feed 'lrs' already" in again.stderr
    listed = bellwether("feed", "list", "--json", dsn=database).stdout
    assert "a secret" not in listed
    for verb, state in (("pause", "paused"), ("resume", "running")):
        assert bellwether("feed", verb, "lrs", dsn=database).returncode == 0
        (row,) = answer("feed", "list", dsn=database)
        assert (row["state"], row["types"], row["delivered"]) == (state, ["answer"], 0)
    assert "0 refused records" in bellwether("feed", "retry", "lrs", dsn=database).stderr
    assert bellwether("feed", "remove", "lrs", dsn=database).returncode == 0
    gone = bellwether("feed", "pause", "lrs", dsn=database)
    assert gone.returncode == 1
    assert "bellwether feed list" in gone.stderr


def test_a_wrong_order_is_refused_with_every_fault_and_exit_code_2(database: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush")
    said = bellwether(
        "feed", "add", "L!", "--url", "ftp://x", "--secret-file", str(secret), "--format", "xapi", "--types", "mood",
        dsn=database,
    )  # fmt: skip
    assert said.returncode == 2
    for part in ("feed: must be", "url: must be", "types: unknown: mood", "secret: must be user:password"):
        assert part in said.stderr
    assert "hush" not in said.stderr


def test_refusals_are_counted_and_replayed(database: str) -> None:
    assert answer("records", "refusals", dsn=database) == {"total": 0, "items": []}
    assert {"consumer": "teaching", "tried": 0, "taken": 0} in answer("records", "replay", dsn=database)
    wrong = bellwether("records", "replay", "--consumer", "cooking", dsn=database)
    assert wrong.returncode == 2
    assert "teaching" in wrong.stderr
