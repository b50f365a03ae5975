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

import structlog

from edge_agent.clock import Clock
from edge_agent.errors import EdgeError, Retry
from edge_agent.records.memory import RecordMemory
from edge_agent.records.values import RecordBody, Taken
from protocols.records import Record, fingerprint

log = structlog.get_logger(__name__)


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
        self, append: Callable[[Sequence[Record]], Awaitable[None]], clock: Clock, executor: Executor, path: Path
    ) -> None:
        self._append = append
        self._clock = clock
        self._executor = executor
        self._memory = RecordMemory(path)
        self.taken_total = 0

    async def start(self) -> None:
        """Open the memory of ids."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self._memory.open)

    async def stop(self) -> None:
        """Close it."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self._memory.close)

    def stamped(self, body: RecordBody) -> Record:
        """Return the record with this agent's time on it."""
        return Record(
            record_id=body.record_id,
            observed_at_ms=body.observed_at_ms,
            accepted_at_ms=self._clock.wall_ms(),
            monotonic_ms=self._clock.monotonic_ms(),
            fact=body.fact,
            subject=body.subject,
            terminal=body.terminal,
            school_class=body.school_class,
            lesson=body.lesson,
        )

    async def statement(self, record_id: str) -> bytes | None:
        """Return the xAPI statement that was kept under an id, or None."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._memory.statement, record_id)

    async def take(self, records: Sequence[Record], statements: Mapping[str, bytes] | None = None) -> Taken:
        """Store what is new of a batch; when this returns it is committed.

        `statements` holds, by record id, the xAPI statement to keep for whoever asks for it again.

        Raises:
            RecordConflict: nothing was taken. SpoolError: nothing was taken, see `Spool.append`.
        """
        loop = asyncio.get_running_loop()
        statements = statements or {}
        said = {record.record_id: fingerprint(record) for record in reversed(records)}
        known = await loop.run_in_executor(self._executor, self._memory.find, list(said))
        for position, record in enumerate(records):
            before = known.get(record.record_id)
            if fingerprint(record) == (said[record.record_id] if before is None else before.fingerprint):
                continue
            # A statement without a timestamp is given the time of its arrival, another one each time it comes.
            if before is None or before.statement is None or before.statement != statements.get(record.record_id):
                raise RecordConflict(position, record.record_id)
        first = {record.record_id: record for record in reversed(records) if record.record_id not in known}
        new = [record for record in records if first.get(record.record_id) is record]
        if new:
            await self._append(new)
            self.taken_total += len(new)
            try:
                await loop.run_in_executor(
                    self._executor,
                    self._memory.remember,
                    {one.record_id: said[one.record_id] for one in new},
                    statements,
                )
            except sqlite3.Error as error:
                # Stored all the same; what comes again is then recognised by the centre.
                log.warning("record_ids_not_remembered", reason=str(error), records=len(new))
        return Taken(stored=len(new), known=len(records) - len(new))
