"""The spool's SQLite file: opening, locking, pragmas, transactions, sizes. Knows nothing of what is stored.

WAL with `synchronous=FULL`: a commit that returned is on the disk (sqlite.org/wal.html, "Durability"). The size is
bounded by `max_page_count` and by checkpointing the log early; pages freed by receipts go back to the file system a
few at a time. One writer: an flock on a file of its own, because closing any second handle on the database file would
drop SQLite's own POSIX locks.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from edge_agent.spool.errors import SpoolError, SpoolLocked, SpoolUnwritable, translate
from edge_agent.spool.retention import Usage, wal_allowance_bytes

LAYOUT = 2
"""2 since segments of records may be sealed; a file of layout 1 is one in which none is."""
PAGE_BYTES = 4096
_CACHE_KIB = 128
_VACUUM_PAGES = 128


def disk_free_bytes(folder: Path) -> int:
    """Return what an ordinary user may still write on the folder's file system."""
    figures = os.statvfs(folder)
    return figures.f_bavail * figures.f_frsize


class SpoolFile:
    """One open, locked spool file. Not thread-safe: its owner uses it from one thread at a time."""

    def __init__(self, path: Path, max_bytes: int, free_bytes: Callable[[Path], int] = disk_free_bytes) -> None:
        self.path = path
        self._folder = path.parent
        self._max_bytes = max_bytes
        self._free_bytes = free_bytes
        self._lock_descriptor: int | None = None
        self._connection: sqlite3.Connection | None = None
        self._pages: tuple[int, int] | None = None

    @property
    def db(self) -> sqlite3.Connection:
        """The open connection."""
        if self._connection is None:
            raise SpoolUnwritable(f"spool {self.path} is not open")
        return self._connection

    def lock(self) -> None:
        """Take the lock of this spool; held until `unlock`, and let go by the kernel however the process dies.

        Raises:
            SpoolLocked: another process, or another agent of this process, has it.
        """
        lock_path = self.path.with_name(self.path.name + ".lock")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SpoolUnwritable(f"spool folder {self.path.parent} cannot be used: {error}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, 32).decode(errors="replace").strip()
            os.close(descriptor)
            raise SpoolLocked(f"spool {self.path} is in use by process {holder or 'unknown'}") from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._lock_descriptor = descriptor

    def unlock(self) -> None:
        """Let go of the lock."""
        if self._lock_descriptor is not None:
            os.close(self._lock_descriptor)
            self._lock_descriptor = None

    def open(self) -> bool:
        """Open the file, making it if there is none; return whether it was made now.

        Raises:
            SpoolCorrupt: it is no spool, or damaged. SpoolUnwritable: the disk refuses.
        """
        try:
            # The spool hands its work to a shared executor: one thread at a time, but not always the same one.
            self._connection = db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=5)
            db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = OFF")
            db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            wal_bytes = wal_allowance_bytes(self._max_bytes)
            db.execute(f"PRAGMA wal_autocheckpoint = {wal_bytes // PAGE_BYTES // 2}")
            db.execute(f"PRAGMA journal_size_limit = {wal_bytes}")
            db.execute(f"PRAGMA max_page_count = {(self._max_bytes - wal_bytes) // PAGE_BYTES}")
            layout = db.execute("PRAGMA user_version").fetchone()[0]
            if layout > LAYOUT:
                raise SpoolError(
                    f"spool {self.path} has layout {layout}, this version knows {LAYOUT}: update the agent"
                )
            if layout == 0:
                schema = resources.files(__package__).joinpath("schema.sql").read_text()
                db.executescript(f"BEGIN IMMEDIATE;{schema}PRAGMA user_version = {LAYOUT};COMMIT;")
            elif layout < LAYOUT:
                # An older version would send sealed bytes as they are: from here on it must refuse this file.
                db.execute(f"PRAGMA user_version = {LAYOUT}")
            return bool(layout == 0)
        except sqlite3.Error as error:
            self.close()
            raise translate(error) from error
        except SpoolError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; the lock stays."""
        if self._connection is not None:
            connection, self._connection, self._pages = self._connection, None, None
            connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit on leaving, roll back on any error; SQLite's errors come out translated."""
        db = self.db
        self._pages = None
        try:
            db.execute("BEGIN IMMEDIATE")
            yield db
            pages = self._count_pages(db)
            db.execute("COMMIT")
            self._pages = pages
        except BaseException as error:
            self._roll_back(db)
            if isinstance(error, sqlite3.Error):
                raise translate(error) from error
            raise

    @staticmethod
    def _roll_back(db: sqlite3.Connection) -> None:
        try:
            if db.in_transaction:
                db.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise translate(error) from error

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Translate SQLite's errors of a read."""
        try:
            yield self.db
        except sqlite3.Error as error:
            raise translate(error) from error

    def usage(self) -> Usage:
        """Return what the spool takes on disk now.

        With one writer the pages are those of its last commit; asking again would cost a third of a small commit.
        """
        if self._pages is None:
            with self.reading() as db:
                self._pages = self._count_pages(db)
        pages, free_pages = self._pages
        return Usage(
            used_bytes=(pages - free_pages) * PAGE_BYTES,
            free_page_bytes=free_pages * PAGE_BYTES,
            disk_free_bytes=self._free_bytes(self._folder),
        )

    @staticmethod
    def _count_pages(db: sqlite3.Connection) -> tuple[int, int]:
        """Return how many pages the file has and how many of them are free."""
        pages, free_pages = db.execute("PRAGMA page_count").fetchone(), db.execute("PRAGMA freelist_count").fetchone()
        return pages[0], free_pages[0]

    def give_back_pages(self) -> None:
        """Return some free pages to the file system when a quarter of the file or more is free."""
        usage = self.usage()
        if usage.free_page_bytes >= max(_VACUUM_PAGES * PAGE_BYTES, usage.file_bytes // 4):
            self._pages = None
            with self.reading() as db:
                # It frees one page per step, and only a script is stepped to its end.
                db.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")

    def wal_bytes(self) -> int:
        """Return the size of the write-ahead log."""
        try:
            return self.path.with_name(self.path.name + "-wal").stat().st_size
        except FileNotFoundError:
            return 0
