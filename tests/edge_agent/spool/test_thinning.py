"""Under pressure the spool gives up detail, oldest first, and counts every item it gives up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from edge_agent.spool.retention import used_ratio
from edge_agent.spool.store import Store, Submission, in_lane_order
from edge_agent.spool.thinning import Thinning
from edge_agent.spool.values import Identity, SpoolLimits
from protocols.codec import DecodeError, DecodeReason, decode_segment
from protocols.events import Event
from protocols.receipts import Outcome, SegmentReceipt
from protocols.samples import HostSample
from protocols.segments import Segment
from protocols.topics import Lane
from tests.edge_agent.spool.makers import Disk, SetClock, events, host_samples, samples_in, store_at

LIMITS = SpoolLimits(max_bytes=1024 * 1024, min_free_bytes=1000)


@dataclass
class Pressed:
    """A store that is filled until it must thin."""

    store: Store
    thinning: Thinning
    clock: SetClock
    random: Random
    taken: int = 0

    def append(self, items: list[HostSample] | list[Event]) -> None:
        self.taken += len(items)
        outcomes = self.store.append([Submission(items, whole=True)], self.thinning.relieve())
        assert outcomes.errors == [None]

    def fill(self, until: Callable[[], bool], seconds: int = 60) -> None:
        """One poll of seven things a minute, many samples each, until something is so."""
        for _ in range(3000):
            if until():
                return
            self.append(host_samples(self.clock, 70, self.random))
            self.clock.advance(seconds)
        raise AssertionError("it never came about")

    @property
    def thinned(self) -> int:
        return self.store.state.books.thinned_items

    def everything(self) -> list[bytes]:
        return [segment.payload for segment in self.store.next_segments(100_000, (), in_lane_order)]

    def told(self, event_type: str) -> list[Event]:
        return [e for payload in self.everything() for e in decode_segment(payload).events if e.type == event_type]


@pytest.fixture
def pressed(tmp_path: Path) -> Pressed:
    clock = SetClock()
    store, thinning = store_at(tmp_path / "spool.db", clock, Disk(), LIMITS)
    return Pressed(store, thinning, clock, Random(5))


def test_oldest_raw_samples_become_five_minute_aggregates(pressed: Pressed) -> None:
    pressed.fill(lambda: pressed.thinned > 500)
    samples = [sample for payload in pressed.everything() for sample in samples_in(payload)]
    merged = [sample.observed_at_ms for sample in samples if sample.resolution_seconds == 300]
    raw = [sample.observed_at_ms for sample in samples if sample.resolution_seconds == 0]
    assert merged
    assert raw
    assert max(merged) < min(raw)


def test_what_another_version_sealed_is_passed_over(pressed: Pressed, monkeypatch: pytest.MonkeyPatch) -> None:
    pressed.append(host_samples(pressed.clock, 70, pressed.random))
    foreign = _payloads(pressed.store)

    def read(payload: bytes) -> Segment:
        if payload in foreign:
            raise DecodeError(DecodeReason.BAD_SCHEMA, "Object contains unknown field `future`")
        return decode_segment(payload)

    monkeypatch.setattr("edge_agent.spool.thinning.decode_segment", read)
    monkeypatch.setattr("edge_agent.spool.ledger.decode_segment", read)
    pressed.store.restart_epoch()
    assert foreign < _payloads(pressed.store)
    pressed.clock.advance(120)
    pressed.fill(lambda: pressed.thinned > 500)
    assert foreign < _payloads(pressed.store)


def _payloads(store: Store) -> set[bytes]:
    with store.file.reading() as db:
        return {payload for (payload,) in db.execute("SELECT payload FROM segments")}


def test_thinned_and_held_and_produced_close(pressed: Pressed) -> None:
    pressed.fill(lambda: pressed.thinned > 5000)
    books = pressed.store.state.books
    assert books.produced_items == books.thinned_items + books.held_items
    assert books.held_items == sum(decode_segment(payload).items for payload in pressed.everything())


def test_the_books_on_a_segment_sealed_after_thinning_say_so(pressed: Pressed) -> None:
    pressed.fill(lambda: pressed.thinned > 500)
    pressed.append(events(pressed.clock, 1, pressed.random))
    newest = max((decode_segment(payload) for payload in pressed.everything()), key=lambda segment: segment.seq)
    assert newest.books.thinned_items >= 500


def test_months_offline_keep_within_the_budget_and_keep_every_event(pressed: Pressed) -> None:
    told = 0
    for _ in range(400):
        for _ in range(5):
            pressed.append(host_samples(pressed.clock, 70, pressed.random))
            pressed.clock.advance(3600)
        pressed.append(events(pressed.clock, 2, pressed.random))
        told += 2
        usage = pressed.store.file.usage()
        assert usage.file_bytes + pressed.store.file.wal_bytes() <= LIMITS.max_bytes
    assert used_ratio(pressed.store.file.usage(), LIMITS) < 0.97
    assert len(pressed.told("port.changed")) == told
    newest = max(s.observed_at_ms for payload in pressed.everything() for s in samples_in(payload))
    assert newest > pressed.clock.wall - 4_000_000


def test_pressure_and_thinning_are_told_as_events(pressed: Pressed) -> None:
    pressed.fill(lambda: pressed.thinned > 2000)
    pressed.fill(lambda: bool(pressed.told("spool.thinned")))
    levels = [event.attributes["level_ratio"] for event in pressed.told("spool.pressure")]
    assert levels[:2] == [0.7, 0.85]
    assert sum(int(event.attributes["items"] or 0) for event in pressed.told("spool.thinned")) <= pressed.thinned


def test_what_was_handed_out_for_sending_is_never_thinned(pressed: Pressed) -> None:
    pressed.fill(lambda: pressed.store.state.books.held_items > 2000)
    sent = {segment.identity: segment.payload for segment in pressed.store.next_segments(10, (), in_lane_order)}
    pressed.fill(lambda: pressed.thinned > 5000)
    still = {s.identity: s.payload for s in pressed.store.next_segments(100_000, (), in_lane_order)}
    assert sent.items() <= still.items()


def test_the_last_minute_stays_raw(pressed: Pressed) -> None:
    for _ in range(200):
        pressed.append(host_samples(pressed.clock, 400, pressed.random))
    assert all(s.resolution_seconds == 0 for payload in pressed.everything() for s in samples_in(payload))


def test_aggregates_are_sent_before_the_raw_backlog_and_confirmed_like_any_other(pressed: Pressed) -> None:
    pressed.fill(lambda: pressed.thinned > 500)
    backlog = [s for s in pressed.store.next_segments(100_000, (), in_lane_order) if s.lane is Lane.BACKLOG]
    resolutions = [samples_in(segment.payload)[0].resolution_seconds for segment in backlog]
    assert resolutions == sorted(resolutions, reverse=True)
    receipts = [SegmentReceipt(epoch=s.identity.epoch, seq=s.identity.seq, outcome=Outcome.STORED) for s in backlog]
    held = pressed.store.state.books.held_items
    pressed.store.confirm(receipts, None)
    assert pressed.store.state.books.held_items == held - sum(segment.items for segment in backlog)


def test_an_aggregate_keeps_the_boot_of_its_samples(pressed: Pressed) -> None:
    pressed.fill(lambda: pressed.store.state.books.held_items > 1000)
    pressed.clock.reboot()
    pressed.fill(lambda: pressed.thinned > 200)
    oldest = next(iter(pressed.store.next_segments(1, (), lambda _waiting, _limit: [Lane.BACKLOG])))
    segment = decode_segment(oldest.payload)
    assert segment.boot == "boot-1"
    assert isinstance(oldest.identity, Identity)
