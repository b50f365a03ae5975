"""Values that pass through ingest: what arrived, what was read, what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from protocols.codec import DecodeReason
from protocols.receipts import Outcome
from protocols.samples import Kind
from protocols.segments import Segment
from protocols.topics import Lane


class RefusalReason(StrEnum):
    """Why a segment goes to quarantine, beside the reasons of `protocols.codec.DecodeReason`."""

    AGENT_MISMATCH = "agent_mismatch"
    UNKNOWN_AGENT = "unknown_agent"
    IDENTITY_CONFLICT = "identity_conflict"
    BELOW_LOW = "below_low"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    BAD_ROW = "bad_row"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message as it came; `agent` and `lane` are the topic's, the part that the broker enforces."""

    agent: str
    lane: Lane
    topic: str
    content_type: str
    payload: bytes
    received_at_ms: int
    replay_of: int | None = None
    """The quarantine entry this is a replay of."""
    may_lie_below_low: bool = False
    """Whether its identity is known never to have been stored, so that the low mark says nothing about it."""


@dataclass(frozen=True, slots=True)
class BlockReading:
    """A block with its kind and its rows' times as absolute UTC milliseconds, worked out once."""

    block: Any
    kind: Kind
    observed_ms: list[int]
    monotonic_ms: list[int]


@dataclass(frozen=True, slots=True)
class Reading:
    """An arrival that could be read."""

    arrival: Arrival
    segment: Segment
    content_hash: bytes
    blocks: tuple[BlockReading, ...]

    @property
    def identity(self) -> tuple[str, str, int]:
        """The segment's agent, epoch and seq."""
        return self.segment.agent, self.segment.epoch, self.segment.seq


@dataclass(frozen=True, slots=True)
class Refusal:
    """An arrival for quarantine; without epoch and seq nobody can be told."""

    arrival: Arrival
    content_hash: bytes
    reason: DecodeReason | RefusalReason
    detail: str
    epoch: str | None = None
    seq: int | None = None
    items: int | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an arrival, for the receipt. `agent` is the topic's: the one that is listening."""

    agent: str
    epoch: str
    seq: int
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Committed:
    """The outcome of one batch, after its commit."""

    fates: tuple[Fate, ...]
    stored_segments: int
    stored_rows: int
    quarantined: int
    duplicates: int
    held_back: tuple[str, ...] = ()
    """The agent of each arrival that was refused and for which its quarantine has no room: not kept, not receipted."""
