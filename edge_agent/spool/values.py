"""What crosses the spool's door: items in, held segments out, limits and figures for people.

Stored lanes are three (`events`, `records`, `health`); health travels as `live` while it is young and as `backlog`
afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from msgspec import Struct

from protocols.events import Event
from protocols.records import Record
from protocols.samples import Sample
from protocols.segments import Books
from protocols.status import LaneHeld, Position
from protocols.topics import Lane

Offered = Sample | Event
"""What collectors hand over without waiting; a record is always awaited."""
Item = Offered | Record
PROMISED_ITEMS = (Event, Record)
"""What is never dropped: without room it is refused."""

LIVE_SECONDS = 60
"""Health sealed at most this long ago travels as `live`."""


class StoredLane(IntEnum):
    """Lanes as stored; the number is the one in the file."""

    EVENTS = 1
    RECORDS = 2
    HEALTH = 3


class Identity(NamedTuple):
    """What names a segment of this agent for ever."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class HeldSegment:
    """A segment as the uplink sends it: encoded once, at sealing."""

    identity: Identity
    lane: Lane
    items: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class SpoolLimits:
    """How much the spool may take and how long it waits.

    `max_bytes` counts the file with its free pages and its write-ahead log. Below `min_free_bytes` of free disk,
    health stops growing; events and records may use half of that floor. `seal_seconds` is how long offered health
    gathers before it is made durable.
    """

    max_bytes: int = 512 * 1024 * 1024
    min_free_bytes: int = 256 * 1024 * 1024
    seal_seconds: float = 5.0

    def __post_init__(self) -> None:
        if self.max_bytes < MIN_MAX_BYTES:
            raise ValueError(f"max_bytes must be at least {MIN_MAX_BYTES}, not {self.max_bytes}")
        if self.min_free_bytes < 0 or self.seal_seconds <= 0:
            raise ValueError("min_free_bytes must not be negative and seal_seconds must be above 0")


MIN_MAX_BYTES = 1024 * 1024
"""Below this a single large segment and the write-ahead log would not fit side by side."""


class SpoolStats(Struct, frozen=True, kw_only=True):
    """The spool in figures, for births, heartbeats and people. `used_ratio` is of what it may take right now."""

    position: Position
    books: Books
    held: list[LaneHeld]
    file_bytes: int
    wal_bytes: int
    used_ratio: float
    set_aside_segments: int = 0
    refused_items: int = 0
    buffered_items: int = 0
    last_receipt_at_ms: int | None = None
    skew_seconds: float | None = None
