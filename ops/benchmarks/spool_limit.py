"""The limit of the spool's benchmark: bare SQLite with group commit, the least that gives callers the same promise.

Same durability (WAL, `synchronous=FULL`) and same chance to group: what is handed in while a commit is under way goes
into the next one. It only inserts, one row per item and a column per field, into a table without keys; everything else
is SQLite's default. No identity, no range checks, no books, no encoding for the wire, no bound on size, one file for
one purpose: whoever has less than this cannot answer an awaiting caller after the fsync.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from protocols.events import Event
from protocols.samples import TerminalSample

Row = Event | TerminalSample

_TABLES = {Event: "events", TerminalSample: "samples"}
_INSERTS = {
    kind: f"INSERT INTO {table} VALUES ({', '.join('?' * len(kind.__struct_fields__))})"
    for kind, table in _TABLES.items()
}


class BareWriter:
    """Rows into bare SQLite from one thread."""

    def __init__(self, path: Path) -> None:
        self.commits = 0
        self._executor = ThreadPoolExecutor(1)
        self._waiting: list[tuple[Sequence[Row], asyncio.Future[None]]] = []
        self._busy = False
        # Used by one thread at a time: its own, or the loop's while nobody waits.
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        for kind, table in _TABLES.items():
            self._db.execute(f"CREATE TABLE {table} ({', '.join(kind.__struct_fields__)})")

    def close(self) -> None:
        """Close the file and end the thread."""
        self._executor.shutdown()
        self._db.close()

    async def append(self, rows: Sequence[Row]) -> None:
        """Store rows durably: when this returns they are committed."""
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[None] = loop.create_future()
        self._waiting.append((rows, stored))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._begin, loop)
        await stored

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        group, self._waiting = self._waiting, []
        commit = loop.run_in_executor(self._executor, self.commit, [rows for rows, _ in group])

        def settle(commit: asyncio.Future[None]) -> None:
            error = commit.exception()
            for _, stored in group:
                if error is None:
                    stored.set_result(None)
                else:
                    stored.set_exception(error)
            if self._waiting:
                self._begin(loop)
            else:
                self._busy = False

        commit.add_done_callback(settle)

    def commit(self, groups: Iterable[Sequence[Row]]) -> None:
        """Store rows of one kind in one transaction, in the calling thread."""
        db = self._db
        rows = [row for group in groups for row in group]
        kind = type(rows[0])
        values = map(_event_values, rows) if kind is Event else map(msgspec.structs.astuple, rows)  # type: ignore[arg-type]
        db.execute("BEGIN IMMEDIATE")
        db.executemany(_INSERTS[kind], values)
        db.execute("COMMIT")
        self.commits += 1


def _event_values(event: Event) -> tuple[str | int | bytes, ...]:
    attributes = msgspec.json.encode(event.attributes)
    return (
        event.event_id,
        event.type,
        event.kind.value,
        event.thing,
        event.observed_at_ms,
        event.monotonic_ms,
        attributes,
    )
