"""What the cloud answers: receipts (committed) and welcomes (may you send).

A receipt is not the broker's PUBACK: it is published after the database commit, and only it lets the spool let go.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta, Struct

from protocols.identity import AgentId, Count, Epoch, HighSeq, Milliseconds, Seq
from protocols.segments import WIRE_VERSION

Credit = Annotated[int, Meta(ge=1, le=1024, description="segments the agent may have in flight")]


class Outcome(StrEnum):
    """What became of a segment."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class SegmentReceipt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The fate of one segment; `reason` is the quarantine's reason code when rejected."""

    epoch: Epoch
    seq: Seq
    outcome: Outcome
    reason: str = ""


class Receipt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag="receipt"):
    """Fates of segments of one agent, with the pace the cloud grants and its clock."""

    version: Literal[1] = WIRE_VERSION
    agent: AgentId
    cloud_time_ms: Milliseconds
    credit: Credit
    segments: list[SegmentReceipt]


class Verdict(StrEnum):
    """The cloud's answer to a birth."""

    ACCEPTED = "accepted"
    RESTART_EPOCH = "restart_epoch"
    """The cloud knows a higher seq: the spool is an old copy. Begin a new epoch, then be born again."""
    DUPLICATE_AGENT = "duplicate_agent"
    """Another instance with this id is online. Send nothing, tell the operator, ask again later."""


class Welcome(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag="welcome"):
    """The answer to a `Status` birth; an agent sends no segment before it was accepted in this session.

    `high_seq` is the highest seq the cloud has taken of the born epoch (0 for none). `detail` is for people.
    """

    version: Literal[1] = WIRE_VERSION
    agent: AgentId
    session: Count
    verdict: Verdict
    cloud_time_ms: Milliseconds
    credit: Credit
    high_seq: HighSeq = 0
    detail: str = ""


DownMessage = Receipt | Welcome
"""What travels on `down/receipt`."""
