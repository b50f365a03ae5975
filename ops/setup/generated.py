"""Documents that are written from the code: write them anew, or with `--check` say which no longer match.

The database schema is made by a real PostgreSQL from the migrations. The console's types are made and checked by npm,
from `docs/openapi.json`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import psycopg

from cloud.api import openapi
from cloud.db import migrate, snapshot
from ops.embedded import EmbeddedPostgres
from protocols import asyncapi

ROOT = Path(__file__).parents[2]


def schema() -> str:
    """Return the sum of all migrations as SQL."""
    with tempfile.TemporaryDirectory(prefix="bellwether-") as folder:
        home = Path(folder)
        home.chmod(0o711)
        with EmbeddedPostgres(home, durable=False) as server:
            migrate(server.dsn)
            with psycopg.connect(server.dsn) as connection:
                return snapshot.snapshot(connection)


DOCUMENTS: dict[str, Callable[[], str]] = {
    "docs/asyncapi.json": asyncapi.render,
    "docs/openapi.json": openapi.text,
    "cloud/db/schema.sql": schema,
}


def main(arguments: list[str]) -> int:
    """Write or check every document and return the exit code."""
    drifted = []
    for name, make in DOCUMENTS.items():
        path, text = ROOT / name, make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        drifted.append(name)
        if "--check" not in arguments:
            path.write_text(text, encoding="utf-8")
    word = "does not match the code (make fmt writes it)" if "--check" in arguments else "written"
    sys.stderr.write("".join(f"{name}: {word}\n" for name in drifted))
    return 1 if drifted and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
