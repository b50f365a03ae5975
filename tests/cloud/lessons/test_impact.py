"""Lesson-minutes: a minute counts once, whatever the number of faults, however they are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from cloud.lessons.impact import AHEAD, affected, blasts, by_thing, losses
from cloud.lessons.models import LessonSlot, Loss
from cloud.status.models import StatusKind, StatusSpan, StatusWord, Thing

BELL = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
LINE = Thing(StatusKind.LINK, "s01-wan")
GATEWAY = Thing(StatusKind.GATEWAY, "s01-gw")
ROOM = Thing(StatusKind.CLASSROOM, "s01-c01")
PROVIDER = Thing(StatusKind.PROVIDER, "Carrier")


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def lesson(**changes: object) -> LessonSlot:
    values: dict[str, object] = {
        "lesson": "s01-g3c1.20261124.p1",
        "school": "s01",
        "school_class": "s01-g3c1",
        "classroom": "s01-c01",
        "topic": "数学",
        "starts_at": BELL,
        "ends_at": BELL + minutes(40),
        "exam": False,
        "students": 45,
        "provider": "Carrier",
        "chain": (LINE, GATEWAY, ROOM),
        **changes,
    }
    return LessonSlot(**values)  # type: ignore[arg-type]


def span(thing: Thing, word: str, since: float, until: float | None, root: Thing | None = None) -> StatusSpan:
    end = BELL + minutes(until) if until is not None else None
    return StatusSpan(thing, StatusWord(word), BELL + minutes(since), end, "test", root)


def cost(slot: LessonSlot, *spans: StatusSpan, now: float = 600) -> list[tuple[Thing, float, float, float]]:
    return [
        (loss.cause, loss.lost_seconds / 60, loss.saved_seconds / 60, loss.unknown_seconds / 60)
        for loss in losses([slot], by_thing(spans), BELL + minutes(now))
    ]


def test_an_outage_costs_the_minutes_that_it_shares_with_the_lesson() -> None:
    assert cost(lesson(), span(LINE, "down", -20, 15)) == [(LINE, 15, 0, 0)]
    assert cost(lesson(), span(LINE, "down", 30, None), now=35) == [(LINE, 5, 0, 0)]
    assert cost(lesson(), span(LINE, "down", 40, 60)) == []


def test_what_lies_behind_a_dead_line_counts_against_the_line_and_once() -> None:
    down, behind = span(LINE, "down", 0, 20), span(ROOM, "unreachable", 2, 21, LINE)
    assert cost(lesson(), down, behind) == [(LINE, 21, 0, 0)]


def test_a_provider_outage_is_the_providers() -> None:
    assert cost(lesson(), span(LINE, "down", 0, 10, PROVIDER)) == [(PROVIDER, 10, 0, 0)]


def test_a_lesson_that_went_on_without_the_line_is_saved() -> None:
    ready = lesson(ready=True)
    proved = lesson(facts=[BELL + minutes(12)])
    before = lesson(facts=[BELL + minutes(2)])
    outage = span(LINE, "down", 10, 30)
    assert cost(ready, outage) == [(LINE, 0, 20, 0)]
    assert cost(proved, outage) == [(LINE, 0, 20, 0)]
    assert cost(before, outage) == [(LINE, 20, 0, 0)]


def test_a_dead_room_saves_nothing() -> None:
    assert cost(lesson(ready=True), span(ROOM, "down", 10, 30)) == [(ROOM, 20, 0, 0)]


def test_time_of_which_nothing_is_known_is_neither_lost_nor_nought() -> None:
    blind = span(GATEWAY, "unknown", 0, 40)
    assert cost(lesson(), blind, span(ROOM, "unknown", 0, 40, GATEWAY)) == [(GATEWAY, 0, 0, 40)]
    assert cost(lesson(), blind, span(ROOM, "up", 0, 40)) == []


def test_maintenance_and_degradation_cost_no_lesson() -> None:
    assert cost(lesson(), span(LINE, "maintenance", 0, 40), span(ROOM, "degraded", 0, 40)) == []


def test_what_an_open_fault_puts_at_risk_is_the_rest_of_this_lesson_and_all_of_the_next() -> None:
    now = BELL + minutes(30)
    coming = lesson(lesson="p2", starts_at=BELL + minutes(50), ends_at=BELL + minutes(90), exam=True)
    later = lesson(lesson="p3", starts_at=BELL + minutes(85), ends_at=BELL + minutes(125))
    spans = by_thing([span(LINE, "down", 0, None)])
    found = blasts([lesson(ready=True), coming, later], spans, now)
    assert list(found) == [LINE]
    blast = found[LINE]
    assert (blast.lessons_now, blast.students_now, blast.saved_now, blast.exams_now) == (1, 45, 1, 0)
    assert (blast.lessons_next, blast.exams_next, blast.next_at) == (1, 1, coming.starts_at)
    assert blast.at_risk_seconds == (10 + 40) * 60
    assert [one.saved for one in affected([lesson(ready=True)], spans, now)] == [True]


things = st.sampled_from([LINE, GATEWAY, ROOM])
words = st.sampled_from(["up", "degraded", "down", "unreachable", "unknown", "maintenance", "flapping"])


@st.composite
def histories(draw: st.DrawFn) -> list[StatusSpan]:
    """What the three things of a chain were, each without gap or overlap."""
    told: list[StatusSpan] = []
    for thing in (LINE, GATEWAY, ROOM):
        marks = sorted(draw(st.sets(st.integers(-60, 60), min_size=2, max_size=6)))
        root = LINE if thing is not LINE else None
        for since, until in pairwise(marks):
            told.append(span(thing, draw(words), since, until, root if draw(st.booleans()) else None))
    return told


def total(found: Sequence[Loss]) -> float:
    return sum(one.lost_seconds + one.saved_seconds + one.unknown_seconds for one in found)


@given(histories(), st.booleans(), st.integers(-10, 60))
def test_the_minutes_of_a_lesson_never_add_up_to_more_than_it_has(
    told: list[StatusSpan], ready: bool, now: int
) -> None:
    slot = lesson(ready=ready)
    passed = max(timedelta(), min(slot.ends_at, BELL + minutes(now)) - slot.starts_at)
    assert total(losses([slot], by_thing(told), BELL + minutes(now))) <= passed.total_seconds() + 1e-6


@given(histories(), st.randoms())
def test_the_order_in_which_spans_are_told_changes_nothing(told: list[StatusSpan], random) -> None:
    shuffled = list(told)
    random.shuffle(shuffled)
    end = BELL + minutes(60)
    assert losses([lesson()], by_thing(told), end) == losses([lesson()], by_thing(shuffled), end)


@given(histories(), st.integers(-59, 59))
def test_a_span_told_in_two_halves_costs_the_same(told: list[StatusSpan], cut: int) -> None:
    at = BELL + minutes(cut)
    halves: list[StatusSpan] = []
    for one in told:
        if one.until is not None and one.since < at < one.until:
            halves += [
                StatusSpan(one.thing, one.status, one.since, at, one.reason, one.root),
                StatusSpan(one.thing, one.status, at, one.until, one.reason, one.root),
            ]
        else:
            halves.append(one)
    end = BELL + minutes(60)
    whole, parts = losses([lesson()], by_thing(told), end), losses([lesson()], by_thing(halves), end)
    assert abs(total(whole) - total(parts)) < 1e-6


@given(histories())
def test_a_fault_reaches_only_lessons_now_and_within_the_hour(told: list[StatusSpan]) -> None:
    far = lesson(starts_at=BELL + AHEAD + minutes(61), ends_at=BELL + AHEAD + minutes(100))
    assert blasts([far], by_thing(told), BELL) == {}
