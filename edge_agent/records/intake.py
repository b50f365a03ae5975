"""Takes batches of records: an answer means that all of them are on disk.

The same id twice changes nothing; the same id with another content is refused, and nothing of its batch is taken.
Requests that come while others are being committed are taken together in the next commit: a class that answers at once
costs a few disk writes, not fifty.
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
from edge_agent.records.memory import Forgotten, Known, RecordMemory, Remembered
from edge_agent.records.values import Taken
from edge_agent.spool.errors import SpoolError
from protocols.records import Evidence, Record, RecordBody, Submission, fingerprint

GROUP_RECORDS = 1000
"""At most so many records are committed together, unless one request alone has more."""

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
        self._waiting: list[_Batch] = []
        self._working: asyncio.Task[None] | None = None

    def observe(self, observer: Observer) -> None:
        """Have `observer` see every record that was new, once it is committed and before its app is answered.

        It must not raise, and what it waits for, the app waits for.
        """
        self._observers.append(observer)

    async def start(self) -> None:
        """Open the memory of ids."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self._memory.open)

    async def stop(self) -> None:
        """Finish what is under way and close the memory."""
        if self._working is not None:
            await self._working
        await asyncio.get_running_loop().run_in_executor(self._executor, self._memory.close)

    async def forget(self, subject: str, record_ids: Sequence[str] = ()) -> Forgotten:
        """Forget what a person's records said, or the named ones; their ids stay known. Return what there was.

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
        batch = _Batch(records, statements or {}, asyncio.get_running_loop().create_future())
        self._waiting.append(batch)
        if self._working is None:
            self._working = asyncio.create_task(self._work(), name="take records")
        return await batch.taken

    async def _work(self) -> None:
        """Take everything that waits, again and again: what came during one commit goes into the next together."""
        try:
            while self._waiting:
                group = self._next_group()
                try:
                    await self._take_group(group)
                except BaseException as error:
                    for batch in group:
                        batch.fail(error)
                    if not isinstance(error, Exception):
                        raise
                    log.exception("records_not_taken")
        finally:
            self._working = None

    def _next_group(self) -> list[_Batch]:
        count, group = 0, 0
        while group < len(self._waiting) and (not group or count + len(self._waiting[group].records) <= GROUP_RECORDS):
            count += len(self._waiting[group].records)
            group += 1
        found, self._waiting = self._waiting[:group], self._waiting[group:]
        return found

    async def _take_group(self, group: Sequence[_Batch]) -> None:
        loop = asyncio.get_running_loop()
        ids = {one.record_id for batch in group for one in batch.records}
        known = await loop.run_in_executor(self._executor, self._memory.find, ids)
        fresh: dict[str, Remembered] = {}
        good = [batch for batch in group if batch.sort(known, fresh)]
        stored = await self._store(good)
        new = [record for batch in stored for record in batch.new.values()]
        if new:
            for observer in self._observers:
                await observer(new)
        for batch in stored:
            batch.answer()
        if new:
            said = [fresh[record.record_id] for record in new]
            try:
                # After the answers: what is sent again meanwhile waits for the next group, which finds it.
                await loop.run_in_executor(self._executor, self._memory.remember, said)
            except sqlite3.Error as error:
                # Stored all the same; what comes again is then recognised by the centre.
                log.warning("record_ids_not_remembered", reason=str(error), records=len(new))

    async def _store(self, batches: Sequence[_Batch]) -> list[_Batch]:
        """Commit the batches in one go, or one by one when together they cannot be; return those that are on disk."""
        new = [record for batch in batches for record in batch.new.values()]
        try:
            if new:
                await self._append(new)
        except SpoolError as error:
            if len(batches) == 1:
                batches[0].fail(error)
                return []
            return [one for batch in batches for one in await self._store([batch])]
        return list(batches)


class _Batch:
    """One request under way. `new` are the records that are stored for it; others were known, or are another's."""

    def __init__(
        self, records: Sequence[Record], statements: Mapping[str, bytes], taken: asyncio.Future[Taken]
    ) -> None:
        self.records = records
        self.taken = taken
        self.new: dict[str, Record] = {}
        self._statements = statements

    def sort(self, known: Mapping[str, Known], fresh: dict[str, Remembered]) -> bool:
        """Tell new records from known ones, adding the new to `fresh`; False after refusing the whole batch."""
        mine: dict[str, Remembered] = {}
        for position, record in enumerate(self.records):
            record_id, says = record.record_id, fingerprint(record)
            statement = self._statements.get(record_id)
            if (before := known.get(record_id)) is not None:
                # A statement without a timestamp is given the time of its arrival, another one each time it comes.
                same = before.forgotten or says == before.fingerprint or _same(before.statement, statement)
            elif (with_it := fresh.get(record_id) or mine.get(record_id)) is not None:
                same = says == with_it.fingerprint or _same(with_it.statement, statement)
            else:
                same = True
                self.new[record_id] = record
                mine[record_id] = Remembered(record_id, record.subject, says, statement, _files(record))
            if not same:
                self.fail(RecordConflict(position, record_id))
                return False
        fresh.update(mine)
        return True

    def answer(self) -> None:
        """Tell the request that all of it is on disk."""
        if not self.taken.done():
            self.taken.set_result(Taken(stored=len(self.new), known=len(self.records) - len(self.new)))

    def fail(self, error: BaseException) -> None:
        """Tell the request that nothing of it was taken."""
        if not self.taken.done():
            self.taken.set_exception(error)


def _same(before: bytes | None, now: bytes | None) -> bool:
    return before is not None and before == now


def _files(record: Record) -> tuple[str, ...]:
    fact = record.fact
    return tuple(part.sha256 for part in fact.parts) if isinstance(fact, Submission | Evidence) else ()
