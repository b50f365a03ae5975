"""The cloud's answer to a birth, and whether a will may be believed. Pure.

Invariants: of two processes under one agent id the one that is online stays, until it has been silent for
`TAKEOVER_SECONDS`; a heartbeat of the accepted session is never refused; an `offline` counts only for its session.
"""

from __future__ import annotations

from dataclasses import dataclass

from protocols.receipts import Verdict
from protocols.status import Presence, Status

TAKEOVER_SECONDS = 45
"""Longer than the broker needs to notice a dead connection (1.5 times the keepalive of 20 s)."""


@dataclass(frozen=True, slots=True)
class KnownPresence:
    """What the cloud knows of an agent's newest accepted session."""

    presence: Presence
    session: int
    instance: str
    heartbeat_age_seconds: float


def verdict_on(birth: Status, known: KnownPresence | None, high_seq: int) -> Verdict:
    """Judge an `online` status; `high_seq` is the highest seq the cloud has taken of the born epoch (0 for none)."""
    if known is not None:
        if known.instance == birth.instance and known.session == birth.session:
            # A heartbeat, or a birth sent again: segments sealed after it may have arrived before it.
            return Verdict.ACCEPTED
        silent = known.heartbeat_age_seconds >= TAKEOVER_SECONDS
        if known.instance != birth.instance and known.presence is Presence.ONLINE and not silent:
            return Verdict.DUPLICATE_AGENT
    if birth.position is not None and high_seq >= birth.position.next_seq:
        return Verdict.RESTART_EPOCH
    return Verdict.ACCEPTED


def believes_offline(farewell: Status, known: KnownPresence | None) -> bool:
    """Tell whether a will or goodbye speaks of the newest session; a stale one changes nothing."""
    return known is not None and known.instance == farewell.instance and known.session == farewell.session
