"""The ids of records that this agent took, with fingerprints and xAPI statements: a SQLite file beside the spool.

It is written after the spool's commit, so a crash between the two forgets an id and the centre is the one that finds
the duplicate; the other order would lose a record. The oldest are forgotten beyond `MAX_IDS`.

The file is a convenience, never a reason not to serve. A damaged one is set aside and begun anew. One that cannot be
opened just now (a full disk, a lock) is left as it is and tried again; until then nothing is known or remembered, and
the centre recognises what comes again. Statements are sealed with the agent's key; one that cannot be opened, because
the key was lost, counts as none.

Layout 3 (PRAGMA user_version). Layout 1, version 0, had neither `subject` nor `sealed`; what it holds is sealed when it
is opened with a key. Layout 2 did not note the files that records refer to.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

from edge_agent.cipher import Cipher
from edge_agent.errors import EdgeError
from edge_agent.records.xapi import Statement
from edge_agent.spool.errors import SpoolCorrupt, translate

MAX_IDS = 500_000
"""About a week of a large school's records (72,000 a day)."""
LAYOUT = 3
RETRY_SECONDS = 10.0
_TRIM_EVERY = 5_000
_LOCK_SECONDS = 0.5
_FORGOTTEN = b""
_SEAL_AT_ONCE = 500
_PLAIN = "SELECT place, statement FROM taken WHERE NOT sealed AND statement IS NOT NULL ORDER BY place LIMIT ?"

log = structlog.get_logger(__name__)


class Known(NamedTuple):
    """What is remembered of a record."""

    fingerprint: bytes
    statement: bytes | None

    @property
    def forgotten(self) -> bool:
        """Whether an erasure took everything but the id, so that what comes again is known whatever it says."""
        return self.fingerprint == _FORGOTTEN


class Remembered(NamedTuple):
    """A record to be remembered."""

    record_id: str
    subject: str | None
    fingerprint: bytes
    statement: bytes | None = None
    files: tuple[str, ...] = ()


class Forgotten(NamedTuple):
    """What an erasure found: how many records, and the SHA-256 of files that only they referred to."""

    records: int
    files: list[str]


class RecordMemory:
    """Ids and fingerprints. One thread at a time; `open` and `close` do the work."""

    def __init__(
        self,
        path: Path,
        max_ids: int = MAX_IDS,
        cipher: Cipher | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._max_ids = max_ids
        self._cipher = cipher
        self._monotonic = monotonic
        self._db: sqlite3.Connection | None = None
        self._retry_at = 0.0
        self._since_trim = 0

    def open(self) -> None:
        """Open the file, or leave it for later when it cannot be opened now; never fails."""
        try:
            self._db = self._connect()
        except sqlite3.Error as error:
            if isinstance(translate(error), SpoolCorrupt):
                self._begin_anew(error)
            else:
                self._retry_at = self._monotonic() + RETRY_SECONDS
                log.warning("record_memory_not_opened", file=str(self._path), reason=str(error))

    def _begin_anew(self, reason: sqlite3.Error) -> None:
        self.close()
        log.error("record_memory_damaged", file=str(self._path), reason=str(reason))
        try:
            # The log first: an old one beside a new file would be played into it.
            for suffix in ("-wal", "-shm", ""):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            self._db = self._connect()
        except (OSError, sqlite3.Error) as error:
            self._retry_at = self._monotonic() + RETRY_SECONDS
            log.warning("record_memory_not_opened", file=str(self._path), reason=str(error))

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, check_same_thread=False, timeout=_LOCK_SECONDS)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA secure_delete = ON")
            _bring_up_to_date(db)
            if self._cipher is not None:
                _seal_plain(db, self._cipher.seal)
        except sqlite3.Error:
            db.close()
            raise
        return db

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def find(self, record_ids: Iterable[str]) -> dict[str, Known]:
        """Return what is known of those ids that were taken before; nothing when the file cannot be read now."""
        try:
            return self._find(self._opened(), record_ids)
        except sqlite3.Error as error:
            self._failed(error)
            return {}

    def _find(self, db: sqlite3.Connection, record_ids: Iterable[str]) -> dict[str, Known]:
        found: dict[str, Known] = {}
        for record_id in record_ids:
            row = db.execute(
                "SELECT fingerprint, statement, sealed FROM taken WHERE record_id = ?", (record_id,)
            ).fetchone()
            if row is not None:
                fingerprint, statement, sealed = row
                found[record_id] = Known(fingerprint, self._unsealed(statement) if sealed else statement)
        return found

    def _unsealed(self, statement: bytes | None) -> bytes | None:
        if statement is None or self._cipher is None:
            return None
        try:
            return self._cipher.open(statement)
        except EdgeError as error:
            log.warning("kept_statement_unreadable", reason=str(error))
            return None

    def _kept(self, statement: bytes | None) -> bytes | None:
        """Return a statement as it is kept; none without the key that should seal it."""
        if statement is None or self._cipher is None:
            return statement
        try:
            return self._cipher.seal(statement)
        except EdgeError as error:
            log.warning("statement_not_kept", reason=str(error))
            return None

    def remember(self, records: Sequence[Remembered]) -> None:
        """Remember records, forgetting the oldest beyond the limit.

        Raises:
            sqlite3.Error: nothing was remembered.
        """
        sealed = int(self._cipher is not None)
        rows = [(one.record_id, one.subject, one.fingerprint, self._kept(one.statement), sealed) for one in records]
        try:
            with self._opened() as db:
                db.executemany(
                    "INSERT OR IGNORE INTO taken (record_id, subject, fingerprint, statement, sealed)"
                    " VALUES (?, ?, ?, ?, ?)",
                    rows,
                )
                db.executemany(
                    "INSERT OR IGNORE INTO files (sha256, place) SELECT ?, place FROM taken WHERE record_id = ?",
                    [(sha256, one.record_id) for one in records for sha256 in one.files],
                )
                self._since_trim += len(rows)
                if self._since_trim >= _TRIM_EVERY:
                    self._since_trim = 0
                    db.execute("DELETE FROM taken WHERE place <= (SELECT MAX(place) FROM taken) - ?", (self._max_ids,))
                    db.execute("DELETE FROM files WHERE place < (SELECT MIN(place) FROM taken)")
        except sqlite3.Error as error:
            self._failed(error)
            raise

    def forget(self, subject: str, record_ids: Sequence[str] = ()) -> Forgotten:
        """Keep of a person's records, or of those that are named, only the id; return what there was.

        The id stays, so that what an app sends again is not stored again.

        Raises:
            sqlite3.Error: nothing was forgotten.
        """
        whose, values = ("record_id", record_ids) if record_ids else ("subject", [subject])
        try:
            with self._opened() as db:
                found = [_forget(db, whose, value) for value in values]
            # What was overwritten is gone only once the log is.
            self._opened().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            self._failed(error)
            raise
        return Forgotten(sum(one.records for one in found), [sha256 for one in found for sha256 in one.files])

    def _opened(self) -> sqlite3.Connection:
        if self._db is None and self._monotonic() >= self._retry_at:
            self.open()
        if self._db is None:
            raise sqlite3.OperationalError(f"{self._path.name} cannot be opened at the moment")
        return self._db

    def _failed(self, error: sqlite3.Error) -> None:
        if self._db is not None:
            if isinstance(translate(error), SpoolCorrupt):
                self._begin_anew(error)
            else:
                log.warning("record_memory_failed", file=str(self._path), reason=str(error))


