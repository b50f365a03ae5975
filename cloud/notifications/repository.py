"""The statements of notifications."""

from __future__ import annotations

from pathlib import Path

from cloud.db.queries import Queries

QUERIES = Queries(Path(__file__).with_name("queries.sql"))
