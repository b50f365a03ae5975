"""Imports a district folder: everything or nothing, the second time without effect.

The folder is read and checked before the database is touched. Then one transaction compares every table with it, writes
what differs, retires what left, notes both in the history that the time machine reads, and claims the things that
telemetry had met before. A dry run does the same and rolls back, so that what it reports is what an import would do.

A folder that lacks a large share of what exists is refused: a truncated export or another district's folder would
otherwise retire half a district, whose agents then count as unknown.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import structlog

from cloud.db import require_schema
from cloud.errors import DatabaseUnavailable, InventoryRefused
from cloud.inventory import repository
from cloud.inventory.folder import read_folder
from cloud.inventory.models import TABLES, Folder, ImportReport
from cloud.sheets.models import Row, Table, TableChanges

_log = structlog.get_logger(__name__)


class InventoryShrinks(InventoryRefused):
    """The folder would retire a large share of what exists; `report` tells what an import would have changed."""

    hint = (
        "Is it the right folder, and complete? `--dry-run` shows what would change;"
        " if what is missing is really gone, import with `--retire`."
    )
    exit_code = 2

    def __init__(self, report: ImportReport) -> None:
        losses = ", ".join(
            f"{report.changes[name].retired:,} of {report.changes[name].before:,} {name}" for name in report.shrinking
        )
        super().__init__(f"{report.folder}: would retire {losses}; nothing was imported")
        self.report = report


def import_folder(dsn: str, folder: Path, *, dry_run: bool = False, retire: bool = False) -> ImportReport:
    """Import a folder and return what changed; `retire` accepts that a large share of what exists may be retired.

    Raises:
        InventoryProblems: nothing was imported; every problem is in it.
        InventoryShrinks: nothing was imported; a large share would be retired, and `retire` was not given.
        DatabaseUnavailable: nothing was imported; try again later.
        MigrationError: nothing was imported; the database lacks this version's schema.
    """
    content = read_folder(folder)
    require_schema(dsn)
    try:
        with psycopg.connect(dsn, connect_timeout=10) as connection:
            report = _import(connection, content, str(folder), dry_run)
            if report.shrinking and not retire:
                raise InventoryShrinks(report)
            if dry_run:
                connection.rollback()
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(str(error).strip()) from error
    total = report.total
    _log.info("inventory_imported", dry_run=dry_run, added=total.added, changed=total.changed, retired=total.retired)
    return report


def _import(connection: psycopg.Connection, content: Folder, folder: str, dry_run: bool) -> ImportReport:
    at = datetime.now(UTC)
    changes: dict[str, TableChanges] = {}
    with connection.cursor() as cursor:
        cursor.execute(repository.QUERIES["lock"])
        for table in TABLES:
            changes[table.name] = _import_table(cursor, table, content.rows[table.name], at)
        repository.keep_history(cursor, at)
        claimed = repository.claim_things(cursor, at)
        report = ImportReport(folder, dry_run, changes, claimed)
        total = report.total
        if total.added or total.changed or total.retired:
            cursor.execute(
                repository.QUERIES["record_import"],
                {
                    "at": at,
                    "folder": folder,
                    "added": total.added,
                    "changed": total.changed,
                    "retired": total.retired,
                },
            )
            message = msgspec.json.encode({"source": "inventory"}).decode()
            cursor.execute(repository.QUERIES["notify"], {"message": message})
    return report


def _import_table(cursor: psycopg.Cursor[Any], table: Table, rows: list[Row], at: datetime) -> TableChanges:
    before = repository.existing(cursor, table)
    added = changed = 0
    writes: list[tuple[Row, int]] = []
    for position, row in enumerate(rows, start=1):
        known = before.pop(table.key_of(row), None)
        if known is None or known[2]:
            added += 1
        elif known[0] != row:
            changed += 1
        elif known[1] == position:
            continue
        writes.append((row, position))
    retired = [key for key, (_, _, is_retired) in before.items() if not is_retired]
    if writes:
        repository.upsert(cursor, table, writes)
    if retired:
        repository.retire(cursor, table, retired, at)
    return TableChanges(added, changed, len(retired), len(rows) - added - changed)
