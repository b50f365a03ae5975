"""The buffer: bounded, without repeats, urgent lanes first and the backlog never starved."""

from __future__ import annotations

from cloud.ingest.buffer import Buffer
from cloud.ingest.models import Arrival, Refusal
from protocols.codec import DecodeReason
from protocols.segments import content_hash
from protocols.topics import Lane


def item(name: str, lane: Lane = Lane.LIVE, agent: str = "a", size: int = 10) -> Refusal:
    payload = name.encode().ljust(size)
    return Refusal(Arrival(agent, lane, "t", "c", payload, 0), content_hash(payload), DecodeReason.BAD_SCHEMA, "")


def test_what_does_not_fit_is_shed_and_counted() -> None:
    buffer = Buffer(25)
    assert [buffer.put(item(name)) for name in "abc"] == [True, True, False]
    assert (buffer.shed_total, len(buffer), buffer.size_bytes) == (1, 2, 20)


def test_what_is_being_committed_still_counts_until_it_is_released() -> None:
    buffer = Buffer(25)
    buffer.put(item("a"))
    buffer.put(item("b"))
    batch = buffer.take(10)
    assert buffer.put(item("c")) is False
    buffer.release(batch)
    assert buffer.put(item("c")) is True
    assert buffer.size_bytes == 10


def test_an_arrival_that_waits_already_is_not_taken_twice() -> None:
    buffer = Buffer(1000)
    assert buffer.put(item("a"))
    assert not buffer.put(item("a"))
    assert buffer.put(item("a", agent="b")), "the same bytes under another agent's topic are another arrival"
    batch = buffer.take(10)
    assert not buffer.put(item("a")), "it is being committed"
    buffer.release(batch)
    assert buffer.put(item("a"))
    assert buffer.repeated_total == 2


def test_urgent_lanes_go_first_and_the_backlog_gets_its_quarter() -> None:
    buffer = Buffer(100_000)
    for number in range(20):
        buffer.put(item(f"old{number}", Lane.BACKLOG))
        buffer.put(item(f"new{number}", Lane.EVENTS))
    lanes = [taken.arrival.lane for taken in buffer.take(8)]
    assert lanes == [Lane.EVENTS] * 6 + [Lane.BACKLOG] * 2


def test_without_urgent_ones_the_backlog_gets_all() -> None:
    buffer = Buffer(100_000)
    for number in range(20):
        buffer.put(item(f"old{number}", Lane.BACKLOG))
    assert len(buffer.take(8)) == 8
    assert buffer.rows == 12
