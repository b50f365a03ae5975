"""Items become segments that the cloud can read, or are refused with their reason."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest

from edge_agent.spool.sealing import BadItem, Header, bad_items, seal
from edge_agent.spool.values import StoredLane
from protocols.codec import MAX_PAYLOAD_BYTES, decode_segment
from protocols.events import Event
from protocols.samples import HostSample, Kind
from protocols.segments import Books
from tests.edge_agent.spool.makers import SetClock, events, host_samples

HEADER = Header("s07-gw", "0" * 16, 5, 3, "boot", 1_000, 1_000, Books(produced_items=10, held_items=10))


def test_events_and_health_travel_apart_and_events_first() -> None:
    clock, random = SetClock(), Random(1)
    sealed, after = seal([*host_samples(clock, 3, random), *events(clock, 2, random)], HEADER)
    assert [(one.seq, one.lane, one.items) for one in sealed] == [(5, StoredLane.EVENTS, 2), (6, StoredLane.HEALTH, 3)]
    assert after.next_seq == 7
    assert after.books == Books(produced_items=15, held_items=15)


def test_each_segment_carries_the_books_with_itself_in() -> None:
    sealed, _ = seal([*host_samples(SetClock(), 2500, Random(1))], HEADER)
    segments = [decode_segment(one.payload) for one in sealed]
    assert [segment.books.produced_items for segment in segments] == [1010, 2010, 2510]
    assert [segment.seq for segment in segments] == [5, 6, 7]
    assert {segment.low for segment in segments} == {3}


def test_a_batch_too_large_for_one_segment_is_split_and_nothing_is_lost() -> None:
    told = events(SetClock(), 40, Random(1), size_bytes=30_000)
    sealed, _ = seal(told, HEADER)
    assert len(sealed) > 1
    assert all(len(one.payload) <= MAX_PAYLOAD_BYTES for one in sealed)
    assert [event for one in sealed for event in decode_segment(one.payload).events] == told


def test_what_would_be_too_large_decompressed_is_split_too() -> None:
    (event,) = events(SetClock(), 1, Random(1))
    million = {f"text{number}": "a" * 1000 for number in range(1000)}
    told = [msgspec.structs.replace(event, attributes=million) for _ in range(6)]
    sealed, _ = seal(told, HEADER)
    assert len(sealed) > 1
    assert sum(decode_segment(one.payload).items for one in sealed) == 6


def _host(**values: Any) -> HostSample:
    return HostSample(**{"thing": "h", "observed_at_ms": 1, "monotonic_ms": 1, **values})


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (_host(cpu_ratio=1.5), "Expected `float` <= 1.0 - at `$.blocks[0].cpu_ratio[0]`"),
        (_host(cpu_ratio=float("nan")), "Expected `float` >= 0.0"),
        (_host(cpu_ratio="much"), "Expected `float | null`, got `str`"),
        (_host(thing=""), "Expected `str` of length >= 1"),
        (_host(observed_at_ms=None), "Expected `int`, got `None`"),
        (_host(disk_free_bytes=2**70), "can't serialize ints"),
        (_host(temperature_celsius=object()), "Encoding objects of type object is unsupported"),
        ("a text", "neither a sample, an event nor a record, but str"),
        (
            Event(event_id="0" * 32, type="made.up", kind=Kind.HOST, thing="h", observed_at_ms=1, monotonic_ms=1),
            "event type 'made.up' is not in the catalogue",
        ),
        (
            Event(event_id="no", type="port.changed", kind=Kind.HOST, thing="h", observed_at_ms=1, monotonic_ms=1),
            "Expected `str` of length >= 32",
        ),
    ],
)
def test_a_bad_item_is_named_with_its_fault_and_the_others_pass(bad: Any, reason: str) -> None:
    batch = [_host(), bad, _host()]
    with pytest.raises(BadItem) as refused:
        seal(batch, HEADER)
    assert refused.value.position == 1
    assert reason in refused.value.reason
    assert list(bad_items(batch, HEADER)) == [1]


def test_an_item_too_large_alone_is_refused() -> None:
    (event,) = events(SetClock(), 1, Random(1), size_bytes=400_000)
    with pytest.raises(BadItem, match="the limit is 131072"):
        seal([event], HEADER)
