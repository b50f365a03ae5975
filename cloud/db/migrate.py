"""Numbered SQL migrations, applied once each, in order, each in its own transaction.

A file is `NNNN_name.sql`, or comes in two variants `NNNN_name.plain.sql` and `NNNN_name.timescale.sql` of which the
database gets the one that fits: TimescaleDB when the extension is installed or can be created, plain SQL otherwise. The
choice is made at the first migration and kept for the life of the database.

Invariants: an applied file never changes (its SHA-256 is recorded and compared); two processes that migrate at once
take turns (an advisory lock). psycopg sends each file as one multi-statement query without parameters.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import psycopg
import structlog

from cloud.errors import DatabaseUnavailable, MigrationError

MIGRATIONS = Path(__file__).parent / "migrations"
Variant = Literal["plain", "timescale"]

_FILE = re.compile(r"^(?P<number>\d{4})_(?P<name>[a-z0-9_]+)(\.(?P<variant>plain|timescale))?\.sql$")
_LOCK_KEY = 0x62656C6C
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration file; `variant` is None when it serves both."""

    number: int
    name: str
    variant: Variant | None
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the file's text."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load(variant: Variant, folder: Path = MIGRATIONS) -> list[Migration]:
    """Return the migrations of a variant in order.

    Raises:
        MigrationError: a misnamed file, a number used twice, or a gap in the numbers.
    """
    migrations: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE.match(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: not named NNNN_name.sql or NNNN_name.(plain|timescale).sql")
        if match["variant"] in (None, variant):
            migrations.append(
                Migration(
                    int(match["number"]),
                    match["name"],
                    cast("Variant | None", match["variant"]),
                    path.read_text("utf-8"),
                )
            )
    numbers = [migration.number for migration in migrations]
    if numbers != list(range(1, len(numbers) + 1)):
        raise MigrationError(f"migrations are not numbered 1 to {len(numbers)} without gap: {numbers}")
    return migrations


def migrate(dsn: str, folder: Path = MIGRATIONS) -> list[str]:
    """Bring the database to this version's schema; return the names of the migrations applied now.

    Raises:
        DatabaseUnavailable: no connection; try again later.
        MigrationError: an applied migration was changed, or the database is newer than this program.
    """
    try:
        connection = psycopg.connect(dsn, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(str(error).strip()) from error
    with connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK_KEY])
        try:
            return _migrate(connection, dsn, folder)
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK_KEY])


def variant_of(connection: psycopg.Connection) -> Variant:
    """Return which variant a migrated database has."""
    row = connection.execute("SELECT DISTINCT variant FROM schema_migrations WHERE variant IS NOT NULL").fetchone()
    return "timescale" if row == ("timescale",) else "plain"


def pending(connection: psycopg.Connection, folder: Path = MIGRATIONS) -> list[str]:
    """Return the names of migrations not yet applied; empty when the schema is this version's."""
    row = connection.execute("SELECT to_regclass('schema_migrations') IS NOT NULL").fetchone()
    applied = set()
    variant: Variant = "plain"
    if row == (True,):
        applied = {number for (number,) in connection.execute("SELECT number FROM schema_migrations")}
        variant = variant_of(connection)
    return [f"{m.number:04d}_{m.name}" for m in load(variant, folder) if m.number not in applied]


def _migrate(connection: psycopg.Connection, dsn: str, folder: Path) -> list[str]:
    connection.execute(
        """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            number integer PRIMARY KEY,
            name text NOT NULL,
            variant text,
            checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        )
        """
    )
    applied = {
        number: (name, checksum)
        for number, name, checksum in connection.execute("SELECT number, name, checksum FROM schema_migrations")
    }
    variant = variant_of(connection) if applied else _choose_variant(connection, dsn)
    migrations = load(variant, folder)
    for number, (name, checksum) in applied.items():
        if number > len(migrations):
            raise MigrationError(f"the database has migration {number:04d}_{name}, which this version does not know")
        if migrations[number - 1].checksum != checksum:
            raise MigrationError(f"migration {number:04d}_{name} was changed after it had been applied")
    done: list[str] = []
    for migration in migrations:
        if migration.number in applied:
            continue
        with connection.transaction():
            connection.execute(migration.sql.encode())
            connection.execute(
                "INSERT INTO schema_migrations (number, name, variant, checksum) VALUES (%s, %s, %s, %s)",
                [migration.number, migration.name, migration.variant, migration.checksum],
            )
        done.append(f"{migration.number:04d}_{migration.name}")
        _log.info("migration_applied", migration=done[-1], variant=migration.variant or "both")
    return done


def _choose_variant(connection: psycopg.Connection, dsn: str) -> Variant:
    row = connection.execute(
        "SELECT installed_version IS NOT NULL FROM pg_available_extensions WHERE name = 'timescaledb'"
    ).fetchone()
    if row is None:
        return "plain"
    if row == (False,):
        try:
            # On a connection of its own: a server that does not preload the library ends the session that asks for it.
            with psycopg.connect(dsn, autocommit=True, connect_timeout=10) as trial:
                trial.execute("CREATE EXTENSION timescaledb")
        except psycopg.Error as error:
            _log.warning("timescaledb_not_usable", reason=str(error).strip())
            return "plain"
    return "timescale"


def require_schema(dsn: str) -> None:
    """Return when the database answers and has this version's schema.

    Raises:
        DatabaseUnavailable: no connection; try again later.
        MigrationError: migrations are missing.
    """
    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=10) as connection:
            missing = pending(connection)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(str(error).strip()) from error
    if missing:
        raise MigrationError(f"migrations not applied: {', '.join(missing)}")


async def wait_for_schema(dsn: str, *, retry_seconds: float = 2.0) -> None:
    """Return when the database answers and has this version's schema; say once what it waits for."""
    told = ""
    while True:
        reason, hint = await asyncio.to_thread(_why_not_ready, dsn)
        if not reason:
            if told:
                _log.info("database_ready")
            return
        if reason != told:
            _log.warning("database_not_ready", reason=reason, hint=hint)
            told = reason
        await asyncio.sleep(retry_seconds)


def _why_not_ready(dsn: str) -> tuple[str, str]:
    try:
        require_schema(dsn)
    except (DatabaseUnavailable, MigrationError) as error:
        return str(error), error.hint
    return "", ""
