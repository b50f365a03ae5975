"""What the domain holds: documents as they are kept, and how a reported token compares with the desired one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SyncState(StrEnum):
    """Whether what was desired is in force, as far as the centre knows."""

    NONE = "none"
    SYNCED = "synced"
    PENDING = "pending"
    INVALID = "invalid"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentState:
    """The content of one agent: desired and reported token, and what the agent says about it."""

    agent: str
    desired: str | None
    reported: str | None
    validity: str | None
    reason: str
    proved_at: datetime | None
    missing_bytes: int | None


def document_state(desired: str | None, reported: str | None, validity: str | None) -> SyncState:
    """Compare a document's tokens. `validity` is None for an agent that never reported that kind. Pure."""
    if desired is None:
        return SyncState.NONE
    if validity is None:
        return SyncState.UNKNOWN
    if validity == "invalid":
        return SyncState.INVALID
    return SyncState.SYNCED if reported == desired and validity == "valid" else SyncState.PENDING


def value_state(desired: str | None, reported: str | None) -> SyncState:
    """Compare a value that a terminal says of itself. Pure."""
    if desired is None:
        return SyncState.NONE
    if reported is None:
        return SyncState.UNKNOWN
    return SyncState.SYNCED if reported == desired else SyncState.PENDING
