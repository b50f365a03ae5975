"""The spool as the agent uses it: asynchronous, with group commit, on one event loop.

What is handed in while a commit is under way goes into the next one, so many callers share one fsync. SQLite works in
an executor that is passed in and may be shared by hundreds of spools; a spool itself has neither thread nor standing
task. Collectors `offer` and go on; whoever must know that its items are on disk awaits `append`.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import ParamSpec, TypeVar

import msgspec
import structlog

from edge_agent.cipher import Cipher
from edge_agent.clock import Clock
from edge_agent.spool.errors import SpoolClosed, SpoolCorrupt, SpoolError, SpoolFull, SpoolUnwritable
from edge_agent.spool.figures import stats_of
from edge_agent.spool.file import SpoolFile, disk_free_bytes
from edge_agent.spool.recovery import begin_anew
from edge_agent.spool.store import Choose, Outcomes, Store, Submission, in_lane_order
from edge_agent.spool.thinning import Thinning
from edge_agent.spool.values import HeldSegment, Identity, Item, Offered, SpoolLimits, SpoolStats
from protocols.events import Event
from protocols.receipts import SegmentReceipt
from protocols.samples import Sample
from protocols.segments import Books
from protocols.status import Position

MAX_OFFERED_ITEMS = 5_000
"""Most health, and most events, that wait in memory while the disk cannot be written."""

MAX_GROUP_ITEMS = 5_000
"""Most items of one commit; bounds the transaction and with it the write-ahead log."""

GROUPS_PER_TURN = 8

SEAL_AT_ITEMS = 1_000
"""Offered health is sealed before its time when this much has gathered."""

RETRY_FIRST_SECONDS = 1.0
RETRY_MOST_SECONDS = 30.0

P = ParamSpec("P")
T = TypeVar("T")
log = structlog.get_logger(__name__)


class _Entry(Submission, frozen=True):
    """A submission and who waits for it; nobody does for what was offered."""

    stored: asyncio.Future[None] | None


class Spool:
    """Items in, durable; segments out, until receipted.

    `start` and `stop` do the work; every other method needs a started spool. All methods belong to one event loop.
    """

    def __init__(
        self,
        path: Path,
        *,
        agent: str,
        clock: Clock,
        executor: Executor,
        limits: SpoolLimits | None = None,
        token_hex: Callable[[int], str] = secrets.token_hex,
        free_bytes: Callable[[Path], int] = disk_free_bytes,
        cipher: Cipher | None = None,
    ) -> None:
        self.path = path
        self.agent = agent
        self._limits = limits or SpoolLimits()
        self._executor = executor
        self._store = Store(
            SpoolFile(path, self._limits.max_bytes, free_bytes),
            agent=agent,
            limits=self._limits,
            clock=clock,
            token_hex=token_hex,
            cipher=cipher,
        )
        self._thinning = Thinning(self._store)
        self._turn = asyncio.Lock()
        self._open = False
        self._submitted: deque[_Entry] = deque()
        self._events: deque[Event] = deque()
        self._health: deque[Sample] = deque()
        self._health_due = False
        self._given_up_items = 0
        self._refused_items = 0
        self._writer: asyncio.Task[None] | None = None
        self._seal_timer: asyncio.TimerHandle | None = None
        self._retry_timer: asyncio.TimerHandle | None = None
        self._retry_seconds = RETRY_FIRST_SECONDS
        self._listeners: list[Callable[[], None]] = []

    async def start(self) -> None:
        """Lock and open the file, setting a damaged one aside.

        Raises:
            SpoolLocked: another process has it. SpoolOfAnotherAgent, SpoolUnwritable: it cannot be used.
        """
        if not self._open:
            await self._in_turn(self._open_file)
            self._open = True

    def _open_file(self) -> None:
        store = self._store
        store.file.lock()
        try:
            try:
                store.file.open()
                store.load()
            except SpoolCorrupt as error:
                begin_anew(store, str(error))
        except BaseException:
            store.file.close()
            store.file.unlock()
            raise

    async def stop(self) -> None:
        """Seal what was offered, close the file and let go of the lock.

        What the disk refuses to the last is logged as lost.
        """
        if not self._open:
            return
        await self.flush()
        self._open = False
        for timer in (self._seal_timer, self._retry_timer):
            if timer is not None:
                timer.cancel()
        self._seal_timer = self._retry_timer = None
        if self._events or self._health or self._given_up_items:
            log.error(
                "spool_stopped_with_unsealed_items",
                agent=self.agent,
                events=len(self._events),
                samples=len(self._health) + self._given_up_items,
            )
        await self._in_turn(self._close_file)

    def _close_file(self) -> None:
        self._store.file.close()
        self._store.file.unlock()

    # -- in

    async def append(self, items: Sequence[Item]) -> None:
        """Store items durably: when this returns they are committed. All of them, or none and an error.

        Health that finds no room is counted as thinned and is no error. A cancelled append may have been stored all
        the same.

        Raises: ItemRefused: an item is out of schema, out of range or too large. SpoolFull: no room for an event or
        record; try again later. SpoolUnwritable: the disk refuses. SpoolClosed.
        """
        self._check_open()
        if not items:
            return
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._submitted.append(_Entry(items, whole=True, stored=stored))
        self._write()
        await stored

    def offer(self, items: Iterable[Offered]) -> None:
        """Take items to be stored soon: events at once, health with the next sealing. For collectors; never waits.

        A refused item is logged and counted. While the disk cannot be written the items wait in memory; when that is
        full the oldest health is given up and counted as thinned.

        Raises:
            SpoolFull: too many events wait already; none of the events offered now was taken. SpoolClosed.
        """
        self._check_open()
        events: list[Event] = []
        for item in items:
            if isinstance(item, Event):
                events.append(item)
            else:
                self._health.append(item)
        while len(self._health) > MAX_OFFERED_ITEMS:
            self._health.popleft()
            self._given_up_items += 1
        if len(self._health) >= SEAL_AT_ITEMS and self._retry_timer is None:
            self._seal_health()
        elif self._health and self._seal_timer is None:
            loop = asyncio.get_running_loop()
            self._seal_timer = loop.call_later(self._limits.seal_seconds, self._seal_health)
        if events:
            if len(self._events) + len(events) > MAX_OFFERED_ITEMS:
                raise SpoolFull(f"{len(self._events)} events already wait for the disk")
            self._events.extend(events)
            self._write()

    async def flush(self) -> None:
        """Seal whatever was offered, now; returns when it is on disk or the disk has refused it."""
        self._check_open()
        if self._retry_timer is not None:
            self._retry_timer.cancel()
            self._retry_timer = None
        self._seal_health()
        while self._writer is not None:
            await asyncio.wait([self._writer])

    def _seal_health(self) -> None:
        if self._seal_timer is not None:
            self._seal_timer.cancel()
            self._seal_timer = None
        self._health_due = True
        self._write()

    def _write(self) -> None:
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._drain(), name=f"spool {self.agent}")
            self._writer.add_done_callback(self._drained)

    def _drained(self, writer: asyncio.Task[None]) -> None:
        if self._writer is writer:
            self._writer = None
        if not writer.cancelled() and (error := writer.exception()) is not None:
            # Nothing may stop the spool for good: what it was holding is in the queues again or was answered.
            log.error("spool_writer_failed", agent=self.agent, exc_info=error)
            self._retry_later()
        elif self._submitted:
            self._write()

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._gather():
            await self._in_turn(self._commit_groups, loop)

    def _gather(self) -> bool:
        """Put what is due of the offered items behind what was submitted; return whether there is anything to write."""
        if self._retry_timer is None:
            if self._events:
                self._submitted.append(_Entry(list(self._events), whole=False, stored=None))
                self._events.clear()
            if self._health_due and self._health:
                self._submitted.append(_Entry(list(self._health), whole=False, stored=None))
                self._health.clear()
            self._health_due = False
        return bool(self._submitted)

    def _commit_groups(self, loop: asyncio.AbstractEventLoop) -> None:
        """Commit what has gathered, and what gathers meanwhile, without a trip to the loop in between. In the executor.

        After a few groups the turn passes on, so that sending and confirming never wait behind an endless stream.
        """
        for _ in range(GROUPS_PER_TURN):
            entries: list[_Entry] = []
            count = 0
            while self._submitted and count < MAX_GROUP_ITEMS:
                entries.append(self._submitted.popleft())
                count += len(entries[-1].items)
            if not entries:
                return
            given_up_items = self._given_up_items
            outcome: Outcomes | BaseException
            try:
                outcome = self._guarded(lambda: self._append(entries, given_up_items))  # noqa: B023
            except BaseException as error:  # noqa: BLE001  whatever it is, it is the answer to those who wait
                outcome, given_up_items = error, 0
            loop.call_soon_threadsafe(self._settle, entries, outcome, given_up_items)
            if isinstance(outcome, BaseException):
                return

    def _append(self, submissions: Sequence[Submission], given_up_items: int) -> Outcomes:
        store = self._store
        outcomes = store.append(submissions, self._thinning.relieve())
        if given_up_items:
            store.count_never_sealed(given_up_items)
        return outcomes

    def _settle(self, entries: Sequence[_Entry], outcome: Outcomes | BaseException, given_up_items: int) -> None:
        if isinstance(outcome, BaseException):
            error = outcome if isinstance(outcome, SpoolError) else SpoolUnwritable(f"internal fault: {outcome}")
            log.warning("spool_append_failed", agent=self.agent, reason=str(error), exc_info=_unexpected(outcome))
            errors: list[SpoolError | None] = [error] * len(entries)
        else:
            errors = outcome.errors
            self._given_up_items -= given_up_items
            self._refused_items += outcome.refused_items
            self._retry_seconds = RETRY_FIRST_SECONDS
        for entry, one in zip(entries, errors, strict=True):
            if entry.stored is None:
                if one is not None:
                    self._put_back(entry.items)
                    self._retry_later()
            elif not entry.stored.done():
                if one is None:
                    entry.stored.set_result(None)
                else:
                    entry.stored.set_exception(one)
        for listener in self._listeners:
            listener()

    def _put_back(self, items: Sequence[Item]) -> None:
        self._events.extendleft(item for item in reversed(items) if isinstance(item, Event))
        self._health.extendleft(item for item in reversed(items) if isinstance(item, Sample))
        while len(self._health) > MAX_OFFERED_ITEMS:
            self._health.popleft()
            self._given_up_items += 1

    def _retry_later(self) -> None:
        if self._retry_timer is None and self._open:
            self._retry_timer = asyncio.get_running_loop().call_later(self._retry_seconds, self._retry)
            self._retry_seconds = min(self._retry_seconds * 2, RETRY_MOST_SECONDS)

    def _retry(self) -> None:
        self._retry_timer = None
        self._seal_health()

    # -- out

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` on the loop after every commit of new segments; it must only note the fact."""
        self._listeners.append(listener)

    def expect_sending(self, expected: bool) -> None:
        """Say whether new segments will go out at once.

        They are then marked as sent in the commit that stores them, not in one of their own.
        """
        self._store.expect_sending = expected

    async def next_segments(
        self, limit: int, *, skip: Collection[Identity] = (), choose: Choose = in_lane_order
    ) -> list[HeldSegment]:
        """Return up to `limit` unreceipted segments outside `skip`, lanes as `choose` says.

        Events, records and backlog come oldest first, live newest first. Nothing moves: the same segments come back
        until `confirm`. A damaged segment is set aside and passed over.
        """
        return await self._in_turn(self._store.next_segments, limit, frozenset(skip), choose)

    async def confirm(self, receipts: Sequence[SegmentReceipt], *, skew_seconds: float | None = None) -> int:
        """Let go of receipted segments in one transaction and return how many were still held.

        A repeated receipt does no harm.
        """
        return await self._in_turn(self._store.confirm, receipts, skew_seconds)

    async def set_aside(self, identity: Identity, reason: str) -> bool:
        """Take a segment that can never be delivered out of the way; return whether it was held.

        It is kept, counted as damaged, and told as an event.
        """
        return await self._in_turn(self._store.set_aside, identity, reason)

    # -- identity and figures

    async def restart_epoch(self) -> Position:
        """Begin a new epoch and return its position; held segments keep their old identity."""
        await self._in_turn(self._store.restart_epoch)
        for listener in self._listeners:
            listener()
        return self.position()

    async def take_session(self) -> int:
        """Return the next session number, persisted before it is returned."""
        return await self._in_turn(self._store.take_session)

    def position(self) -> Position:
        """Return where the current epoch stands, as of the last commit."""
        return self._store.position()

    def sent_seq(self) -> int:
        """Return the highest seq of the current epoch that was ever handed out for sending, 0 for none.

        A centre that knows a higher one has met a later state of this spool: it is an old copy.
        """
        return self._store.state.sent_seq

    def books(self) -> Books:
        """Return the current epoch's books, as of the last commit."""
        return self._store.state.books

    async def stats(self) -> SpoolStats:
        """Return the spool in figures."""
        stats = await self._in_turn(stats_of, self._store)
        return msgspec.structs.replace(
            stats,
            refused_items=self._refused_items,
            buffered_items=len(self._events) + len(self._health),
        )

    # -- the executor

    def _check_open(self) -> None:
        if not self._open:
            raise SpoolClosed(f"spool of {self.agent} is not open")

    async def _in_turn(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in the executor, one at a time.

        A damaged file is replaced and the work done again on the new one.
        """
        async with self._turn:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._executor, self._guarded, lambda: work(*args, **kwargs))
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:
                # The thread cannot be called back; the turn must not pass on while it still uses the connection.
                while not running.done():
                    try:
                        await asyncio.wait([running])
                    except asyncio.CancelledError:
                        continue
                raise

    def _guarded(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except SpoolCorrupt as error:
            if not self._open:
                raise
            begin_anew(self._store, str(error))
            return work()


def _unexpected(error: BaseException) -> BaseException | None:
    """Return the error when its traceback is worth logging."""
    return None if isinstance(error, SpoolError) else error
