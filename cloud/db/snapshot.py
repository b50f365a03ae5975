"""The schema of a migrated database as readable SQL, the same on every PostgreSQL version.

`schema.sql` is the sum of all migrations (plain variant), kept for people and compared by a test. pg_dump is not used:
its output differs between versions. Run `python -m cloud.db.snapshot DSN` to print it anew.
"""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg

SCHEMA_FILE = Path(__file__).parent / "schema.sql"

_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
    pg_get_expr(d.adbin, d.adrelid)
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
ORDER BY c.relname, a.attnum
"""
_CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'c', 'f')
ORDER BY conrelid::regclass::text, contype DESC, conname
"""
_INDEXES = """
SELECT tablename, indexdef
FROM pg_indexes AS i
WHERE schemaname = 'public'
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = i.indexname AND contype IN ('p', 'u'))
ORDER BY tablename, indexname
"""
_VIEWS = """
SELECT viewname, definition
FROM pg_views
WHERE schemaname = 'public'
ORDER BY viewname
"""


def snapshot(connection: psycopg.Connection) -> str:
    """Return all tables with their constraints and indexes, then all views, sorted by name."""
    tables: dict[str, list[str]] = {}
    for table, name, sql_type, not_null, identity, default in connection.execute(_COLUMNS):
        line = f"    {name} {sql_type}"
        if not_null:
            line += " NOT NULL"
        if identity:
            line += " GENERATED ALWAYS AS IDENTITY"
        if default is not None:
            line += f" DEFAULT {default}"
        tables.setdefault(table, []).append(line)
    for table, name, definition in connection.execute(_CONSTRAINTS):
        tables[table].append(f"    CONSTRAINT {name} {definition}")
    indexes: dict[str, list[str]] = {}
    for table, definition in connection.execute(_INDEXES):
        indexes.setdefault(table, []).append(definition.replace("public.", "") + ";")
    parts = [
        "-- The sum of all migrations, plain variant. Written by cloud/db/snapshot.py, compared by a test; do not edit."
    ]
    for table, lines in tables.items():
        parts.append("\n".join([f"CREATE TABLE {table} (", ",\n".join(lines), ");", *indexes.get(table, [])]))
    for view, definition in connection.execute(_VIEWS):
        parts.append(f"CREATE VIEW {view} AS\n{definition}")
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    with psycopg.connect(sys.argv[1]) as _connection:
        sys.stdout.write(snapshot(_connection))
