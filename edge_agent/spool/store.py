"""The spool, synchronous: what is held, in which order it goes, and the books. One thread at a time.

Invariants, true after every transaction and so after every kind of death:

1. A segment is held if and only if its row is committed; an append that returned is committed (fsync).
2. `seq` runs gap-free from 1 in each epoch and is never reused: `next_seq` moves in the transaction that stores the
   segment.
3. produced = confirmed + rejected + thinned + damaged + held, per epoch, in items. Aggregates made by thinning count
   as produced.
4. A segment leaves only by a receipt (confirmed, rejected), by thinning (health), or by being set aside (damaged).
5. A segment that was ever handed out for sending is never thinned: the cloud may hold it. It is marked before it is
   handed out.
6. Events and records are never dropped; where there is no room the append fails and nothing of it is stored.
7. A segment's bytes never change: what is stored is what is sent, records sealed with the agent's key (`secrecy`).

Layout: `schema.sql`. Crash rules: SQLite replays its log; a process killed between two transactions has lost nothing
that it answered for. When COMMIT itself reports an I/O error the transaction is rolled back and the caller told;
should the machine die before the log is written again, that transaction may come back to life, which makes its items
arrive twice under two seqs, never lost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice, takewhile

import structlog
from msgspec import Struct

from edge_agent.spool import retention
from edge_agent.spool.errors import ItemRefused, SpoolError, SpoolFull, SpoolUnwritable
from edge_agent.spool.ledger import Ledger, segment_key
from edge_agent.spool.sealing import BadItem, Sealed, bad_items, checksum, seal
from edge_agent.spool.secrecy import NoKey, SealedElsewhere
from edge_agent.spool.values import LIVE_SECONDS, PROMISED_ITEMS, HeldSegment, Identity, Item, StoredLane
from protocols.receipts import Outcome, SegmentReceipt
from protocols.records import Record
from protocols.topics import Lane

ROW_OVERHEAD_BYTES = 256
"""A row's other columns, its two index entries and its share of page slack; measured 150 to 220."""

MAX_REASON_LENGTH = 200

MARK_AHEAD = 32
"""Backlog segments marked as sent beyond those handed out, so that draining costs one extra commit in many."""

Choose = Callable[[Mapping[Lane, int], int], Sequence[Lane]]
"""Given how many segments wait in each lane and how many may go, return the lanes to take them from, in order."""

log = structlog.get_logger(__name__)


