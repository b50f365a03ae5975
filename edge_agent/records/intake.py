"""Takes batches of records: an answer means that all of them are on disk.

The same id twice changes nothing; the same id with another content is refused, and nothing of its batch is taken. Two
requests that carry one id at the same moment may both be stored; the centre counts the first of them.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import ClassVar

import msgspec
import structlog

from edge_agent.cipher import Cipher
from edge_agent.clock import Clock
from edge_agent.errors import EdgeError, Retry
from edge_agent.records.memory import RecordMemory, Remembered
from edge_agent.records.values import Taken
from protocols.records import Record, RecordBody, fingerprint

log = structlog.get_logger(__name__)
Observer = Callable[[Sequence[Record]], Awaitable[None]]


class RecordConflict(EdgeError):
    """The id of a record names another content already."""

    retry: ClassVar[Retry] = Retry.NEVER
    hint: ClassVar[str] = "a record is never changed: make a new id for a new fact"

    def __init__(self, position: int, record_id: str) -> None:
        super().__init__(f"record {record_id} was taken before with another content")
        self.position = position


class Intake:
    """Records in. `append` stores them durably, or raises; `start` and `stop` belong to one event loop."""

    def __init__(
        self,
        append: Callable[[Sequence[Record]], Awaitable[None]],
        clock: Clock,
        executor: Executor,
        path: Path,
        cipher: Cipher | None = None,
    ) -> None:
        self._append = append
        self._clock = clock
        self._executor = executor
        self._memory = RecordMemory(path, cipher=cipher)
        self._observers: list[Observer] = []

    def observe(self, observer: Observer) -> None:
        """Have `observer` see every record that was new, once it is committed and before its app is answered.

        It must not raise, and what it waits for, the app waits for.
        """
        self._observers.append(observer)

    async def start(self) -> None:
        """Open the memory of ids."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self._memory.open)

    async def stop(self) -> None:
        """Close it."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self._memory.close)

    async def forget(self, subject: str, record_ids: Sequence[str] = ()) -> int:
        """Forget what a person's records said, or the named ones; their ids stay known. Return how many there were.

        Raises:
            sqlite3.Error: the disk refuses, nothing was forgotten.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._memory.forget, subject, record_ids)

    def stamped(self, body: RecordBody) -> Record:
        """Return the record with this agent's time on it."""
        return Record(
            **msgspec.structs.asdict(body), accepted_at_ms=self.now_ms(), monotonic_ms=self._clock.monotonic_ms()
        )

    def now_ms(self) -> int:
        """Return this agent's wall clock."""
        return self._clock.wall_ms()

    async def statement(self, record_id: str) -> bytes | None:
        """Return the xAPI statement that was kept under an id, or None."""
        loop = asyncio.get_running_loop()
        known = (await loop.run_in_executor(self._executor, self._memory.find, [record_id])).get(record_id)
        return None if known is None else known.statement

    async def take(self, records: Sequence[Record], statements: Mapping[str, bytes] | None = None) -> Taken:
        """Store what is new of a batch; when this returns it is committed.

        `statements` holds, by record id, the xAPI statement to keep for whoever asks for it again.

        Raises:
            RecordConflict: nothing was taken. SpoolError: nothing was taken, see `Spool.append`.
        """
        loop = asyncio.get_running_loop()
        statements = statements or {}
        known = await loop.run_in_executor(self._executor, self._memory.find, {one.record_id for one in records})
        new: dict[str, Record] = {}
        said: dict[str, Remembered] = {}
        for position, record in enumerate(records):
            record_id, says = record.record_id, fingerprint(record)
            if (before := known.get(record_id)) is None:
                new.setdefault(record_id, record)
                fresh = Remembered(record_id, record.subject, says, statements.get(record_id))
                same = said.setdefault(record_id, fresh).fingerprint == says
            else:
                # A statement without a timestamp is given the time of its arrival, another one each time it comes.
                same = (
                    before.forgotten
                    or says == before.fingerprint
                    or (before.statement is not None and before.statement == statements.get(record_id))
                )
            if not same:
                raise RecordConflict(position, record_id)
        if new:
            await self._append(list(new.values()))
            for observer in self._observers:
                await observer(list(new.values()))
            try:
                await loop.run_in_executor(self._executor, self._memory.remember, list(said.values()))
            except sqlite3.Error as error:
                # Stored all the same; what comes again is then recognised by the centre.
                log.warning("record_ids_not_remembered", reason=str(error), records=len(new))
        return Taken(stored=len(new), known=len(records) - len(new))
