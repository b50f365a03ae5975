"""Writes samples and current values: COPY for the one, a guarded upsert for the other.

Both run inside the transaction of ingest's batch. Current values are staged in a temporary table of the connection and
merged in the order of their key, so that two workers lock rows in the same order and cannot deadlock. Newest wins by
`corrected_at`, whatever lane a row came on; a link's counters and probes each win on their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg import AsyncConnection, AsyncCopy, AsyncCursor
from psycopg.sql import SQL, Composed, Identifier

from cloud.telemetry.tables import KINDS, TABLES, KindTables
from protocols.samples import Kind

_ENVELOPE = ("thing_id", "agent_id", "observed_at", "corrected_at")
_SAMPLE_TYPES = ["int4", "int4", "int8", "int8", "int2"]
_CURRENT_TYPES = ["int4", "int4", "int8", "int8", "int8"]


def _current_columns(tables: KindTables) -> list[str]:
    groups = [f"{group}_at" for group in tables.groups]
    return [*_ENVELOPE, "received_at", *groups, *(column.name for column in tables.metrics)]


def _names(names: Iterable[str]) -> Composed:
    return SQL(", ").join(Identifier(name) for name in names)


def _copy_sql(table: str, columns: Iterable[str]) -> Composed:
    return SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(Identifier(table), _names(columns))


def stage_sql(kind: Kind) -> Composed:
    """Return the statement that makes a connection's stage for the current values of a kind."""
    return SQL("CREATE TEMP TABLE {} (LIKE {}) ON COMMIT DELETE ROWS").format(
        Identifier(f"stage_{TABLES[kind].current}"), Identifier(TABLES[kind].current)
    )


def merge_sql(kind: Kind) -> Composed:
    """Return the statement that merges the stage into the current table of a kind, newest wins."""
    tables = TABLES[kind]
    columns = _current_columns(tables)
    if tables.groups:
        update, condition = _grouped_update(tables)
    else:
        update = SQL(", ").join(
            SQL("{0} = EXCLUDED.{0}").format(Identifier(name)) for name in columns if name not in tables.current_key
        )
        condition = SQL(" WHERE EXCLUDED.corrected_at > {}.corrected_at").format(Identifier(tables.current))
    return SQL(
        "INSERT INTO {current} ({columns}) SELECT {columns} FROM {stage} ORDER BY {key}"
        " ON CONFLICT ({key}) DO UPDATE SET {update}{condition}"
    ).format(
        current=Identifier(tables.current),
        columns=_names(columns),
        stage=Identifier(f"stage_{tables.current}"),
        key=_names(tables.current_key),
        update=update,
        condition=condition,
    )


def _grouped_update(tables: KindTables) -> tuple[Composed, Composed]:
    current = Identifier(tables.current)

    def when(guard: str, name: str) -> Composed:
        return SQL(
            "{name} = CASE WHEN EXCLUDED.{guard} > COALESCE({current}.{guard}, '-infinity')"
            " THEN EXCLUDED.{name} ELSE {current}.{name} END"
        ).format(name=Identifier(name), guard=Identifier(guard), current=current)

    parts = [when("corrected_at", name) for name in ("agent_id", "observed_at", "received_at", "corrected_at")]
    for group, metrics in tables.groups.items():
        parts += [when(f"{group}_at", name) for name in (*metrics, f"{group}_at")]
    return SQL(", ").join(parts), SQL("").format()


async def write_rows(copy: AsyncCopy, rows: Iterable[tuple[Any, ...]]) -> None:
    """Do what `await copy.write_row(row)` does, without a coroutine per row, which costs as much as the row."""
    format_row = copy.formatter.write_row
    for row in rows:
        if data := format_row(row):
            await copy.writer.write(data)


class TelemetryWriter:
    """The statements of every kind, composed once."""

    def __init__(self) -> None:
        self._copy_samples = {
            kind: _copy_sql(
                TABLES[kind].samples,
                [*_ENVELOPE, "resolution_seconds", *(column.name for column in TABLES[kind].metrics)],
            )
            for kind in KINDS
        }
        self._sample_types = {
            kind: [*_SAMPLE_TYPES, *(column.copy_type for column in TABLES[kind].metrics)] for kind in KINDS
        }
        self._copy_current = {
            kind: _copy_sql(f"stage_{TABLES[kind].current}", _current_columns(TABLES[kind])) for kind in KINDS
        }
        self._current_types = {
            kind: [
                *_CURRENT_TYPES,
                *["int8"] * len(TABLES[kind].groups),
                *(column.copy_type for column in TABLES[kind].metrics),
            ]
            for kind in KINDS
        }
        self._merge = {kind: merge_sql(kind) for kind in KINDS}

    @staticmethod
    async def prepare(connection: AsyncConnection) -> None:
        """Make the stages of a connection; once per connection."""
        for kind in KINDS:
            await connection.execute(stage_sql(kind))

    async def copy_samples(self, cursor: AsyncCursor[Any], kind: Kind, rows: Iterable[tuple[Any, ...]]) -> None:
        """Copy rows (thing, agent, observed, corrected, resolution, metrics); times in microseconds since 2000."""
        async with cursor.copy(self._copy_samples[kind]) as copy:
            copy.set_types(self._sample_types[kind])
            await write_rows(copy, rows)

    async def merge_current(self, cursor: AsyncCursor[Any], kind: Kind, rows: Iterable[tuple[Any, ...]]) -> None:
        """Merge rows (thing, agent, observed, corrected, received, group times, metrics) into the current table."""
        async with cursor.copy(self._copy_current[kind]) as copy:
            copy.set_types(self._current_types[kind])
            await write_rows(copy, rows)
        await cursor.execute(self._merge[kind])
