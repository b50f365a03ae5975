"""Brings a table in line with what it should hold: what differs is written in one upsert, what left is retired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Cursor
from psycopg.sql import SQL, Identifier

from cloud.inventory.models import TableChanges

Key = tuple[Any, ...]
Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """A table with the columns that an import writes, the key first."""

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    types: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every column written."""
        return (*self.key, *self.columns)


def merge(
    cursor: Cursor[Any],
    target: Target,
    before: Mapping[Key, tuple[Values, bool]],
    wanted: Mapping[Key, Values],
    leaving: Sequence[Key],
    at: datetime,
) -> TableChanges:
    """Write `wanted` rows that are new or differ, retire those `leaving`; return what changed.

    `before` holds values and whether it is retired, by key.
    """
    added = changed = unchanged = 0
    writes: list[Values] = []
    for key, values in wanted.items():
        known = before.get(key)
        if known is None or known[1]:
            added += 1
        elif known[0] != values:
            changed += 1
        else:
            unchanged += 1
            continue
        writes.append((*key, *values))
    if writes:
        _upsert(cursor, target, writes)
    gone = [key for key in leaving if key in before and not before[key][1]]
    if gone:
        condition = SQL(" AND ").join(SQL("{} = %s").format(Identifier(name)) for name in target.key)
        cursor.executemany(
            SQL("UPDATE {} SET retired_at = %s WHERE {}").format(Identifier(target.table), condition),
            [(at, *key) for key in gone],
        )
    return TableChanges(added, changed, len(gone), unchanged)


def _upsert(cursor: Cursor[Any], target: Target, rows: Sequence[Values]) -> None:
    stage = Identifier(f"stage_{target.table}")
    columns = SQL(", ").join(map(Identifier, target.names))
    table = Identifier(target.table)
    cursor.execute(SQL("DROP TABLE IF EXISTS pg_temp.{}").format(stage))
    cursor.execute(
        SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(stage, columns, table)
    )
    with cursor.copy(SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(stage, columns)) as copy:
        copy.set_types(target.types)
        for row in rows:
            copy.write_row(row)
    cursor.execute(
        SQL(
            "INSERT INTO {table} ({columns}) SELECT {columns} FROM {stage} ORDER BY {key}"
            " ON CONFLICT ({key}) DO UPDATE SET {update}, retired_at = NULL"
        ).format(
            table=table,
            columns=columns,
            stage=stage,
            key=SQL(", ").join(map(Identifier, target.key)),
            update=SQL(", ").join(SQL("{0} = EXCLUDED.{0}").format(Identifier(name)) for name in target.columns),
        )
    )
