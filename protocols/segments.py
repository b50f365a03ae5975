"""Segments: what the spool keeps and the uplink sends, encoded once.

A segment is identified by `(agent, epoch, seq)` and the hash of its encoded bytes. The cloud stores a segment's
identity and its rows in one transaction; a second arrival changes nothing; the same identity with another hash is
quarantined.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from msgspec import Meta, Struct

from protocols.blocks import BLOCK_TYPES, Block
from protocols.events import Event
from protocols.identity import AgentId, BootId, Count, Epoch, Milliseconds, Seq
from protocols.records import Record
from protocols.samples import Kind

WIRE_VERSION: Literal[1] = 1

AnyBlock = (
    BLOCK_TYPES[Kind.LINK]
    | BLOCK_TYPES[Kind.PORT]
    | BLOCK_TYPES[Kind.DEVICE]
    | BLOCK_TYPES[Kind.PROBE]
    | BLOCK_TYPES[Kind.HOST]
    | BLOCK_TYPES[Kind.TERMINAL]
    | BLOCK_TYPES[Kind.CLASSROOM]
)


class Books(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The agent's side of the ledger for one epoch, in items (samples, events, records).

    produced = confirmed + rejected + thinned + damaged + held, at any moment between two transactions of the spool.
    """

    produced_items: Count = 0
    confirmed_items: Count = 0
    rejected_items: Count = 0
    thinned_items: Count = 0
    damaged_items: Count = 0
    held_items: Count = 0


class Segment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A run of items of one agent, at most 128 KiB encoded.

    `low` and `books` are as of sealing, this segment included: every seq below `low` needs no receipt any more.
    """

    version: Literal[1] = WIRE_VERSION
    agent: AgentId
    epoch: Epoch
    seq: Seq
    low: Seq
    boot: BootId
    sealed_at_ms: Milliseconds
    sealed_monotonic_ms: Milliseconds
    books: Books
    blocks: list[AnyBlock] = []  # type: ignore[valid-type]
    events: list[Event] = []
    records: list[Record] = []

    @property
    def samples(self) -> int:
        """Number of samples in its blocks."""
        blocks: list[Block] = self.blocks
        return sum(len(block) for block in blocks)

    @property
    def items(self) -> int:
        """Number of items, the unit of the ledger."""
        return self.samples + len(self.events) + len(self.records)


ContentHash = Annotated[bytes, Meta(min_length=16, max_length=16)]


def content_hash(payload: bytes) -> bytes:
    """Return the 16-byte hash of a segment's encoded bytes (SHA-256, truncated; FIPS 180-4)."""
    return hashlib.sha256(payload).digest()[:16]
