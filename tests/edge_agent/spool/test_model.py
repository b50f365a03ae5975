"""The delivery contract as a model: whatever happens in whatever order, the books close and no promise is broken.

The cloud of the model stores by identity; the wire loses, repeats and reorders; processes die; the disk fills;
segments rot; old copies of the file come back. After every step the spool is compared with what the model knows.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge_agent.spool.errors import SpoolFull
from edge_agent.spool.store import Submission, in_lane_order
from edge_agent.spool.values import HeldSegment, Identity, SpoolLimits
from protocols.codec import MAX_PAYLOAD_BYTES, decode_segment
from protocols.receipts import Outcome, SegmentReceipt
from tests.edge_agent.spool.makers import PLENTY_BYTES, Disk, SetClock, die, event_ids, events, host_samples, store_at

LIMITS = SpoolLimits(max_bytes=1024 * 1024, min_free_bytes=1024 * 1024)


class DeliveryContract(RuleBasedStateMachine):
    """One spool, one wire, one cloud."""

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        # In memory where there is such a place: the model commits some thousand times and has no power cuts.
        memory = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="spool-model-", dir=memory if memory.is_dir() else None))
        self.generation = 0
        self.random = Random(seed)
        self.clock = SetClock()
        self.disk = Disk()
        self.store, self.thinning = store_at(self._path(), self.clock, self.disk, LIMITS, seed)
        self.cloud: dict[Identity, HeldSegment] = {}
        self.wire: list[HeldSegment] = []
        self.receipts: list[SegmentReceipt] = []
        self.promised: set[str] = set()
        self.session = 0
        self.born = True
        self.restored_epochs: set[str] = set()
        self.copy: tuple[Path, set[str], int] | None = None

    def _path(self) -> Path:
        return self.folder / str(self.generation) / "spool.db"

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.store.file.close()
            self.store.file.unlock()
            shutil.rmtree(self.folder)

    def _append(self, items: list[Any]) -> bool:
        usage = self.thinning.relieve()
        try:
            outcomes = self.store.append([Submission(items, whole=True)], usage)
        except SpoolFull:
            return False
        return outcomes.errors == [None]

    # -- in

    @rule(count=st.sampled_from([1, 40, 400]))
    def measure(self, count: int) -> None:
        assert self._append(host_samples(self.clock, count, self.random)) or self.full

    @rule(count=st.integers(1, 20), size_bytes=st.sampled_from([20, 4_000, 30_000]))
    def tell(self, count: int, size_bytes: int) -> None:
        told = events(self.clock, count, self.random, size_bytes)
        if self._append(told):
            self.promised |= {event.event_id for event in told}

    @rule(seconds=st.sampled_from([1, 30, 61, 301, 4_000]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule()
    def step_wall_clock_back(self) -> None:
        self.clock.wall -= 1_000_000

    # -- the wire and the cloud

    @precondition(lambda self: self.born)
    @rule(limit=st.integers(1, 8), expecting=st.booleans())
    def send(self, limit: int, expecting: bool) -> None:
        self.store.expect_sending = expecting
        self.wire += self.store.next_segments(limit, {segment.identity for segment in self.wire}, in_lane_order)

    @precondition(lambda self: self.wire)
    @rule(pick=st.integers(0, 2**16), keep=st.booleans(), reject=st.booleans())
    def arrive(self, pick: int, keep: bool, reject: bool) -> None:
        segment = self.wire[pick % len(self.wire)]
        if not keep:
            self.wire.remove(segment)
        known = self.cloud.setdefault(segment.identity, segment)
        assert known.payload == segment.payload, "the same identity with other bytes"
        outcome = Outcome.REJECTED if reject else Outcome.STORED
        epoch, seq = segment.identity
        self.receipts.append(SegmentReceipt(epoch=epoch, seq=seq, outcome=outcome))

    @precondition(lambda self: self.receipts)
    @rule(picks=st.lists(st.integers(0, 2**16), min_size=1, max_size=5), repeat=st.booleans())
    def be_receipted(self, picks: list[int], repeat: bool) -> None:
        chosen = [self.receipts[pick % len(self.receipts)] for pick in picks]
        try:
            self.store.confirm(chosen, None)
        except SpoolFull:
            assert self.full
            return
        if not repeat:
            self.receipts = [receipt for receipt in self.receipts if receipt not in chosen]

    @precondition(lambda self: self.born)
    @rule(limit=st.integers(1, 16), receipted=st.integers(0, 16), reject=st.booleans())
    def exchange(self, limit: int, receipted: int, reject: bool) -> None:
        """A good moment of the line: some go, all arrive, some receipts come back, last first."""
        self.wire += self.store.next_segments(limit, (), in_lane_order)
        arrived = len(self.receipts)
        while self.wire:
            self.arrive(len(self.wire) - 1, keep=False, reject=reject)
        if receipted and len(self.receipts) > arrived:
            self.be_receipted(list(range(arrived, min(len(self.receipts), arrived + receipted)))[::-1], repeat=False)

    @precondition(lambda self: self.wire or self.receipts)
    @rule()
    def lose_everything_under_way(self) -> None:
        self.wire.clear()
        self.receipts.clear()

    # -- faults

    @property
    def full(self) -> bool:
        return self.disk.free_bytes < PLENTY_BYTES or self.capped

    capped = False

    @rule(trouble=st.sampled_from(["floor", "below the floor", "writes fail"]))
    def disk_fills(self, trouble: str) -> None:
        if trouble == "writes fail":
            pages = self.store.file.db.execute("PRAGMA page_count").fetchone()[0]
            self.store.file.db.execute(f"PRAGMA max_page_count = {pages}")
            self.capped = True
        else:
            self.disk.free_bytes = 0 if trouble == "floor" else 700_000

    @precondition(lambda self: self.full)
    @rule()
    def disk_heals(self) -> None:
        self.disk.free_bytes, self.capped = PLENTY_BYTES, False
        self.store.file.db.execute("PRAGMA max_page_count = 192")

    @precondition(lambda self: self.born)
    @rule(reboot=st.booleans(), born_at_once=st.booleans())
    def die_and_come_back(self, reboot: bool, born_at_once: bool) -> None:
        self.generation += 1
        die(self.store, self._path())
        self._come_back(reboot)
        if born_at_once:
            self.be_born()

    def _come_back(self, reboot: bool) -> None:
        if reboot:
            self.clock.reboot()
        self.wire.clear()
        self.receipts.clear()
        self.capped = False
        self.store, self.thinning = store_at(self._path(), self.clock, self.disk, LIMITS, self.random.randrange(2**32))
        self.born = False

    @precondition(lambda self: not self.born)
    @rule()
    def be_born(self) -> None:
        try:
            session = self.store.take_session()
        except SpoolFull:
            assert self.full
            return
        assert session > self.session
        self.session = session
        position = self.store.position()
        high_seq = max((seq for epoch, seq in self.cloud if epoch == position.epoch), default=0)
        if high_seq >= position.next_seq or high_seq > self.store.state.sent_seq:
            try:
                self.store.restart_epoch()
            except SpoolFull:
                return
        self.born = True

    @precondition(lambda self: self._held_rows() and not self.full)
    @rule(pick=st.integers(0, 2**16))
    def rot(self, pick: int) -> None:
        rows = self._held_rows()
        identity, lane, _ = rows[pick % len(rows)]
        self.store.file.db.execute(
            "UPDATE segments SET checksum = checksum + 1 WHERE seq = ?"
            " AND epoch_id = (SELECT epoch_id FROM epochs WHERE epoch = ?)",
            (identity.seq, identity.epoch),
        )
        if lane == 1 and identity not in self.cloud:
            payload = self._payload(identity)
            self.promised -= set(event_ids(payload))

    @rule()
    def set_a_copy_by(self) -> None:
        target = self.folder / "copy" / "spool.db"
        shutil.rmtree(target.parent, ignore_errors=True)
        self.generation += 1
        die(self.store, target)
        shutil.copytree(target.parent, self._path().parent)
        born = self.born
        self._come_back(reboot=False)
        # Nobody died here, so whoever was accepted still is; but nothing may be known of a copy not yet born.
        self.born = born
        self.copy = (target, set(self.promised), self.session)

    @precondition(lambda self: self.copy is not None and self.born)
    @rule(sealed_unborn=st.integers(0, 3))
    def restore_the_old_copy(self, sealed_unborn: int) -> None:
        assert self.copy is not None
        target, promised, self.session = self.copy
        self.store.file.close()
        self.store.file.unlock()
        self.generation += 1
        shutil.copytree(target.parent, self._path().parent)
        self._come_back(reboot=True)
        # What the lost state of the spool alone had held is lost with it; what it had delivered is not.
        delivered = {name for segment in self.cloud.values() for name in event_ids(segment.payload)}
        self.promised = (self.promised & delivered) | promised
        self.restored_epochs = {row[0] for row in self.store.file.db.execute("SELECT epoch FROM epochs")}
        for _ in range(sealed_unborn):
            self.tell(count=2, size_bytes=20)
        self.be_born()

    # -- what is always so

    def _held_rows(self) -> list[tuple[Identity, int, int]]:
        rows = self.store.file.db.execute("SELECT epoch, seq, lane, items FROM segments JOIN epochs USING (epoch_id)")
        return [(Identity(epoch, seq), lane, items) for epoch, seq, lane, items in rows]

    def _payload(self, identity: Identity) -> bytes:
        row = self.store.file.db.execute(
            "SELECT payload FROM segments JOIN epochs USING (epoch_id) WHERE epoch = ? AND seq = ?", identity
        ).fetchone()
        assert isinstance(row[0], bytes)
        return row[0]

    @invariant()
    def books_close(self) -> None:
        db = self.store.file.db
        held: Counter[str] = Counter()
        unknown: Counter[str] = Counter()
        rows = self._held_rows()
        rows_aside = db.execute("SELECT epoch, seq, lane, items FROM set_aside JOIN epochs USING (epoch_id)").fetchall()
        for identity, _, items in rows:
            held[identity.epoch] += items
            unknown[identity.epoch] += 0 if identity in self.cloud else items
        for epoch, seq, _, items in rows_aside:
            unknown[epoch] += 0 if (epoch, seq) in self.cloud else items
        stored: Counter[str] = Counter()
        for identity, segment in self.cloud.items():
            stored[identity.epoch] += segment.items
        books = db.execute(
            "SELECT epoch, next_seq, produced_items, confirmed_items, rejected_items, thinned_items, damaged_items"
            " FROM epochs"
        ).fetchall()
        for epoch, next_seq, produced, confirmed, rejected, thinned, damaged in books:
            assert produced == confirmed + rejected + thinned + damaged + held[epoch]
            assert min(produced, confirmed, rejected, thinned, damaged) >= 0
            assert all(identity.seq < next_seq for identity, _, _ in rows if identity.epoch == epoch)
            if epoch not in self.restored_epochs:
                assert produced == stored[epoch] + unknown[epoch] + thinned, "an item is lost or counted twice"

    @invariant()
    def memory_agrees_with_the_file(self) -> None:
        state = self.store.state
        rows = self._held_rows()
        assert state.books.held_items == sum(i for identity, _, i in rows if identity.epoch == state.epoch)
        assert sum(totals.segments for totals in state.totals.values()) == len(rows)
        assert sum(totals.items for totals in state.totals.values()) == sum(items for _, _, items in rows)
        lows = [identity.seq for identity, _, _ in rows if identity.epoch == state.epoch]
        assert self.store.position().low == min(lows, default=state.next_seq)

    @invariant()
    def promises_are_kept(self) -> None:
        db = self.store.file.db
        kept = {
            name
            for (payload,) in db.execute(
                "SELECT payload FROM segments WHERE lane = 1 UNION ALL SELECT payload FROM set_aside WHERE lane = 1"
            )
            for name in event_ids(payload)
        }
        stored = {name for segment in self.cloud.values() for name in event_ids(segment.payload)}
        assert self.promised <= kept | stored, "an event that was accepted is gone"

    @invariant()
    def nothing_is_too_large(self) -> None:
        sizes = self.store.file.db.execute("SELECT MAX(LENGTH(payload)) FROM segments").fetchone()
        assert (sizes[0] or 0) <= MAX_PAYLOAD_BYTES
        usage = self.store.file.usage()
        assert usage.file_bytes <= LIMITS.max_bytes

    @invariant()
    def what_is_sent_can_be_read(self) -> None:
        for segment in self.wire[-3:]:
            decoded = decode_segment(segment.payload)
            assert (decoded.epoch, decoded.seq, decoded.items) == (*segment.identity, segment.items)
            books = decoded.books
            parts = books.confirmed_items + books.rejected_items + books.thinned_items + books.damaged_items
            assert books.produced_items == parts + books.held_items
            assert decoded.low <= decoded.seq


TestDeliveryContract = DeliveryContract.TestCase
TestDeliveryContract.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
