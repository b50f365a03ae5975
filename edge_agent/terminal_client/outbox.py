"""A terminal's outbox: what its pupil made, on disk before the app goes on, until an agent has it on its own.

One SQLite file per terminal. A record leaves only with an agent's 200 or 201, which mean that it is on that agent's
disk, or when an agent refuses it for good (409, 422): then it is kept as refused with the reason and counted,
never dropped.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from protocols.records import RecordBody

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(RecordBody)


class Waiting(Struct, frozen=True, kw_only=True):
    """What is not safe yet: records not sent, since when, and records refused."""

    unsent: int
    oldest_at_ms: int | None
    refused: int


class Refused(Struct, frozen=True, kw_only=True):
    """A record that an agent will not take, with its reason."""

    record: RecordBody
    reason: str


class Outbox:
    """Records of one terminal. `path` is a file; calls block for one disk write."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS outbox ("
            " place INTEGER PRIMARY KEY, record_id TEXT NOT NULL UNIQUE, made_at_ms INTEGER NOT NULL,"
            " body BLOB NOT NULL, refused TEXT) STRICT"
        )

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add(self, record: RecordBody) -> None:
        """Keep a record; when this returns it is on disk. The same id twice changes nothing."""
        self._db.execute(
            "INSERT OR IGNORE INTO outbox (record_id, made_at_ms, body) VALUES (?, ?, ?)",
            (record.record_id, record.observed_at_ms, _encoder.encode(record)),
        )

    def oldest(self, limit: int) -> list[RecordBody]:
        """Return up to `limit` records that wait, oldest first."""
        rows = self._db.execute("SELECT body FROM outbox WHERE refused IS NULL ORDER BY place LIMIT ?", (limit,))
        return [_decoder.decode(body) for (body,) in rows]

    def sent(self, record_ids: Sequence[str]) -> None:
        """Let go of records that an agent has on its disk."""
        self._db.execute("BEGIN")
        self._db.executemany("DELETE FROM outbox WHERE record_id = ?", [(one,) for one in record_ids])
        self._db.execute("COMMIT")

    def refuse(self, record_id: str, reason: str) -> None:
        """Set a record aside that an agent will never take."""
        self._db.execute("UPDATE outbox SET refused = ? WHERE record_id = ?", (reason, record_id))

    def refused(self) -> list[Refused]:
        """Return what was set aside."""
        rows = self._db.execute("SELECT body, refused FROM outbox WHERE refused IS NOT NULL ORDER BY place")
        return [Refused(record=_decoder.decode(body), reason=reason) for body, reason in rows]

    def waiting(self) -> Waiting:
        """Return what is not safe yet."""
        unsent, oldest, refused = self._db.execute(
            "SELECT count(*) FILTER (WHERE refused IS NULL), min(made_at_ms) FILTER (WHERE refused IS NULL),"
            " count(*) FILTER (WHERE refused IS NOT NULL) FROM outbox"
        ).fetchone()
        return Waiting(unsent=unsent, oldest_at_ms=oldest, refused=refused)
