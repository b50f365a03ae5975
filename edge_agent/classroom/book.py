"""The live classes in memory and in the journal, and who is told of a change.

A fact is applied and told at once, and kept when `keep` returns. Many that come together are written together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor

import structlog

from edge_agent.classroom.journal import COMPACT_BYTES, Journal
from edge_agent.classroom.live import LiveClass
from edge_agent.classroom.pulses import Channel, Pulses
from edge_agent.classroom.values import Answered, AnyFact, AttendanceTaken, QuestionClosed, QuestionOpened
from edge_agent.errors import EdgeError
from protocols.desired import Tombstone

KEEP_MS = 12 * 3600 * 1000
"""What is older is no live state any more."""


class ClassBook:
    """Live classes of one agent. Belongs to one event loop; the journal works in `executor`."""

    def __init__(self, journal: Journal, executor: Executor, pulses: Pulses) -> None:
        self._journal = journal
        self._executor = executor
        self._pulses = pulses
        self._classes: dict[str, LiveClass] = {}
        self._unwritten: list[AnyFact] = []
        self._writing = asyncio.Lock()
        self._erased = False
        self._log = structlog.get_logger("classroom")

    def __iter__(self) -> Iterator[LiveClass]:
        return iter(tuple(self._classes.values()))

    def __len__(self) -> int:
        return len(self._classes)

    def get(self, school_class: str) -> LiveClass | None:
        """Return a class in which something happened."""
        return self._classes.get(school_class)

    async def recall(self, tombstones: Sequence[Tombstone], now_ms: int) -> None:
        """Read the journal, forget what is erased or old, and write what is left.

        A journal that cannot be used costs the memory over a restart, and is logged; it keeps no lesson from running.
        """
        loop = asyncio.get_running_loop()
        try:
            for fact in await loop.run_in_executor(self._executor, self._journal.read):
                self._class(fact.school_class).apply(fact)
        except (OSError, EdgeError) as error:
            self._log.warning("classroom_not_recalled", reason=str(error))
        self.erase(tombstones)
        await self._rewrite(now_ms)

    async def keep(self, *facts: AnyFact) -> None:
        """Take facts over and return when they are in the journal."""
        changing = [fact for fact in facts if self._class(fact.school_class).apply(fact)]
        for fact in changing:
            self._pulses.beat(fact.school_class, *_channels(fact))
        self._unwritten += changing
        if not changing:
            return
        async with self._writing:
            batch, self._unwritten = self._unwritten, []
            if not batch:
                return  # whoever wrote before us took ours along
            loop = asyncio.get_running_loop()
            try:
                if self._journal.is_open:
                    await loop.run_in_executor(self._executor, self._journal.append, batch)
                else:
                    await loop.run_in_executor(self._executor, self._journal.rewrite, self._facts())
            except (OSError, EdgeError) as error:
                self._log.warning("classroom_not_remembered", reason=str(error), facts=len(batch))

    def erase(self, tombstones: Sequence[Tombstone]) -> None:
        """Forget persons or single records of theirs; the file follows with the next `tidy`."""
        for one in tombstones:
            for live in self:
                if live.forget_person(one.subject, frozenset(one.records)):
                    self._erased = True
                    self._pulses.beat(live.school_class, Channel.BOARD, Channel.SEATS)

    async def tidy(self, now_ms: int) -> None:
        """Write the file anew when something was erased or it has grown."""
        if self._erased or self._journal.size_bytes > COMPACT_BYTES:
            await self._rewrite(now_ms)

    async def close(self) -> None:
        """Close the journal."""
        async with self._writing:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._journal.close)

    async def _rewrite(self, now_ms: int) -> None:
        async with self._writing:
            for one in self:
                one.forget(now_ms - KEEP_MS)
            facts = self._facts()
            self._unwritten = []
            loop = asyncio.get_running_loop()
            try:
                await loop.run_in_executor(self._executor, self._journal.rewrite, facts)
                self._erased = False
            except (OSError, EdgeError) as error:
                self._log.warning("classroom_not_remembered", reason=str(error), facts=len(facts))

    def _facts(self) -> list[AnyFact]:
        return [fact for one in self for fact in one.facts()]

    def _class(self, school_class: str) -> LiveClass:
        return self._classes.setdefault(school_class, LiveClass(school_class))


def _channels(fact: AnyFact) -> tuple[Channel, ...]:
    match fact:
        case Answered():
            return (Channel.BOARD,)
        case QuestionOpened() | QuestionClosed() | AttendanceTaken():
            return (Channel.BOARD, Channel.SEATS, Channel.DESIRED)
        case _:
            return (Channel.SEATS, Channel.DESIRED)
