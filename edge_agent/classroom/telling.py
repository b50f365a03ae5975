"""Tells the centre what happens in a lesson: records of type `lesson_event`, through the intake like anybody's."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from hashlib import sha256

import structlog
from msgspec import structs

from edge_agent.classroom.values import LeaseHeld
from edge_agent.errors import EdgeError
from edge_agent.records import Intake, RecordConflict
from protocols.records import LessonEvent, LessonStep, RecordBody


def lesson_event(school_class: str, lesson: str | None, step: LessonStep, about: str | None, at_ms: int) -> RecordBody:
    """Return a new record of a step; `about` is the question or the lease."""
    return RecordBody(
        record_id=secrets.token_hex(16),
        observed_at_ms=at_ms,
        school_class=school_class,
        lesson=lesson,
        fact=LessonEvent(step=step, object=about),
    )


def locked(lease: LeaseHeld) -> RecordBody:
    """Return the record of a lease's beginning."""
    return lesson_event(lease.school_class, lease.lesson, LessonStep.LOCKED, _name(lease), lease.granted_at_ms)


def released(lease: LeaseHeld, at_ms: int) -> RecordBody:
    """Return the record of a lease's end; its id follows from the lease, so that it is told once over restarts."""
    record_id = sha256(f"released {lease.lease}".encode()).hexdigest()[:32]
    body = lesson_event(lease.school_class, lease.lesson, LessonStep.RELEASED, _name(lease), at_ms)
    return structs.replace(body, record_id=record_id)


def _name(lease: LeaseHeld) -> str:
    return f"{lease.kind.value}:{lease.lease}"


class Telling:
    """Lesson events on their way into the intake."""

    def __init__(self, records: Intake) -> None:
        self._records = records
        self._waiting: list[RecordBody] = []
        self._log = structlog.get_logger("classroom")

    async def now(self, bodies: Sequence[RecordBody]) -> None:
        """Return when all of them are on disk.

        Raises:
            SpoolError: none of them is.
        """
        await self._records.take([self._records.stamped(body) for body in bodies])

    async def soon(self, *bodies: RecordBody) -> None:
        """Tell what is so whatever the disk says; what it does not take now is kept for `again`."""
        self._waiting += bodies
        await self.again()

    async def again(self) -> None:
        """Hand in what waits, in order."""
        while self._waiting:
            body = self._waiting[0]
            try:
                await self.now([body])
            except RecordConflict:
                pass  # told before a restart, with a slightly other moment
            except EdgeError as error:
                self._log.warning("lesson_event_waits", reason=str(error), waiting=len(self._waiting))
                return
            self._waiting = [one for one in self._waiting if one is not body]