def _forget(db: sqlite3.Connection, whose: str, value: str) -> Forgotten:
    """Forget the records of which the column `whose` has a value."""
    places = f"SELECT place FROM taken WHERE {whose} = ?"  # noqa: S608
    files = db.execute(
        f"SELECT DISTINCT sha256 FROM files WHERE place IN ({places}) AND NOT EXISTS (SELECT 1 FROM files AS others"  # noqa: S608
        f" WHERE others.sha256 = files.sha256 AND others.place NOT IN ({places}))",
        (value, value),
    ).fetchall()
    db.execute(f"DELETE FROM files WHERE place IN ({places})", (value,))  # noqa: S608
    records = db.execute(
        f"UPDATE taken SET fingerprint = x'', statement = NULL, subject = NULL WHERE {whose} = ?",  # noqa: S608
        (value,),
    ).rowcount
    return Forgotten(records, [sha256 for (sha256,) in files])


def _bring_up_to_date(db: sqlite3.Connection) -> None:
    """Make the tables, or give those of an older layout what they lack."""
    layout = db.execute("PRAGMA user_version").fetchone()[0]
    if layout >= LAYOUT:
        return
    with db:
        db.execute("BEGIN IMMEDIATE")
        if layout < 2:
            db.execute(
                "CREATE TABLE IF NOT EXISTS taken"
                " (place INTEGER PRIMARY KEY, record_id TEXT NOT NULL UNIQUE, fingerprint BLOB NOT NULL,"
                " statement BLOB) STRICT"
            )
            db.execute("ALTER TABLE taken ADD COLUMN subject TEXT")
            db.execute("ALTER TABLE taken ADD COLUMN sealed INTEGER NOT NULL DEFAULT 0")
            db.execute("CREATE INDEX taken_plain ON taken (place) WHERE NOT sealed AND statement IS NOT NULL")
        db.execute(
            "CREATE TABLE files (sha256 TEXT NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (sha256, place))"
            " STRICT, WITHOUT ROWID"
        )
        db.execute("CREATE INDEX files_place ON files (place)")
        db.execute(f"PRAGMA user_version = {LAYOUT}")


def _seal_plain(db: sqlite3.Connection, seal: Callable[[bytes], bytes]) -> None:
    """Seal what layout 1 left in the clear, and say of whom it is; without a key it waits for the next opening."""
    sealed = 0
    while plain := db.execute(_PLAIN, (_SEAL_AT_ONCE,)).fetchall():
        try:
            rows = [(seal(statement), _subject_of(statement), place) for place, statement in plain]
        except EdgeError as error:
            log.warning("kept_statements_not_sealed", reason=str(error))
            break
        with db:
            db.executemany(
                "UPDATE taken SET statement = ?, sealed = 1, subject = COALESCE(subject, ?) WHERE place = ?", rows
            )
        sealed += len(rows)
    if sealed:
        # What was overwritten is gone only once the log is.
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _subject_of(statement: bytes) -> str | None:
    """Return whom a kept statement is about."""
    try:
        return msgspec.json.decode(statement, type=Statement).actor.account.name
    except msgspec.DecodeError:
        return None
