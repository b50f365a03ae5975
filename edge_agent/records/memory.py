"""The ids of records that this agent took, with fingerprints and xAPI statements: a SQLite file beside the spool.

It is written after the spool's commit, so a crash between the two forgets an id and the centre is the one that finds
the duplicate; the other order would lose a record. The oldest are forgotten beyond `MAX_IDS`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

MAX_IDS = 500_000
"""About a week of a large school's records (72,000 a day)."""
_TRIM_EVERY = 5_000


class Known(NamedTuple):
    """What is remembered of a record."""

    fingerprint: bytes
    statement: bytes | None


class RecordMemory:
    """Ids and fingerprints. One thread at a time; `open` and `close` do the work."""

    def __init__(self, path: Path, max_ids: int = MAX_IDS) -> None:
        self._path = path
        self._max_ids = max_ids
        self._db: sqlite3.Connection | None = None
        self._since_trim = 0

    def open(self) -> None:
        """Open the file; one that cannot be read is begun anew, for the centre recognises what comes again."""
        try:
            self._db = self._connect()
        except sqlite3.DatabaseError:
            self._path.unlink(missing_ok=True)
            self._db = self._connect()

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute(
                "CREATE TABLE IF NOT EXISTS taken"
                " (place INTEGER PRIMARY KEY, record_id TEXT NOT NULL UNIQUE, fingerprint BLOB NOT NULL,"
                " statement BLOB) STRICT"
            )
        except sqlite3.DatabaseError:
            db.close()
            raise
        return db

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def find(self, record_ids: Iterable[str]) -> dict[str, Known]:
        """Return what is known of those ids that were taken before."""
        assert self._db is not None
        found: dict[str, Known] = {}
        for record_id in record_ids:
            row = self._db.execute(
                "SELECT fingerprint, statement FROM taken WHERE record_id = ?", (record_id,)
            ).fetchone()
            if row is not None:
                found[record_id] = Known(*row)
        return found

    def remember(self, fingerprints: dict[str, bytes], statements: Mapping[str, bytes]) -> None:
        """Remember ids, forgetting the oldest beyond the limit."""
        assert self._db is not None
        with self._db:
            self._db.executemany(
                "INSERT OR IGNORE INTO taken (record_id, fingerprint, statement) VALUES (?, ?, ?)",
                [(key, said, statements.get(key)) for key, said in fingerprints.items()],
            )
            self._since_trim += len(fingerprints)
            if self._since_trim >= _TRIM_EVERY:
                self._since_trim = 0
                self._db.execute(
                    "DELETE FROM taken WHERE place <= (SELECT MAX(place) FROM taken) - ?", (self._max_ids,)
                )
