"""The spool's rows and books: the steps of which every transaction of the store is made.

Here a row and the books move together, in a transaction that the caller opened with `transaction`; which rows, and
when, is decided in `store` and `thinning`. What is remembered of the file (`State`) goes back when the transaction
fails.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import msgspec
import structlog

from edge_agent.cipher import Cipher
from edge_agent.clock import Clock
from edge_agent.spool.errors import SpoolOfAnotherAgent
from edge_agent.spool.file import SpoolFile
from edge_agent.spool.sealing import Header, Sealed, checksum, seal
from edge_agent.spool.secrecy import NoKey, SealedElsewhere, Secrecy
from edge_agent.spool.values import Item, SpoolLimits, StoredLane
from protocols.blocks import unpack
from protocols.codec import DecodeError, decode_segment
from protocols.events import Event
from protocols.samples import Kind
from protocols.segments import Books
from protocols.status import Position

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class LaneTotals:
    """Segments, items and payload bytes of one stored lane."""

    segments: int = 0
    items: int = 0
    size_bytes: int = 0


@dataclass(slots=True)
class State:
    """What the store remembers of the file, so that sealing need not read.

    Copied before a transaction and put back when that fails.
    """

    epoch_id: int = 0
    epoch: str = ""
    next_seq: int = 1
    sent_seq: int = 0
    low: int | None = None
    books: Books = field(default_factory=Books)
    totals: dict[StoredLane, LaneTotals] = field(default_factory=lambda: {lane: LaneTotals() for lane in StoredLane})
    pressure: float = 0.0
    thinned_unreported: int = 0
    notes: Sequence[Event] = ()

    def copy(self) -> State:
        """Return a copy that later changes do not reach."""
        # Spelt out: this runs with every commit, and dataclasses.replace takes ten times as long.
        return State(
            self.epoch_id,
            self.epoch,
            self.next_seq,
            self.sent_seq,
            self.low,
            self.books,
            {lane: LaneTotals(one.segments, one.items, one.size_bytes) for lane, one in self.totals.items()},
            self.pressure,
            self.thinned_unreported,
            self.notes,
        )


class Ledger:
    """Rows and books of one open `SpoolFile`."""

    def __init__(
        self,
        file: SpoolFile,
        *,
        agent: str,
        limits: SpoolLimits,
        clock: Clock,
        token_hex: Callable[[int], str],
        cipher: Cipher | None = None,
    ) -> None:
        self.file = file
        self.secrecy = Secrecy(cipher)
        self.agent = agent
        self.limits = limits
        self.clock = clock
        self.token_hex = token_hex
        self.state = State()
        self.sent_unmarked: set[int] = set()
        self._opened_next_seq = 1
        self.expect_sending = False

    def load(self) -> None:
        """Read where the spool stands, giving a new file its first epoch.

        Raises:
            SpoolOfAnotherAgent: the file is someone else's. SpoolCorrupt: it cannot be read.
        """
        with self.file.reading() as db:
            row = db.execute("SELECT agent, epoch_id FROM spool").fetchone()
        if row is None:
            with self.transaction() as db:
                self._begin_epoch(db)
                db.execute(
                    "INSERT INTO spool (only_row, agent, epoch_id) VALUES (1, ?, ?)", (self.agent, self.state.epoch_id)
                )
            return
        agent, epoch_id = row
        if agent != self.agent:
            raise SpoolOfAnotherAgent(f"spool {self.file.path} belongs to agent {agent!r}, this is {self.agent!r}")
        self._read_state(epoch_id)
        self._opened_next_seq = self.state.next_seq

    def reload(self) -> None:
        """Read again what is remembered of the file, after it was written to by other means."""
        self._read_state(self.state.epoch_id)

    def _read_state(self, epoch_id: int) -> None:
        with self.file.reading() as db:
            epoch, next_seq, sent_seq, *counts = db.execute(
                "SELECT epoch, next_seq, sent_seq, produced_items, confirmed_items, rejected_items, thinned_items,"
                " damaged_items FROM epochs WHERE epoch_id = ?",
                (epoch_id,),
            ).fetchone()
            state = State(epoch_id, epoch, next_seq, sent_seq, books=_books(counts))
            state.pressure, state.notes = self.state.pressure, self.state.notes
            totals = db.execute("SELECT lane, COUNT(*), SUM(items), SUM(LENGTH(payload)) FROM segments GROUP BY lane")
            for lane, segments, items, size_bytes in totals:
                state.totals[StoredLane(lane)] = LaneTotals(segments, items, size_bytes)
        self.state = state
        with self.file.reading() as db:
            self.refresh_low(db)

    def begin_newest_epoch(self, db: sqlite3.Connection) -> None:
        """Put an epoch in place of the current, unused one, so that its id is above those of epochs carried over."""
        unused = self.state.epoch_id
        self._begin_epoch(db)
        db.execute("UPDATE spool SET epoch_id = ?", (self.state.epoch_id,))
        db.execute("DELETE FROM epochs WHERE epoch_id = ?", (unused,))

    def _begin_epoch(self, db: sqlite3.Connection) -> None:
        epoch = self.token_hex(8)
        cursor = db.execute("INSERT INTO epochs (epoch) VALUES (?)", (epoch,))
        state = self.state
        state.epoch_id, state.epoch = int(cursor.lastrowid or 0), epoch
        state.next_seq, state.sent_seq, state.low, state.books = 1, 0, None, Books()
        self._opened_next_seq = 1

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction of the file that takes the remembered state back when it fails."""
        before = self.state.copy()
        try:
            with self.file.transaction() as db:
                yield db
        except BaseException:
            self.state = before
            raise

    def restart_epoch(self) -> None:
        """Begin a new epoch; what is held keeps its old identity, so that the centre recognises what it has.

        Only what this process sealed and never sent moves into the new epoch: the centre may know other bytes under the
        same seqs. The event of the restart goes into the new epoch too.
        """
        with self.transaction() as db:
            former, former_id, opened_next_seq = self.state.epoch, self.state.epoch_id, self._opened_next_seq
            self._begin_epoch(db)
            db.execute("UPDATE spool SET epoch_id = ?", (self.state.epoch_id,))
            self._adopt_unsent(db, former, former_id, opened_next_seq)
            self.note("agent.epoch_restarted", former_epoch=former, epoch=self.state.epoch)
            self.insert_notes(db)
        log.warning("spool_epoch_restarted", agent=self.agent, former_epoch=former, epoch=self.state.epoch)

    def _adopt_unsent(self, db: sqlite3.Connection, former: str, former_id: int, first_seq: int) -> None:
        rows = db.execute(
            "SELECT segment_id, seq FROM segments WHERE segment_id >= ? AND segment_id < ? AND NOT sent"
            " ORDER BY segment_id",
            (segment_key(former_id, first_seq), segment_key(former_id + 1, 0)),
        ).fetchall()
        for segment_id, seq in rows:
            if segment_id in self.sent_unmarked:
                continue
            lane, items, aggregate, stored_checksum, payload = db.execute(
                "SELECT lane, items, aggregate, checksum, payload FROM segments WHERE segment_id = ?", (segment_id,)
            ).fetchone()
            if checksum(former, seq, lane, items, payload) != stored_checksum:
                continue
            try:
                segment = decode_segment(self.secrecy.opened(payload))
            except (DecodeError, SealedElsewhere, NoKey) as error:
                # Of another version of the agent, or of another key: it keeps its identity, and the centre says what
                # it is, or it is set aside when its turn comes.
                log.warning("spool_segment_not_adopted", agent=self.agent, reason=str(error))
                continue
            contents: list[Item] = [sample for block in segment.blocks for sample in unpack(block)]
            header = replace(
                self.header(),
                boot=segment.boot,
                sealed_at_ms=segment.sealed_at_ms,
                sealed_monotonic_ms=segment.sealed_monotonic_ms,
            )
            sealed, _ = seal([*contents, *segment.events, *segment.records], header)
            self.remove(db, [(segment_id, lane, items, len(payload))])
            self.count(db, former_id, produced=-items)
            self.insert(db, sealed, header, aggregate=bool(aggregate))

    def take_session(self) -> int:
        """Return a session number above every earlier one, even one of a lost spool: it also follows the wall clock.

        In milliseconds, so that two processes under one id, started together, do not take each other's welcome.
        """
        with self.transaction() as db:
            row = db.execute(
                "UPDATE spool SET session = MAX(session + 1, ?) RETURNING session", (self.clock.wall_ms(),)
            ).fetchone()
        return int(row[0])

    def position(self) -> Position:
        """Return where the current epoch stands."""
        state = self.state
        low = state.next_seq if state.low is None else state.low
        return Position(epoch=state.epoch, next_seq=state.next_seq, low=low)

    def header(self) -> Header:
        """Return what the next segment says of the spool."""
        state, clock = self.state, self.clock
        return Header(
            agent=self.agent,
            epoch=state.epoch,
            next_seq=state.next_seq,
            low=state.low,
            boot=clock.boot,
            sealed_at_ms=clock.wall_ms(),
            sealed_monotonic_ms=clock.monotonic_ms(),
            books=state.books,
        )

    def insert(
        self,
        db: sqlite3.Connection,
        sealed: Sequence[Sealed],
        header: Header,
        *,
        aggregate: bool = False,
    ) -> None:
        """Store sealed segments of the current epoch and count them as produced, inside a transaction."""
        state = self.state
        sent = self.expect_sending and not aggregate
        stored = [(one, self.secrecy.stored(one.lane, one.payload)) for one in sealed]
        db.executemany(
            "INSERT INTO segments (segment_id, epoch_id, seq, lane, items, aggregate, sent, boot, sealed_at_ms,"
            " sealed_monotonic_ms, checksum, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    self.key(one.seq),
                    state.epoch_id,
                    one.seq,
                    int(one.lane),
                    one.items,
                    aggregate,
                    sent,
                    header.boot,
                    header.sealed_at_ms,
                    header.sealed_monotonic_ms,
                    checksum(state.epoch, one.seq, one.lane, one.items, payload),
                    payload,
                )
                for one, payload in stored
            ],
        )
        for one, payload in stored:
            totals = state.totals[one.lane]
            totals.segments += 1
            totals.items += one.items
            totals.size_bytes += len(payload)
            if state.low is None:
                state.low = one.seq
        if sealed:
            state.next_seq = sealed[-1].seq + 1
            if sent:
                self.note_sent(db, sealed[-1].seq)
            self.count(db, state.epoch_id, produced=sum(one.items for one in sealed))

    def insert_notes(self, db: sqlite3.Connection) -> None:
        """Store the spool's own events in the transaction that caused them."""
        header = self.header()
        sealed, _ = seal(self.state.notes, header)
        self.insert(db, sealed, header)
        self.state.notes = ()

    def note_sent(self, db: sqlite3.Connection, seq: int) -> None:
        """Remember that a seq of the current epoch is handed out, inside a transaction."""
        if seq > self.state.sent_seq:
            self.state.sent_seq = seq
            db.execute("UPDATE epochs SET sent_seq = ? WHERE epoch_id = ?", (seq, self.state.epoch_id))

    def count(
        self,
        db: sqlite3.Connection,
        epoch_id: int,
        *,
        produced: int = 0,
        confirmed: int = 0,
        rejected: int = 0,
        thinned: int = 0,
        damaged: int = 0,
    ) -> None:
        """Move items in the books of an epoch, and write down the current one's next seq, inside a transaction."""
        db.execute(
            "UPDATE epochs SET next_seq = MAX(next_seq, ?), produced_items = produced_items + ?,"
            " confirmed_items = confirmed_items + ?, rejected_items = rejected_items + ?,"
            " thinned_items = thinned_items + ?, damaged_items = damaged_items + ? WHERE epoch_id = ?",
            (
                self.state.next_seq if epoch_id == self.state.epoch_id else 0,
                produced,
                confirmed,
                rejected,
                thinned,
                damaged,
                epoch_id,
            ),
        )
        if epoch_id == self.state.epoch_id:
            books = self.state.books
            self.state.books = msgspec.structs.replace(
                books,
                produced_items=books.produced_items + produced,
                confirmed_items=books.confirmed_items + confirmed,
                rejected_items=books.rejected_items + rejected,
                thinned_items=books.thinned_items + thinned,
                damaged_items=books.damaged_items + damaged,
                held_items=books.held_items + produced - confirmed - rejected - thinned - damaged,
            )

    def remove(self, db: sqlite3.Connection, rows: Iterable[tuple[int, int, int, int]]) -> None:
        """Delete rows given as (segment_id, lane, items, size), inside a transaction; the books are the caller's."""
        for segment_id, lane, items, size_bytes in rows:
            db.execute("DELETE FROM segments WHERE segment_id = ?", (segment_id,))
            self.sent_unmarked.discard(segment_id)
            totals = self.state.totals[StoredLane(lane)]
            totals.segments -= 1
            totals.items -= items
            totals.size_bytes -= size_bytes

    def refresh_low(self, db: sqlite3.Connection) -> None:
        """Look up the lowest seq of the current epoch that is still held."""
        row = db.execute(
            "SELECT seq FROM segments WHERE segment_id > ? AND segment_id < ? ORDER BY segment_id LIMIT 1",
            (self.key(0), segment_key(self.state.epoch_id + 1, 0)),
        ).fetchone()
        self.state.low = None if row is None else row[0]

    def find(self, db: sqlite3.Connection, epoch: str, seq: int) -> tuple[int, int, int, int, int] | None:
        """Return (segment_id, epoch_id, lane, items, size) of a held segment, or None."""
        row: tuple[int, int, int, int, int] | None = db.execute(
            "SELECT segment_id, epoch_id, lane, items, LENGTH(payload) FROM segments"
            " WHERE segment_id = (SELECT epoch_id << 40 | ? FROM epochs WHERE epoch = ?)",
            (seq, epoch),
        ).fetchone()
        return row

    def key(self, seq: int) -> int:
        """Return the segment_id of a seq of the current epoch."""
        return segment_key(self.state.epoch_id, seq)

    def note(self, event_type: str, **attributes: str | int | float | bool | None) -> None:
        """Remember an event of the spool's own, to be stored with the next append."""
        event = Event(
            event_id=self.token_hex(16),
            type=event_type,
            kind=Kind.HOST,
            thing=self.agent,
            observed_at_ms=self.clock.wall_ms(),
            monotonic_ms=self.clock.monotonic_ms(),
            attributes=attributes,
        )
        # Bounded: an unwritable disk must not fill the memory with news about itself.
        self.state.notes = (*self.state.notes[-31:], event)


def segment_key(epoch_id: int, seq: int) -> int:
    """Return the segment_id of an identity; seq 0 is below every segment of the epoch."""
    return epoch_id << 40 | seq


def _books(counts: Sequence[int]) -> Books:
    produced, confirmed, rejected, thinned, damaged = counts
    return Books(
        produced_items=produced,
        confirmed_items=confirmed,
        rejected_items=rejected,
        thinned_items=thinned,
        damaged_items=damaged,
        held_items=produced - confirmed - rejected - thinned - damaged,
    )
