"""The classes of a running agent: what teachers do, what pupils' devices say, and what ends by itself.

Belongs to one event loop. One timer serves every lease and every bell; nothing here is per terminal but a dictionary's
entry. What a teacher starts is told to the centre first and then in force; what ends, ends whatever the disk says.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Sequence
from concurrent.futures import Executor

import structlog

from edge_agent.classroom.book import ClassBook
from edge_agent.classroom.errors import NotNow, UnknownClass, UnknownQuestion
from edge_agent.classroom.holders import Holders
from edge_agent.classroom.journal import Journal
from edge_agent.classroom.leases import granted, remaining_ms
from edge_agent.classroom.listening import fact_of
from edge_agent.classroom.live import LiveClass
from edge_agent.classroom.pulses import Channel, Pulses
from edge_agent.classroom.school import Mirror, School
from edge_agent.classroom.telling import Telling, lesson_event, locked, released
from edge_agent.classroom.values import (
    LeaseEnded,
    LeaseHeld,
    LeaseKind,
    LessonClosed,
    LessonOpened,
    QuestionClosed,
    QuestionOpened,
)
from edge_agent.clock import Clock
from edge_agent.records import Intake
from protocols.desired import DocumentKind, Erasures, Tombstone
from protocols.records import LessonStep, Record, RecordBody
from protocols.roster import Lesson

MOST_CLASSES = 200
LONGEST_SLEEP_SECONDS = 15.0
"""The wall clock may be set at any time; bells follow it this soon."""
RETRY_SECONDS = 1.0


class Classrooms:
    """Live classes. Give `took` to `Intake.observe`, `heard` to `Terminals.listen`, `mirrored` to the mirror."""

    def __init__(self, *, records: Intake, mirror: Mirror, clock: Clock, executor: Executor, journal: Journal) -> None:
        self._telling = Telling(records)
        self._mirror = mirror
        self._clock = clock
        self._ticking: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._log = structlog.get_logger("classroom")
        self.school = School(mirror)
        self.holders = Holders()
        self.pulses = Pulses()
        self.book = ClassBook(journal, executor, self.pulses)

    async def start(self) -> None:
        """Recall the live state, without whom an erasure names, and begin to watch the time."""
        self.school = School(self._mirror)
        await self.book.recall(self._tombstones(), self._clock.wall_ms())
        self._ticking = asyncio.get_running_loop().create_task(self._tick_for_ever(), name="classroom")

    async def stop(self) -> None:
        """Stop watching."""
        ticking, self._ticking = self._ticking, None
        if ticking is not None:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
        await self.book.close()

    def now_ms(self) -> int:
        """Return the agent's wall clock."""
        return self._clock.wall_ms()

    async def took(self, records: Sequence[Record]) -> None:
        """Take over what durable records say of live classes."""
        facts = (fact_of(record, self.book, self.school) for record in records)
        await self.book.keep(*(fact for fact in facts if fact is not None))

    def heard(self, terminal: str, person: str | None) -> None:
        """A terminal checked in or fell silent."""
        before = self.holders.heard(terminal, person)
        classes = {key for who in (before, person) if who for key in self.school.classes_of.get(who, ())}
        if (meant := self.school.pupil_at.get(terminal)) is not None:
            classes.add(meant[0])
        for key in classes:
            self.pulses.beat(key, Channel.SEATS)

    def mirrored(self, kind: DocumentKind) -> None:
        """A document was replaced."""
        self.school = School(self._mirror)
        if kind is DocumentKind.ERASURE:
            self.book.erase(self._tombstones())
        self.pulses.beat_all()
        self._wake.set()

    def live(self, school_class: str) -> LiveClass:
        """Return the live state of a class, empty for one in which nothing happened.

        Raises:
            UnknownClass: neither a roster nor an opened lesson names it.
        """
        known = self.book.get(school_class)
        if known is not None:
            return known
        if school_class not in self.school.classes:
            raise UnknownClass(f"no class {school_class!r} is served here")
        return LiveClass(school_class)

    def lesson(self, school_class: str) -> Lesson | LessonOpened | None:
        """Return the lesson that a class is in: the timetable's, else the one that the teacher opened."""
        now_ms = self._clock.wall_ms()
        planned = self.school.plan.at(school_class, now_ms).now
        if planned is not None:
            return planned
        known = self.book.get(school_class)
        opened = None if known is None else known.opened
        return opened if opened is not None and now_ms < opened.ends_at_ms else None

    async def open_lesson(self, school_class: str, topic: str, seconds: int) -> LessonOpened:
        """Begin a lesson that is in no timetable.

        Raises:
            UnknownClass, NotNow: one runs. SpoolError: nothing was begun.
        """
        if self.school.has_roster or len(self.book) >= MOST_CLASSES:
            self.live(school_class)
        if (running := self.lesson(school_class)) is not None:
            raise NotNow(f"class {school_class} is in lesson {running.lesson}")
        now_ms = self._clock.wall_ms()
        opened = LessonOpened(
            school_class=school_class,
            lesson=f"open-{secrets.token_hex(8)}",
            topic=topic,
            starts_at_ms=now_ms,
            ends_at_ms=now_ms + seconds * 1000,
        )
        await self._telling.now([lesson_event(school_class, opened.lesson, LessonStep.STARTED, None, now_ms)])
        await self.book.keep(opened)
        self._wake.set()
        return opened

    async def close_lesson(self, school_class: str) -> None:
        """End a lesson that was opened here, with its lease.

        Raises:
            UnknownClass, NotNow: none was.
        """
        opened = self.live(school_class).opened
        if opened is None:
            raise NotNow(f"no lesson of class {school_class} was opened here")
        await self._close_lesson(opened)

    async def open_question(
        self, school_class: str, *, question: str | None, prompt: str, options: list[str], correct: str | None
    ) -> QuestionOpened:
        """Put a question to a class; the one that is open is closed by it.

        Raises:
            UnknownClass. SpoolError: nothing was opened.
        """
        before = self.live(school_class).open_question()
        lesson = self.lesson(school_class)
        now_ms = self._clock.wall_ms()
        asked = QuestionOpened(
            school_class=school_class,
            question=question or f"q-{secrets.token_hex(8)}",
            lesson=None if lesson is None else lesson.lesson,
            prompt=prompt,
            options=options,
            opened_at_ms=now_ms,
            correct=correct,
        )
        ended = [] if before is None or before.asked.question == asked.question else [before.asked]
        await self._telling.now(
            [
                *(_step(one, LessonStep.QUESTION_CLOSED, now_ms) for one in ended),
                _step(asked, LessonStep.QUESTION_OPENED, now_ms),
            ]
        )
        await self.book.keep(asked)
        return asked

    async def close_question(self, school_class: str, question: str) -> None:
        """Close a question; closing it again changes nothing.

        Raises:
            UnknownClass, UnknownQuestion. SpoolError: it stays open.
        """
        known = self.live(school_class).question(question)
        if known is None:
            raise UnknownQuestion(f"class {school_class} was not asked {question!r} lately")
        if known.closed_at_ms is None:
            now_ms = self._clock.wall_ms()
            await self._telling.now([_step(known.asked, LessonStep.QUESTION_CLOSED, now_ms)])
            await self.book.keep(QuestionClosed(school_class=school_class, question=question, closed_at_ms=now_ms))

    def lease(self, school_class: str) -> LeaseHeld | None:
        """Return the lease that is in force.

        Raises:
            UnknownClass.
        """
        lease = self.live(school_class).lease
        return lease if lease is not None and self.lease_remaining_ms(lease) > 0 else None

    async def hold(self, school_class: str, kind: LeaseKind, seconds: int) -> LeaseHeld:
        """Grant a lease; one of the same kind is renewed under its id, one of the other kind is replaced.

        Raises:
            UnknownClass. SpoolError: nothing was granted.
        """
        current = self.lease(school_class)
        renewed = current if current is not None and current.kind is kind else None
        lesson = self.lesson(school_class)
        lease = granted(
            school_class=school_class,
            lease=secrets.token_hex(8) if renewed is None else renewed.lease,
            kind=kind,
            seconds=seconds,
            lesson=None if lesson is None else lesson.lesson,
            lesson_ends_at_ms=None if lesson is None else lesson.ends_at_ms,
            now_ms=self._clock.wall_ms(),
            monotonic_ms=self._clock.monotonic_ms(),
            boot=self._clock.boot,
        )
        if renewed is None:
            replaced = [] if current is None else [released(current, lease.granted_at_ms)]
            await self._telling.now([*replaced, locked(lease)])
        await self.book.keep(lease)
        self._wake.set()
        return lease

    async def release(self, school_class: str) -> None:
        """End the lease of a class before its time.

        Raises:
            UnknownClass, NotNow: there is none.
        """
        lease = self.live(school_class).lease
        if lease is None:
            raise NotNow(f"class {school_class} has no lease")
        await self._end(lease)

    def lease_remaining_ms(self, lease: LeaseHeld) -> int:
        """Return how long a lease still lasts; one of a lesson that is over or gone lasts no more."""
        ends_at_ms = None
        if lease.lesson is not None:
            running = self.lesson(lease.school_class)
            same = running is not None and running.lesson == lease.lesson
            ends_at_ms = running.ends_at_ms if same and running is not None else 0
        return remaining_ms(
            lease,
            now_ms=self._clock.wall_ms(),
            monotonic_ms=self._clock.monotonic_ms(),
            boot=self._clock.boot,
            lesson_ends_at_ms=ends_at_ms,
        )

    async def _end(self, lease: LeaseHeld) -> None:
        await self.book.keep(LeaseEnded(school_class=lease.school_class, lease=lease.lease))
        await self._telling.soon(released(lease, min(self._clock.wall_ms(), lease.ends_at_ms)))

    async def _close_lesson(self, opened: LessonOpened) -> None:
        ended_at_ms = min(self._clock.wall_ms(), opened.ends_at_ms)
        await self.book.keep(LessonClosed(school_class=opened.school_class, lesson=opened.lesson))
        ended = lesson_event(opened.school_class, opened.lesson, LessonStep.ENDED, None, ended_at_ms)
        await self._telling.soon(ended)
        self._wake.set()

    async def _tick_for_ever(self) -> None:
        while True:
            try:
                await self._end_what_is_over()
                await self._telling.again()
                await self.book.tidy(self._clock.wall_ms())
                await self._sleep_till_next()
            except Exception:  # noqa: BLE001  # the outermost loop: locks must end, whatever went wrong once
                self._log.exception("classroom_tick_failed")
                await asyncio.sleep(RETRY_SECONDS)

    async def _end_what_is_over(self) -> None:
        now_ms = self._clock.wall_ms()
        for one in self.book:
            if one.lease is not None and self.lease_remaining_ms(one.lease) <= 0:
                await self._end(one.lease)
            if one.opened is not None and now_ms >= one.opened.ends_at_ms:
                await self._close_lesson(one.opened)

    async def _sleep_till_next(self) -> None:
        """Sleep until a lease or an opened lesson ends, a bell rings, or something new has a time."""
        now_ms = self._clock.wall_ms()
        bell_ms = self.school.plan.next_bell_ms(now_ms)
        due_ms = [self.lease_remaining_ms(one.lease) for one in self.book if one.lease is not None]
        due_ms += [one.opened.ends_at_ms - now_ms for one in self.book if one.opened is not None]
        if bell_ms is not None:
            due_ms.append(bell_ms - now_ms)
        seconds = min(LONGEST_SLEEP_SECONDS, max(0, min(due_ms, default=1_000_000)) / 1000 + 0.01)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()
        if bell_ms is not None and self._clock.wall_ms() >= bell_ms:
            self.pulses.beat_all()

    def _tombstones(self) -> list[Tombstone]:
        body = self._mirror.body(DocumentKind.ERASURE)
        return body.tombstones if isinstance(body, Erasures) else []


def _step(asked: QuestionOpened, step: LessonStep, at_ms: int) -> RecordBody:
    return lesson_event(asked.school_class, asked.lesson, step, asked.question, at_ms)
