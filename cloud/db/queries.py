"""Named SQL: `.sql` files of described blocks, one file per domain, values only as parameters.

A block begins with `-- name: some_name` and one or more `-- ` lines that say what it does. Parameters are psycopg's
`%(name)s`. A test PREPAREs every block of every file against the migrated schema.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

from psycopg.sql import SQL

from cloud.errors import CloudError

_NAME = re.compile(r"^-- name: ([a-z][a-z0-9_]*)$", re.MULTILINE)
_PARAMETER = re.compile(r"%\(([a-z_]+)\)s")


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """One described statement."""

    name: str
    description: str
    text: LiteralString

    @property
    def sql(self) -> SQL:
        """The statement as psycopg takes it; the text comes from our own files only."""
        return SQL(self.text)

    @property
    def prepared(self) -> str:
        """The statement with `$n` in place of named parameters, as PREPARE wants it."""
        numbers: dict[str, int] = {}
        return _PARAMETER.sub(lambda match: f"${numbers.setdefault(match[1], len(numbers) + 1)}", self.text).replace(
            "%%", "%"
        )


class Queries:
    """The named statements of one file: `queries["insert_segment"]`."""

    def __init__(self, path: Path) -> None:
        parts = _NAME.split(path.read_text("utf-8"))
        self._queries: dict[str, SQL] = {}
        self.blocks: list[NamedQuery] = []
        for name, body in zip(parts[1::2], parts[2::2], strict=True):
            lines = body.strip().splitlines()
            description = [line[3:] for line in lines if line.startswith("-- ")]
            text = "\n".join(line for line in lines if not line.startswith("-- ")).rstrip().rstrip(";")
            if not description or not text or name in self._queries:
                raise CloudError(f"{path.name}: block {name!r} is empty, not described or named twice")
            query = NamedQuery(name, " ".join(description), text)
            self.blocks.append(query)
            self._queries[name] = query.sql

    def __getitem__(self, name: str) -> SQL:
        return self._queries[name]
