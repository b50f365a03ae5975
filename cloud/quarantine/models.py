"""Entries of the quarantine, before and after they are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What ingest refuses; epoch, seq and items where the payload told them."""

    agent: str
    topic: str
    lane: str
    content_type: str
    reason: str
    detail: str
    epoch: str | None
    seq: int | None
    items: int | None
    content_hash: bytes
    payload: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class OpenEntry:
    """An entry that can be replayed, with its bytes."""

    quarantine_id: int
    agent: str
    topic: str
    lane: str
    content_type: str
    reason: str
    detail: str
    epoch: str | None
    seq: int | None
    items: int | None
    size_bytes: int
    content_hash: bytes
    payload: bytes
    received_at: datetime
    arrivals: int
    last_received_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it is listed."""

    quarantine_id: int
    agent: str
    topic: str
    lane: str
    content_type: str
    reason: str
    detail: str
    epoch: str | None
    seq: int | None
    items: int | None
    size_bytes: int
    received_at: datetime
    arrivals: int
    last_received_at: datetime
    state: str
    replayed_at: datetime | None
    replay_outcome: str | None
