"""The centre's commands, as processes: exit codes, JSON to stdout, problems to stderr."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ops.embedded import EmbeddedPostgres

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "docs" / "examples"
SPOOL_SCHEMA = ROOT / "edge_agent" / "spool" / "schema.sql"


def bellwether(*arguments: str, dsn: str = "") -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("BELLWETHER_")}
    return subprocess.run(
        [sys.executable, "-m", "ops.cli.main", *arguments],
        env=environment | ({"BELLWETHER_DSN": dsn} if dsn else {}),
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
        check=False,
    )


def answer(*arguments: str, dsn: str) -> Any:
    done = bellwether(*arguments, "--json", dsn=dsn)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_check_config_prints_the_effective_values_with_secrets_masked() -> None:
    done = bellwether("cloud", "check-config", "--config", str(EXAMPLES / "cloud.toml"), "--json")
    assert done.returncode == 0
    values = json.loads(done.stdout)
    assert values["database"]["dsn"] == "********"
    assert values["ingest"]["batch_milliseconds"] == 200
    shown = bellwether("cloud", "check-config", "--config", str(EXAMPLES / "cloud.toml")).stdout
    assert "api.port" in shown
    assert " 8080\n" in shown


def test_a_bad_config_tells_every_problem_and_exits_with_2(tmp_path: Path) -> None:
    path = tmp_path / "cloud.toml"
    path.write_text('[broker]\nport = 0\ncolour = "red"\n')
    done = bellwether("cloud", "ingest", "--config", str(path))
    assert done.returncode == 2
    assert "broker.port: must lie between 1 and 65535" in done.stderr
    assert "broker.colour: unknown key" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_is_away_is_one_clear_sentence() -> None:
    done = bellwether("cloud", "migrate", dsn="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 1
    assert "error: " in done.stderr
    assert "hint: Check [database] dsn" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.db
@pytest.mark.parametrize(
    "command",
    [
        ("ledger",),
        ("quarantine", "list"),
        ("quarantine", "replay", "--all"),
        ("inventory", "import", "docs/examples/district"),
        ("roster", "import", "docs/examples/roster/oneroster"),
        ("roster", "timetable", "docs/examples/roster/timetable"),
    ],
)
def test_a_database_without_our_schema_is_one_clear_sentence(
    command: tuple[str, ...], postgres: EmbeddedPostgres
) -> None:
    done = bellwether(*command, dsn=postgres.dsn_of("postgres"))
    assert done.returncode == 1
    assert "error: migrations not applied: 0001_inventory" in done.stderr
    assert "hint: Run `bellwether cloud migrate`" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.db
def test_a_file_that_is_no_spool_is_one_clear_sentence(tmp_path: Path, database: str) -> None:
    (tmp_path / "spool.db").write_bytes(b"not a database, not at all" * 100)
    done = bellwether("ledger", "--spools", str(tmp_path), dsn=database)
    assert done.returncode == 1
    assert "spool.db cannot be read as a spool" in done.stderr
    assert "Traceback" not in done.stderr


def test_serve_waits_for_a_database_that_is_away_and_ends_on_sigterm() -> None:
    environment = os.environ | {"BELLWETHER_DSN": "postgresql://nobody@127.0.0.1:1/none"}
    with subprocess.Popen(
        [sys.executable, "-m", "ops.cli.main", "cloud", "serve"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stderr is not None
        line = json.loads(process.stderr.readline())
        process.send_signal(signal.SIGTERM)
        rest = process.stderr.read()
        assert process.wait(120) == 0
    assert line["event"] == "database_unavailable"
    assert line["hint"]
    assert "Traceback" not in rest


@pytest.mark.db
def test_inventory_import_reports_and_refuses(database: str, tmp_path: Path) -> None:
    folder = EXAMPLES / "district"
    assert answer("inventory", "import", str(folder), "--dry-run", dsn=database)["total"]["added"] == 30
    assert answer("inventory", "import", str(folder), dsn=database)["total"]["added"] == 30
    assert answer("inventory", "import", str(folder), dsn=database)["total"]["added"] == 0
    spoiled = shutil.copytree(folder, tmp_path / "district")
    (spoiled / "links.csv").write_text("link\n")
    done = bellwether("inventory", "import", str(spoiled), dsn=database)
    assert done.returncode == 2
    assert "links.csv:1: contracted_bps: column is missing" in done.stderr


@pytest.mark.db
def test_inventory_import_refuses_to_retire_a_large_share_without_being_told(database: str, tmp_path: Path) -> None:
    answer("inventory", "import", str(EXAMPLES / "district"), dsn=database)
    folder = shutil.copytree(EXAMPLES / "district", tmp_path / "district")
    header, *_ = (folder / "terminals.csv").read_text("utf-8").splitlines()
    (folder / "terminals.csv").write_text(f"{header}\n", "utf-8")
    for options in (("--dry-run",), ()):
        done = bellwether("inventory", "import", str(folder), *options, dsn=database)
        assert done.returncode == 2
        assert "would retire 6 of 6 terminals; nothing was imported" in done.stderr
        assert "import with `--retire`" in done.stderr
        assert "terminals" in done.stdout
        told = json.loads(bellwether("inventory", "import", str(folder), *options, "--json", dsn=database).stdout)
        assert (told["refused"], told["total"]["retired"]) == (["terminals"], 6)
    meant = answer("inventory", "import", str(folder), "--retire", dsn=database)
    assert (meant["refused"], meant["total"]["retired"]) == ([], 6)


def make_spool(path: Path, produced: int, confirmed: int, held: dict[int, int], next_seq: int) -> None:
    """Write a spool file as an agent leaves it."""
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as spool:
        spool.executescript(SPOOL_SCHEMA.read_text("utf-8"))
        spool.execute(
            "INSERT INTO epochs (epoch_id, epoch, next_seq, produced_items, confirmed_items) VALUES (1, ?, ?, ?, ?)",
            ["e" * 16, next_seq, produced, confirmed],
        )
        spool.execute("INSERT INTO spool (only_row, agent, epoch_id) VALUES (1, 's01-gw', 1)")
        for seq, items in held.items():
            spool.execute(
                "INSERT INTO segments (segment_id, epoch_id, seq, lane, items, boot, sealed_at_ms, sealed_monotonic_ms,"
                " checksum, payload) VALUES (1 << 40 | ?1, 1, ?1, 3, ?2, 'b', 1, 1, 0, x'00')",
                [seq, items],
            )
    spool.close()


def store_segments(dsn: str, items: dict[int, int]) -> None:
    """Write into the database what ingest would have stored of the spool's epoch."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT agent_id FROM agents WHERE agent = 's01-gw'").fetchone()
        assert row is not None
        for seq, count in items.items():
            connection.execute(
                "INSERT INTO segments VALUES (%s, %s, %s, 'x', 'live', %s, now(), now())",
                [row[0], "e" * 16, seq, count],
            )
            connection.execute(
                "INSERT INTO host_samples (thing_id, agent_id, observed_at, corrected_at, resolution_seconds)"
                " SELECT 1, %s, now(), now(), 0 FROM generate_series(1, %s)",
                [row[0], count],
            )
        connection.execute(
            "INSERT INTO agent_epochs (agent_id, epoch, first_received_at, last_received_at, stored_items)"
            " VALUES (%s, %s, now(), now(), %s)",
            [row[0], "e" * 16, sum(items.values())],
        )


