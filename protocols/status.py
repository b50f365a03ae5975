"""An agent's presence: birth, heartbeat and will, one retained message.

The will is registered at CONNECT with the session number of that connection. The cloud believes an `offline` only of
the session it knows as newest, so a will that fires late (half-open TCP) cannot mark a newer session offline.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct

from protocols.identity import AgentId, BootId, Count, Epoch, Instance, Milliseconds, Seq
from protocols.segments import WIRE_VERSION, Books
from protocols.topics import Lane


class Role(StrEnum):
    """What an agent is for, chosen in its config."""

    GATEWAY = "gateway"
    CLASSROOM = "classroom"
    CORE = "core"


class Presence(StrEnum):
    """Whether the agent says it is there, or the broker says it is gone."""

    ONLINE = "online"
    OFFLINE = "offline"


class LaneHeld(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the spool still holds for one lane."""

    lane: Lane
    segments: Count
    items: Count
    size_bytes: Count
    oldest_at_ms: Milliseconds | None = None


class Position(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the spool stands: the epoch it writes, the next seq it will give, the lowest seq without a receipt."""

    epoch: Epoch
    next_seq: Seq
    low: Seq


class Status(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Birth and heartbeat (`online`, everything filled in) or will and goodbye (`offline`, identity only)."""

    version: Literal[1] = WIRE_VERSION
    agent: AgentId
    presence: Presence
    session: Count
    instance: Instance
    role: Role | None = None
    software: Annotated[str, Meta(max_length=64)] = ""
    host: Annotated[str, Meta(max_length=255)] = ""
    boot: BootId | None = None
    sent_at_ms: Milliseconds | None = None
    monotonic_ms: Milliseconds | None = None
    position: Position | None = None
    books: Books | None = None
    held: list[LaneHeld] = []
    skew_seconds: float | None = None
