"""The database: migrations, named SQL and connections. No tables of its own beyond `schema_migrations`."""

from __future__ import annotations

from cloud.db.migrate import migrate, require_schema, wait_for_schema
from cloud.db.pool import Pool, connect, create_pool, open_pool, wait_for_database
from cloud.db.queries import Queries

__all__ = [
    "Pool",
    "Queries",
    "connect",
    "create_pool",
    "migrate",
    "open_pool",
    "require_schema",
    "wait_for_database",
    "wait_for_schema",
]
