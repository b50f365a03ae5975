"""Items to encoded segments: checked, split and numbered. Pure: no file, no clock.

A segment is encoded once, here; what is stored is byte for byte what is sent. Each is read back with the decoder that
the cloud uses, so nothing is ever spooled that the cloud could not read. A batch with a bad item is refused whole,
naming the item; the caller takes it out and seals the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import msgspec

from edge_agent.spool.values import Item, StoredLane
from protocols.blocks import pack
from protocols.codec import DecodeError, encode_checked
from protocols.events import EVENT_TYPES, Event
from protocols.records import Record
from protocols.samples import Sample
from protocols.segments import Books, Segment

MAX_ITEMS = 1000
"""Most items tried in one segment; far below it the size decides."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the spool says on a segment beside its items, as of just before it is sealed.

    `low` is the lowest seq of the epoch that still needs a receipt, None when there is none.
    """

    agent: str
    epoch: str
    next_seq: int
    low: int | None
    boot: str
    sealed_at_ms: int
    sealed_monotonic_ms: int
    books: Books


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encoded segment, ready to be stored."""

    seq: int
    lane: StoredLane
    items: int
    payload: bytes


class BadItem(ValueError):
    """The item at `position` cannot travel."""

    def __init__(self, position: int, reason: str) -> None:
        super().__init__(f"item {position}: {reason}")
        self.position = position
        self.reason = reason


def checksum(epoch: str, seq: int, lane: int, items: int, payload: bytes) -> int:
    """Return the CRC-32 of a stored segment, its row's own columns included."""
    return crc32(payload, crc32(f"{epoch}|{seq}|{lane}|{items}".encode()))


def seal(items: Sequence[Item], header: Header) -> tuple[list[Sealed], Header]:
    """Encode items into as few segments as fit: events, records, health; with the header of whatever comes next.

    Raises:
        BadItem: one item is no sample, event or record, out of schema or range, or too large alone. Nothing was sealed.
    """
    sealed: list[Sealed] = []
    events: list[int] = []
    records: list[int] = []
    health: list[int] = []
    for position, item in enumerate(items):
        if isinstance(item, Event):
            if item.type not in EVENT_TYPES:
                raise BadItem(position, f"event type {item.type!r} is not in the catalogue (protocols.events)")
            events.append(position)
        elif isinstance(item, Record):
            records.append(position)
        elif isinstance(item, Sample):
            health.append(position)
        else:
            raise BadItem(position, f"neither a sample, an event nor a record, but {type(item).__name__}")
    runs = ((StoredLane.EVENTS, events), (StoredLane.RECORDS, records), (StoredLane.HEALTH, health))
    for lane, positions in runs:
        for start in range(0, len(positions), MAX_ITEMS):
            header = _seal_run(items, positions[start : start + MAX_ITEMS], lane, header, sealed)
    return sealed, header


def _seal_run(
    items: Sequence[Item], positions: Sequence[int], lane: StoredLane, header: Header, sealed: list[Sealed]
) -> Header:
    try:
        one, after = _seal_one([items[position] for position in positions], lane, header)
    except _Unsealable as error:
        if len(positions) == 1:
            raise BadItem(positions[0], str(error)) from error
        # Too large together, or one is bad: halving ends at what fits and at the item that never will.
        middle = len(positions) // 2
        header = _seal_run(items, positions[:middle], lane, header, sealed)
        return _seal_run(items, positions[middle:], lane, header, sealed)
    sealed.append(one)
    return after


class _Unsealable(Exception):
    pass


def _seal_one(items: Sequence[Item], lane: StoredLane, header: Header) -> tuple[Sealed, Header]:
    count, seq = len(items), header.next_seq
    low = seq if header.low is None else header.low
    books = msgspec.structs.replace(
        header.books,
        produced_items=header.books.produced_items + count,
        held_items=header.books.held_items + count,
    )
    try:
        segment = Segment(
            agent=header.agent,
            epoch=header.epoch,
            seq=seq,
            low=low,
            boot=header.boot,
            sealed_at_ms=header.sealed_at_ms,
            sealed_monotonic_ms=header.sealed_monotonic_ms,
            books=books,
            blocks=pack(items) if lane is StoredLane.HEALTH else [],  # type: ignore[arg-type]  # samples only
            events=list(items) if lane is StoredLane.EVENTS else [],  # type: ignore[arg-type]  # events only
            records=list(items) if lane is StoredLane.RECORDS else [],  # type: ignore[arg-type]  # records only
        )
        payload = encode_checked(segment)
    except DecodeError as error:
        raise _Unsealable(error.detail) from error
    except (TypeError, ValueError, OverflowError, AttributeError) as error:
        # PayloadTooLarge is a ValueError; the others come of values that are not even of a sample's types.
        raise _Unsealable(str(error)) from error
    after = Header(
        header.agent,
        header.epoch,
        seq + 1,
        low,
        header.boot,
        header.sealed_at_ms,
        header.sealed_monotonic_ms,
        books,
    )
    return Sealed(seq, lane, count, payload), after


def bad_items(items: Sequence[Item], header: Header) -> dict[int, str]:
    """Return the position and the fault of every item that cannot travel even alone."""
    bad: dict[int, str] = {}
    for position, item in enumerate(items):
        try:
            seal([item], header)
        except BadItem as error:
            bad[position] = error.reason
    return bad
