"""The inventory's tables: read whole, changed by COPY into a stage and one upsert per table."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg import Cursor
from psycopg.sql import SQL, Identifier

from cloud.db.queries import Queries
from cloud.sheets.models import Row, Table

QUERIES = Queries(Path(__file__).with_name("queries.sql"))


def existing(cursor: Cursor[Any], table: Table) -> dict[Row, tuple[Row, int, bool]]:
    """Return every row by key: its values, its position, and whether it is retired."""
    cursor.execute(
        SQL("SELECT {}, position, retired_at IS NOT NULL FROM {}").format(
            SQL(", ").join(map(Identifier, table.column_names)), Identifier(table.name)
        )
    )
    return {table.key_of(row): (row[:-2], row[-2], row[-1]) for row in cursor.fetchall()}


def upsert(cursor: Cursor[Any], table: Table, rows: Iterable[tuple[Row, int]]) -> None:
    """Insert or overwrite rows with their positions; a retired one returns."""
    names = [*table.column_names, "position"]
    stage = Identifier(f"stage_{table.name}")
    columns = SQL(", ").join(map(Identifier, names))
    cursor.execute(
        SQL("CREATE TEMP TABLE {stage} ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA").format(
            stage=stage, columns=columns, table=Identifier(table.name)
        )
    )
    with cursor.copy(SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(stage, columns)) as copy:
        copy.set_types([*(column.copy_type for column in table.columns), "int4"])
        for row, position in rows:
            copy.write_row((*row, position))
    cursor.execute(
        SQL(
            "INSERT INTO {table} ({columns}) SELECT {columns} FROM {stage} ORDER BY {key}"
            " ON CONFLICT ({key}) DO UPDATE SET {update}, retired_at = NULL"
        ).format(
            table=Identifier(table.name),
            columns=columns,
            stage=stage,
            key=SQL(", ").join(map(Identifier, table.key)),
            update=SQL(", ").join(
                SQL("{0} = EXCLUDED.{0}").format(Identifier(name)) for name in names if name not in table.key
            ),
        )
    )


def retire(cursor: Cursor[Any], table: Table, keys: Iterable[Row], at: datetime) -> None:
    """Mark rows that left the folder."""
    condition = SQL(" AND ").join(SQL("{} = %s").format(Identifier(name)) for name in table.key)
    cursor.executemany(
        SQL("UPDATE {} SET retired_at = %s WHERE {}").format(Identifier(table.name), condition),
        [(at, *key) for key in keys],
    )


def keep_history(cursor: Cursor[Any], at: datetime) -> None:
    """Note what changed since the history was last kept; what did not keeps its row."""
    cursor.execute(QUERIES["end_history"], {"at": at})
    cursor.execute(QUERIES["begin_history"], {"at": at})


def claim_things(cursor: Cursor[Any], at: datetime) -> int:
    """Bring things and unknown agents in line with the inventory; return how many things became claimed."""
    cursor.execute(QUERIES["claim_things"], {"at": at})
    claimed = sum(bool(row[0]) for row in cursor.fetchall())
    cursor.execute(QUERIES["forget_known_agents"])
    return claimed
