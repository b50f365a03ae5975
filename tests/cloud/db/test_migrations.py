"""Migrations add up to schema.sql, fit the metric catalogue, apply once, and are never changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

import cloud
from cloud.db import migrate
from cloud.db.migrate import MIGRATIONS, load, pending
from cloud.db.queries import Queries
from cloud.db.snapshot import SCHEMA_FILE, snapshot
from cloud.errors import CloudError, DatabaseUnavailable, MigrationError
from cloud.telemetry.maintenance import rollup_sql
from cloud.telemetry.tables import BUCKET_SECONDS, KINDS, TABLES
from cloud.telemetry.writing import merge_sql, stage_sql
from ops.embedded import EmbeddedPostgres
from protocols.blocks import metric_names
from protocols.samples import Kind

ENVELOPE = ["thing_id", "agent_id", "observed_at", "corrected_at"]
QUERY_FILES = sorted(Path(cloud.__file__).parent.glob("*/*.sql"))
BLOCKS = [
    (path, block)
    for path in QUERY_FILES
    if path != SCHEMA_FILE
    for block in Queries(path).blocks
    if not block.text.startswith(("COPY", "CREATE TEMP", "LOCK"))
]


def columns(connection: psycopg.Connection, table: str) -> list[tuple[str, str]]:
    return connection.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [table],
    ).fetchall()


@pytest.mark.db
def test_migrations_add_up_to_the_snapshot(database: str) -> None:
    with psycopg.connect(database) as connection:
        assert snapshot(connection) == SCHEMA_FILE.read_text("utf-8"), "run python -m cloud.db.snapshot DSN"


@pytest.mark.db
def test_tables_have_a_column_per_metric_of_the_catalogue(database: str) -> None:
    with psycopg.connect(database) as connection:
        for kind in KINDS:
            _compare(connection, kind)


def _compare(connection: psycopg.Connection, kind: Kind) -> None:
    tables = TABLES[kind]
    metrics = [(column.name, column.sql_type) for column in tables.metrics]
    assert [name for name, _ in metrics] == list(metric_names(kind))
    samples = columns(connection, tables.samples)
    assert [name for name, _ in samples[:5]] == [*ENVELOPE, "resolution_seconds"]
    assert samples[5:] == metrics
    current = columns(connection, tables.current)
    groups = [f"{group}_at" for group in tables.groups]
    assert [name for name, _ in current[: 5 + len(groups)]] == [*ENVELOPE, "received_at", *groups]
    assert current[5 + len(groups) :] == metrics
    for width in BUCKET_SECONDS:
        expected = [("bucket", "timestamp with time zone"), *tables.rollup_key, ("samples", "bigint")]
        expected += [(name, sql_type) for name, sql_type, _ in tables.rollup_columns]
        assert columns(connection, tables.rollup(width)) == expected


@pytest.mark.db
def test_a_second_migration_does_nothing(database: str) -> None:
    assert migrate(database) == []
    with psycopg.connect(database) as connection:
        assert pending(connection) == []


@pytest.mark.db
def test_a_changed_migration_is_refused(database: str, tmp_path: Path) -> None:
    folder = shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    changed = folder / "0001_inventory.sql"
    changed.write_text(changed.read_text() + "\n-- a harmless word\n")
    with pytest.raises(MigrationError, match="0001_inventory was changed after it had been applied"):
        migrate(database, folder)


@pytest.mark.db
def test_a_database_of_a_newer_version_is_refused(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO schema_migrations (number, name, checksum) VALUES (9999, 'future', '')")
    with pytest.raises(MigrationError, match="9999_future, which this version does not know"):
        migrate(database)


@pytest.mark.db
def test_a_failing_migration_leaves_nothing_behind(postgres: EmbeddedPostgres, database: str, tmp_path: Path) -> None:
    folder = shutil.copytree(MIGRATIONS, tmp_path / "migrations")
    next_number = len(load("plain")) + 1
    (folder / f"{next_number:04d}_broken.sql").write_text("CREATE TABLE half (a integer); SELECT 1 / 0;")
    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(database, folder)
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)
        assert connection.execute("SELECT count(*) FROM schema_migrations").fetchone() == (next_number - 1,)


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["0001_a.sql", "0003_b.sql"], "not numbered 1 to 2 without gap"),
        (["0001_a.sql", "0001_b.sql"], "not numbered 1 to 2 without gap"),
        (["1_a.sql"], "not named NNNN_name"),
    ],
)
def test_misnumbered_files_are_refused(tmp_path: Path, names: list[str], complaint: str) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1;")
    with pytest.raises(MigrationError, match=complaint):
        load("plain", tmp_path)


def test_both_variants_have_the_same_numbers() -> None:
    assert [m.name for m in load("plain")] == [m.name for m in load("timescale")]


def test_a_database_that_is_away_says_so() -> None:
    with pytest.raises(DatabaseUnavailable):
        migrate("postgresql://nobody@127.0.0.1:1/nothing")


def test_every_migration_says_why_and_which_locks() -> None:
    for path in MIGRATIONS.glob("*.sql"):
        header = path.read_text().split("\n\n", 1)[0]
        assert "-- Why:" in header, path.name
        assert "-- Locks:" in header, path.name


@pytest.mark.db
def test_every_named_query_prepares(database: str) -> None:
    assert len(BLOCKS) > 40
    refused = []
    with psycopg.connect(database, autocommit=True) as connection:
        for room, stage in (("ingest", "stage_segments"), ("fleet", "stage_epochs"), ("roster", "stage_lessons")):
            connection.execute(Queries(Path(cloud.__file__).parent / room / "queries.sql")[stage])
        for path, block in BLOCKS:
            try:
                connection.execute(f"PREPARE checked AS {block.prepared}".encode())
                connection.execute("DEALLOCATE checked")
            except psycopg.Error as error:
                refused.append(f"{path.parent.name}/{path.name} {block.name}: {error}")
    assert refused == []


@pytest.mark.db
def test_every_composed_statement_prepares(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        for kind in KINDS:
            connection.execute(stage_sql(kind))
            connection.execute(
                sql.SQL("PREPARE {} AS {}").format(sql.Identifier(f"merge_{kind.value}"), merge_sql(kind))
            )
            for width in BUCKET_SECONDS:
                for statement in rollup_sql(kind, width):
                    connection.execute(statement, {"bucket": "2026-01-01", "end": "2026-01-02"})


def test_a_block_without_description_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "queries.sql"
    path.write_text("-- name: one\nSELECT 1;\n")
    with pytest.raises(CloudError, match="not described"):
        Queries(path)
