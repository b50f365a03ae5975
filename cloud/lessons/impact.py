"""What an outage costs, in lesson-minutes: lost, saved by the cache, unknown, and at risk. Pure.

A lesson hangs on a chain: provider, link, gateway, room. While a part of the chain is out the lesson's time counts
against the topmost part that is out, or against the root that its status names. It is *saved* when the room itself
works and the lesson went on without the line: something was recorded in it meanwhile, or the room holds its content.
Otherwise it is *lost*. Time of which nothing is known is *unknown*, never loss and never nought. A minute counts once,
whatever number of faults stand in its way. Nothing weighs one kind of lesson against another; exams are counted apart.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from cloud.lessons.models import Affected, Blast, LessonSlot, Loss
from cloud.status.models import StatusKind, StatusSpan, StatusWord, Thing

OUT = frozenset({StatusWord.DOWN, StatusWord.UNREACHABLE, StatusWord.FLAPPING})
WELL = frozenset({StatusWord.UP, StatusWord.DEGRADED, StatusWord.MAINTENANCE})
AHEAD = timedelta(hours=1)
"""Lessons that begin within this time are the next ones."""

Spans = Mapping[Thing, Sequence[StatusSpan]]


def by_thing(spans: Iterable[StatusSpan]) -> dict[Thing, list[StatusSpan]]:
    """Return spans by their thing, in order of time."""
    found: dict[Thing, list[StatusSpan]] = {}
    for span in spans:
        found.setdefault(span.thing, []).append(span)
    for of_thing in found.values():
        of_thing.sort(key=lambda span: span.since)
    return found


def losses(slots: Iterable[LessonSlot], spans: Spans, now: datetime) -> list[Loss]:
    """Return what every cause did to every lesson until now; lessons that nothing happened to are left out."""
    found: list[Loss] = []
    for slot in slots:
        until = min(slot.ends_at, now)
        if until > slot.starts_at:
            found += _of_lesson(slot, spans, until)
    return found


def _of_lesson(slot: LessonSlot, spans: Spans, until: datetime) -> list[Loss]:
    edges = {slot.starts_at, until}
    for thing in slot.chain:
        for span in spans.get(thing, ()):
            edges.update(at for at in (span.since, span.until) if at is not None and slot.starts_at < at < until)
    marks = sorted(edges)
    pieces: dict[Thing, list[tuple[datetime, datetime, bool]]] = {}
    unknown: dict[Thing, float] = {}
    for since, to in pairwise(marks):
        blame = _blame(slot, spans, since)
        if blame is None:
            continue
        cause, out, in_room = blame
        if out:
            pieces.setdefault(cause, []).append((since, to, in_room))
        else:
            unknown[cause] = unknown.get(cause, 0.0) + (to - since).total_seconds()
    return [_loss(slot, cause, pieces.get(cause, []), unknown.get(cause, 0.0)) for cause in {**pieces, **unknown}]


def _loss(
    slot: LessonSlot, cause: Thing, pieces: Sequence[tuple[datetime, datetime, bool]], unknown_seconds: float
) -> Loss:
    lost = saved = 0.0
    for since, to, in_room in pieces:
        seconds = (to - since).total_seconds()
        if not in_room and (slot.ready or _went_on(slot, pieces[0][0], pieces[-1][1])):
            saved += seconds
        else:
            lost += seconds
    return Loss(slot, cause, lost, saved, unknown_seconds)


def _went_on(slot: LessonSlot, since: datetime, until: datetime) -> bool:
    place = bisect_left(slot.facts, since)
    return place < len(slot.facts) and slot.facts[place] < until


def _blame(slot: LessonSlot, spans: Spans, at: datetime) -> tuple[Thing, bool, bool] | None:
    """Return what stands in the lesson's way at a moment; None when nothing does.

    That is the cause, whether it is known to be out, and whether the fault is the room's own.
    """
    blind: Thing | None = None
    for thing in slot.chain:
        span = _at(spans.get(thing, ()), at)
        if span is None or span.status in WELL:
            continue
        if span.status in OUT:
            cause = span.root or thing
            return cause, True, cause.kind is StatusKind.CLASSROOM
        blind = blind or span.root or thing
    if blind is None:
        return None
    room = _at(spans.get(slot.chain[-1], ()), at)
    # A room that is heard is not blind, whatever is not known of its gateway.
    return None if room is not None and room.status in WELL else (blind, False, False)


def _at(spans: Sequence[StatusSpan], at: datetime) -> StatusSpan | None:
    for span in reversed(spans):
        if span.since <= at:
            return span if span.until is None or at < span.until else None
    return None


def affected(slots: Iterable[LessonSlot], spans: Spans, now: datetime) -> list[Affected]:
    """Return the lessons in session now that a fault stands in the way of."""
    found = []
    for slot in slots:
        if not slot.starts_at <= now < slot.ends_at:
            continue
        blame = _blame(slot, spans, now)
        if blame is None or not blame[1]:
            continue
        cause, _, in_room = blame
        began = next((span.since for span in reversed(spans.get(cause, ())) if span.since <= now), slot.starts_at)
        saved = not in_room and (slot.ready or _went_on(slot, max(began, slot.starts_at), now + timedelta(seconds=1)))
        found.append(Affected(slot, cause, saved))
    return found


def blasts(slots: Sequence[LessonSlot], spans: Spans, now: datetime) -> dict[Thing, Blast]:
    """Return how far every cause reaches now and within the hour.

    At risk is the rest of every lesson in session and all of the next, were the fault to last.
    """
    reached: dict[Thing, tuple[list[Affected], list[LessonSlot]]] = {}
    for one in affected(slots, spans, now):
        reached.setdefault(one.cause, ([], []))[0].append(one)
    for slot in slots:
        if now < slot.starts_at <= now + AHEAD and (blame := _blame(slot, spans, now)) is not None and blame[1]:
            reached.setdefault(blame[0], ([], []))[1].append(slot)
    return {cause: _blast(now, in_session, coming) for cause, (in_session, coming) in reached.items()}


def _blast(now: datetime, in_session: Sequence[Affected], coming: Sequence[LessonSlot]) -> Blast:
    first: dict[str, LessonSlot] = {}
    for slot in sorted(coming, key=lambda slot: slot.starts_at):
        first.setdefault(slot.school_class, slot)
    following = list(first.values())
    rest = sum((one.slot.ends_at - now).total_seconds() for one in in_session)
    return Blast(
        lessons_now=len(in_session),
        students_now=sum({one.slot.school_class: one.slot.students for one in in_session}.values()),
        exams_now=sum(one.slot.exam for one in in_session),
        saved_now=sum(one.saved for one in in_session),
        lessons_next=len(following),
        students_next=sum(slot.students for slot in following),
        exams_next=sum(slot.exam for slot in following),
        next_at=min((slot.starts_at for slot in following), default=None),
        at_risk_seconds=rest + sum((slot.ends_at - slot.starts_at).total_seconds() for slot in following),
    )