@pytest.mark.db
def test_the_ledger_closes_against_the_spools(database: str, tmp_path: Path) -> None:
    answer("inventory", "import", str(EXAMPLES / "district"), dsn=database)
    # Segments 1 to 3 are stored; 3 is still held because its receipt was lost; 4 is held; 5 was sealed after the look.
    store_segments(database, {1: 10, 2: 10, 3: 10, 5: 7})
    make_spool(tmp_path / "s01-gw" / "spool.db", produced=40, confirmed=20, held={3: 10, 4: 10}, next_seq=5)
    ledger = answer("ledger", "--spools", str(tmp_path), dsn=database)
    assert ledger["exact"] is True
    (line,) = ledger["lines"]
    assert (line["produced"], line["stored"], line["held"], line["lost"], line["surplus"]) == (40, 30, 10, 0, 0)
    assert (ledger["total"]["lost"], ledger["total"]["duplicated"]) == (0, 0)


@pytest.mark.db
def test_the_ledger_tells_loss_and_exits_with_1(database: str, tmp_path: Path) -> None:
    answer("inventory", "import", str(EXAMPLES / "district"), dsn=database)
    store_segments(database, {1: 10})
    make_spool(tmp_path / "s01-gw" / "spool.db", produced=40, confirmed=20, held={3: 20}, next_seq=4)
    done = bellwether("ledger", "--spools", str(tmp_path), "--json", dsn=database)
    assert done.returncode == 1
    assert json.loads(done.stdout)["total"]["lost"] == 10


@pytest.mark.db
def test_the_ledger_of_one_agent_totals_that_agent_alone(database: str) -> None:
    answer("inventory", "import", str(EXAMPLES / "district"), dsn=database)
    store_segments(database, {1: 10})
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO agent_epochs (agent_id, epoch, first_received_at, last_received_at, stored_items)"
            " SELECT agent_id, 'f', now(), now(), 5 FROM agents WHERE agent = 's02-gw'"
        )
    # The five rows of the other agent are in no table: that is its loss, and nobody else's.
    everyone = bellwether("ledger", "--json", dsn=database)
    assert everyone.returncode == 1
    total = json.loads(everyone.stdout)["total"]
    assert (total["stored"], total["lost"]) == (15, 5)
    one = answer("ledger", "--agent", "s01-gw", dsn=database)
    assert [line["agent"] for line in one["lines"]] == ["s01-gw"]
    assert (one["total"]["stored"], one["total"]["lost"], one["row_differences"]) == (10, 0, [])
    other = bellwether("ledger", "--agent", "s02-gw", "--no-rows", "--json", dsn=database)
    assert other.returncode == 0
    assert json.loads(other.stdout)["total"]["stored"] == 5
    unknown = bellwether("ledger", "--agent", "s09-gw", dsn=database)
    assert unknown.returncode == 1
    assert "no books of an agent 's09-gw'" in unknown.stderr


@pytest.mark.db
def test_quarantine_is_listed_shown_and_replayed(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "INSERT INTO quarantine (agent, topic, lane, content_type, reason, detail, size_bytes, content_hash,"
            " payload, received_at, last_received_at)"
            " VALUES ('s01-gw', 't', 'live', 'text/plain', 'unknown_content_type', 'd', 3, 'h', 'abc', now(), now())"
        )
    (entry,) = answer("quarantine", "list", dsn=database)
    assert entry["reason"] == "unknown_content_type"
    assert answer("quarantine", "show", str(entry["quarantine_id"]), dsn=database)["payload_hex"] == "616263"
    assert answer("quarantine", "replay", "--all", dsn=database)["refused"] == 1
    missing = bellwether("quarantine", "show", "999", dsn=database)
    assert missing.returncode == 1
    assert "no entry 999" in missing.stderr
    assert bellwether("quarantine", "replay", dsn=database).returncode == 2
