"""What can go wrong in the spool, in the operator's words. SQLite's own errors are translated here and nowhere else."""

from __future__ import annotations

import sqlite3
from typing import ClassVar

from edge_agent.errors import EdgeError, Retry


class SpoolError(EdgeError):
    """The spool cannot do what was asked."""


class SpoolClosed(SpoolError):
    """The spool is not started, or already stopped."""

    hint: ClassVar[str] = "the agent is starting or stopping; ask again when it runs"


class SpoolLocked(SpoolError):
    """Another process has this spool open."""

    hint: ClassVar[str] = (
        "only one agent may write a spool: stop the other process (see `fuser` on the lock file), "
        "or give this agent its own data_dir"
    )


class SpoolOfAnotherAgent(SpoolError):
    """The spool file was made by an agent with another id."""

    hint: ClassVar[str] = "point data_dir at this agent's own folder, or move the old spool away after draining it"


class SpoolFull(SpoolError):
    """No room for what may never be dropped; the caller keeps it and tries again."""

    retry: ClassVar[Retry] = Retry.BACKOFF
    hint: ClassVar[str] = "free disk space, raise [spool] max_bytes, or bring the uplink back so that the spool drains"


class SpoolUnwritable(SpoolError):
    """The disk refuses to write or read."""

    retry: ClassVar[Retry] = Retry.BACKOFF
    hint: ClassVar[str] = "check the disk (dmesg, SMART) and that data_dir is writable for the agent's user"


class SpoolCorrupt(SpoolError):
    """The spool file itself is damaged; it is set aside and a new one begun."""

    retry: ClassVar[Retry] = Retry.BACKOFF
    hint: ClassVar[str] = "the damaged file is kept beside the spool with the suffix .damaged-<time>; check the disk"


class ItemRefused(SpoolError):
    """An item is outside the schema or its range, or too large; it was not stored."""

    hint: ClassVar[str] = "this is a fault of whoever made the item; the message names the field"

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"item {position} refused: {reason}")
        self.position = position
        self.reason = reason


_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def translate(error: sqlite3.Error) -> SpoolError:
    """Return the spool's error for one of SQLite's."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if code is not None else None
    if primary in _CORRUPT or (primary is None and "malformed" in str(error)):
        return SpoolCorrupt(f"spool file is damaged: {error}")
    if primary == sqlite3.SQLITE_FULL:
        return SpoolFull(f"no room left for the spool: {error}")
    return SpoolUnwritable(f"spool cannot be read or written: {error}")