class Submission(Struct, frozen=True):
    """Items handed in together. `whole`: one bad item refuses them all; otherwise only itself."""

    items: Sequence[Item]
    whole: bool


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of the submissions of one commit: an error or None for each, and how many items were refused."""

    errors: list[SpoolError | None]
    refused_items: int


@dataclass(frozen=True, slots=True)
class Head:
    """A held segment without its payload."""

    segment_id: int
    identity: Identity
    items: int
    sent: bool
    boot: str
    sealed_monotonic_ms: int


class Store(Ledger):
    """Segments held, taken in and handed out."""

    def append(self, submissions: Sequence[Submission], usage: retention.Usage) -> Outcomes:
        """Seal and commit submissions in one transaction; `usage` is the disk's as of now.

        Health for which there is no room is counted as thinned on arrival. A submission with a bad item, or with
        events or records that do not fit, gets its error; so do those with records while there is no key to seal them
        with; the others are stored.

        Raises:
            SpoolFull, SpoolUnwritable: nothing at all was stored.
        """
        try:
            return self._append(submissions, usage)
        except NoKey as error:
            others = [Submission((), one.whole) if _holds_records(one) else one for one in submissions]
            outcomes = self._append(others, usage)
            errors = [
                said if other is one else error
                for said, one, other in zip(outcomes.errors, submissions, others, strict=True)
            ]
            return Outcomes(errors, outcomes.refused_items)

    def _append(self, submissions: Sequence[Submission], usage: retention.Usage) -> Outcomes:
        errors: list[SpoolError | None] = [None] * len(submissions)
        pending: dict[int, Sequence[Item]] = {index: one.items for index, one in enumerate(submissions)}
        notes, refused, header = self.state.notes, 0, self.header()
        while True:
            try:
                sealed, _ = seal([*notes, *chain.from_iterable(pending.values())], header)
            except BadItem as error:
                refused += self._take_out(error.position - len(notes), error.reason, pending, errors, submissions)
                continue
            promised = [one for one in sealed if one.lane is not StoredLane.HEALTH]
            if not promised or retention.has_room(usage, self.limits, StoredLane.EVENTS, _need_bytes(promised)):
                break
            if notes:
                notes = ()
                continue
            for index, items in list(pending.items()):
                if any(isinstance(item, PROMISED_ITEMS) for item in items):
                    errors[index] = SpoolFull(f"no room for {len(items)} items with events or records among them")
                    del pending[index]
        health = [one for one in sealed if one.lane is StoredLane.HEALTH]
        fits = not health or retention.has_room(usage, self.limits, StoredLane.HEALTH, _need_bytes(sealed))
        if sealed:
            with self.transaction() as db:
                self.insert(db, sealed if fits else promised, header)
                if not fits:
                    self.count_unstored(db, health)
                if notes:
                    self.state.notes = ()
        return Outcomes(errors, refused)

    def _take_out(
        self,
        flat_position: int,
        reason: str,
        pending: dict[int, Sequence[Item]],
        errors: list[SpoolError | None],
        submissions: Sequence[Submission],
    ) -> int:
        """Take the submission with a bad item out of the batch, or all bad items out of one that may go in parts."""
        owners = [(index, position) for index, items in pending.items() for position in range(len(items))]
        index, position = owners[flat_position]
        items = pending[index]
        if submissions[index].whole:
            errors[index] = ItemRefused(position, reason)
            del pending[index]
            return 1
        # Every bad one at once: finding them one by one would seal the batch again for each.
        bad = bad_items(items, self.header()) or {position: reason}
        pending[index] = [item for position, item in enumerate(items) if position not in bad]
        for why in bad.values():
            log.warning("spool_item_refused", agent=self.agent, reason=why)
        return len(bad)

    def count_unstored(self, db: sqlite3.Connection, dropped: Sequence[Sealed]) -> None:
        """Count sealed health that found no room: its seqs are spent, its items thinned on arrival."""
        items = sum(one.items for one in dropped)
        self.state.next_seq = dropped[-1].seq + 1
        self.count(db, self.state.epoch_id, produced=items, thinned=items)
        self.state.thinned_unreported += items

    def count_never_sealed(self, items: int) -> None:
        """Count health that was given up in memory while the disk could not be written."""
        with self.transaction() as db:
            self.count(db, self.state.epoch_id, produced=items, thinned=items)
        self.state.thinned_unreported += items

    def watch_pressure(self, usage: retention.Usage) -> None:
        """Tell as an event when a level of pressure was passed, up or down."""
        ratio = retention.used_ratio(usage, self.limits)
        level = retention.pressure_level(ratio, self.state.pressure)
        if level != self.state.pressure:
            self.state.pressure = level
            self.note("spool.pressure", level_ratio=level, used_ratio=round(ratio, 4), used_bytes=usage.used_bytes)
            log.warning("spool_pressure", agent=self.agent, level_ratio=level, used_ratio=round(ratio, 4))

    def next_segments(self, limit: int, skip: Collection[Identity], choose: Choose) -> list[HeldSegment]:
        """Return up to `limit` held segments that are not in `skip`, lanes as `choose` says.

        Events, records and backlog oldest first; live newest first, so that the present is on the wall before the
        last minute. Nothing moves: the same segments come back until `confirm`. A damaged one is set aside and not
        returned; records are passed over while there is no key to open them.
        """
        lanes = list(Lane)
        while True:
            heads = {lane: self._heads(lane, limit, skip) if lane in lanes else [] for lane in Lane}
            order = choose({lane: len(waiting) for lane, waiting in heads.items()}, limit)
            waiting = {lane: iter(found) for lane, found in heads.items()}
            chosen = [(lane, next(waiting[lane])) for lane in order]
            try:
                segments, damaged = self._load(chosen)
            except NoKey:
                lanes.remove(Lane.RECORDS)
                continue
            if damaged:
                skip = self._put_away(damaged, skip)
                continue
            self._mark_sent([head for _, head in chosen], ahead=heads[Lane.BACKLOG])
            return segments

    def _put_away(self, damaged: Sequence[tuple[Head, str]], skip: Collection[Identity]) -> Collection[Identity]:
        """Set damaged segments aside; return what to skip, which includes those for which there is no room to do so."""
        for head, reason in damaged:
            try:
                self.set_aside(head.identity, reason)
            except (SpoolFull, SpoolUnwritable):
                log.warning(
                    "spool_set_aside_failed", agent=self.agent, epoch=head.identity.epoch, seq=head.identity.seq
                )
                skip = {*skip, head.identity}
        return skip

    def _heads(self, lane: Lane, limit: int, skip: Collection[Identity]) -> list[Head]:
        match lane:
            case Lane.LIVE:
                rows = self.young(limit + len(skip))
            case Lane.BACKLOG:
                rows = self.old()
            case _:
                rows = self.rows(PROMISED, int(STORED[lane]))
        most = limit + (MARK_AHEAD if lane is Lane.BACKLOG else 0)
        with closing(rows):
            waiting = (head for head in rows if head.identity not in skip)
            return list(islice(waiting, most))

    def rows(self, query: str, *parameters: int) -> Generator[Head, None, None]:
        """Yield the heads that a query of this module finds."""
        with self.file.reading() as db:
            for segment_id, epoch, seq, items, sent, boot, sealed_monotonic_ms in db.execute(query, parameters):
                yield Head(segment_id, Identity(epoch, seq), items, bool(sent), boot, sealed_monotonic_ms)

    def young(self, most: int) -> Generator[Head, None, None]:
        """Yield live segments, newest first: raw health of this epoch and boot, sealed within the last minute."""
        with closing(self.rows(_RAW_NEWEST_FIRST, self.key(0))) as rows:
            yield from islice(takewhile(self._is_young, rows), most)

    def old(self) -> Generator[Head, None, None]:
        """Yield backlog, oldest data first: what thinning left, then raw health up to where it is live."""
        yield from self.rows(_AGGREGATES)
        first_key = self.key(0)
        with closing(self.rows(_RAW)) as rows:
            for head in rows:
                if head.segment_id > first_key and self._is_young(head):
                    return
                yield head

    def _is_young(self, head: Head) -> bool:
        age_ms = self.clock.monotonic_ms() - head.sealed_monotonic_ms
        return head.boot == self.clock.boot and age_ms <= LIVE_SECONDS * 1000

    def _load(self, chosen: Sequence[tuple[Lane, Head]]) -> tuple[list[HeldSegment], list[tuple[Head, str]]]:
        """Return the segments as they are to be sent, and those that cannot be, with the reason."""
        segments, damaged = [], []
        with self.file.reading() as db:
            for lane, head in chosen:
                payload, stored_checksum = db.execute(
                    "SELECT payload, checksum FROM segments WHERE segment_id = ?", (head.segment_id,)
                ).fetchone()
                epoch, seq = head.identity
                if checksum(epoch, seq, STORED[lane], head.items, payload) != stored_checksum:
                    damaged.append((head, "checksum"))
                    continue
                try:
                    segments.append(HeldSegment(head.identity, lane, head.items, self.secrecy.opened(payload)))
                except SealedElsewhere as error:
                    damaged.append((head, str(error)[:MAX_REASON_LENGTH]))
        return segments, damaged

    def _mark_sent(self, heads: Sequence[Head], ahead: Sequence[Head]) -> None:
        unmarked = [head for head in heads if not head.sent and head.segment_id not in self.sent_unmarked]
        if not unmarked:
            return
        marked = {head.segment_id: head.identity for head in (*unmarked, *ahead) if not head.sent}
        seqs = [seq for epoch, seq in marked.values() if epoch == self.state.epoch]
        try:
            with self.transaction() as db:
                db.executemany("UPDATE segments SET sent = 1 WHERE segment_id = ?", [(key,) for key in marked])
                self.note_sent(db, max(seqs, default=0))
        except SpoolFull:
            # A full disk must not stop the sending that would empty it; the mark is then kept in memory.
            self.sent_unmarked.update(head.segment_id for head in unmarked)
            self.state.sent_seq = max([self.state.sent_seq, *seqs])

    def confirm(self, receipts: Iterable[SegmentReceipt], skew_seconds: float | None) -> int:
        """Let go of receipted segments, in one transaction; return how many were held. Unknown ones are past news."""
        released = 0
        with self.transaction() as db:
            for receipt in receipts:
                released += self._confirm_one(db, receipt)
            db.execute(
                "UPDATE spool SET last_receipt_at_ms = ?, skew_seconds = COALESCE(?, skew_seconds)",
                (self.clock.wall_ms(), skew_seconds),
            )
            self.refresh_low(db)
        self.file.give_back_pages()
        return released

    def _confirm_one(self, db: sqlite3.Connection, receipt: SegmentReceipt) -> int:
        rejected = receipt.outcome is Outcome.REJECTED
        row = self.find(db, receipt.epoch, receipt.seq)
        if row is not None:
            segment_id, epoch_id, lane, items, size_bytes = row
            self.remove(db, [(segment_id, lane, items, size_bytes)])
            self.count(db, epoch_id, confirmed=0 if rejected else items, rejected=items if rejected else 0)
            return 1
        aside = db.execute(
            "DELETE FROM set_aside WHERE seq = ? AND epoch_id = (SELECT epoch_id FROM epochs WHERE epoch = ?)"
            " RETURNING epoch_id, items",
            (receipt.seq, receipt.epoch),
        ).fetchone()
        if aside is not None:
            # It had been sent before it was found damaged here, and the cloud has it after all.
            epoch_id, items = aside
            self.count(
                db, epoch_id, damaged=-items, confirmed=0 if rejected else items, rejected=items if rejected else 0
            )
        return 0

    def set_aside(self, identity: Identity, reason: str) -> bool:
        """Move a held segment out of the way of the others; return whether it was held.

        It is counted as damaged and told as an event, all in one transaction.
        """
        with self.transaction() as db:
            row = self.find(db, *identity)
            if row is None:
                return False
            segment_id, epoch_id, lane, stored_items, size_bytes = row
            # What the others leave over of what is held: the row's own count may be the very thing that is damaged.
            items = self._held_items(db, epoch_id) - self._items_beside(db, epoch_id, segment_id)
            db.execute(
                "INSERT OR REPLACE INTO set_aside (epoch_id, seq, lane, items, reason, set_aside_at_ms, payload)"
                " SELECT epoch_id, seq, lane, ?, ?, ?, payload FROM segments WHERE segment_id = ?",
                (items, reason, self.clock.wall_ms(), segment_id),
            )
            self.remove(db, [(segment_id, lane, stored_items, size_bytes)])
            self.count(db, epoch_id, damaged=items)
            self.refresh_low(db)
            self.note("spool.damaged", epoch=identity.epoch, seq=identity.seq, items=items, reason=reason)
            self.insert_notes(db)
        if items != stored_items:
            self.reload()
        log.error(
            "spool_segment_set_aside",
            agent=self.agent,
            epoch=identity.epoch,
            seq=identity.seq,
            items=items,
            reason=reason,
        )
        return True

    def _held_items(self, db: sqlite3.Connection, epoch_id: int) -> int:
        row = db.execute(
            "SELECT produced_items - confirmed_items - rejected_items - thinned_items - damaged_items FROM epochs"
            " WHERE epoch_id = ?",
            (epoch_id,),
        ).fetchone()
        return int(row[0])

    def _items_beside(self, db: sqlite3.Connection, epoch_id: int, segment_id: int) -> int:
        row = db.execute(
            "SELECT COALESCE(SUM(items), 0) FROM segments WHERE segment_id > ? AND segment_id < ? AND segment_id <> ?",
            (segment_key(epoch_id, 0), segment_key(epoch_id + 1, 0), segment_id),
        ).fetchone()
        return int(row[0])


STORED = {
    Lane.EVENTS: StoredLane.EVENTS,
    Lane.RECORDS: StoredLane.RECORDS,
    Lane.LIVE: StoredLane.HEALTH,
    Lane.BACKLOG: StoredLane.HEALTH,
}

_HEAD = (
    "SELECT segment_id, epoch, seq, items, sent, boot, sealed_monotonic_ms FROM segments JOIN epochs USING (epoch_id)"
)
PROMISED = _HEAD + " WHERE lane = ? AND lane < 3 ORDER BY segment_id"
_AGGREGATES = _HEAD + " WHERE aggregate ORDER BY segment_id"
_RAW = _HEAD + " WHERE lane = 3 AND NOT aggregate ORDER BY segment_id"
_RAW_NEWEST_FIRST = _HEAD + " WHERE lane = 3 AND NOT aggregate AND segment_id > ? ORDER BY segment_id DESC"


def in_lane_order(waiting: Mapping[Lane, int], limit: int) -> Sequence[Lane]:
    """Choose strictly by urgency, the default order of `next_segments`."""
    return [lane for lane in Lane for _ in range(waiting[lane])][:limit]


def _holds_records(submission: Submission) -> bool:
    return any(isinstance(item, Record) for item in submission.items)


def _need_bytes(sealed: Sequence[Sealed]) -> int:
    return sum(len(one.payload) + ROW_OVERHEAD_BYTES for one in sealed)
