"""Agents as the API shows them: presence, session, what they hold, their ledger, their events."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from cloud.http.schemas import Document, Moment, Page
from cloud.status.models import StatusWord
from cloud.status.schemas import StatusChange
from protocols.samples import Kind
from protocols.status import Presence, Role
from protocols.topics import Lane


class Ledger(Document):
    """The books in items. `lost` is what neither side can account for; it must be 0 once everything is drained."""

    produced: int = Field(examples=[120_000])
    stored: int = Field(examples=[119_980])
    held: int = Field(examples=[20])
    thinned: int = 0
    quarantined: int = 0
    damaged: int = 0
    """Lost to damaged segments on the agent's disk, counted there."""
    lost: int = 0


class AgentRow(Document):
    """One agent in a list."""

    agent: str = Field(examples=["s07-gw"])
    role: Role
    school: str | None = Field(default=None, examples=["s07"])
    school_name: str | None = Field(default=None, examples=["第七小学"])
    school_name_en: str | None = Field(default=None, examples=["Primary School No. 7"])
    classroom: str | None = Field(default=None, examples=["s07-c03"])
    presence: Presence | None = None
    """What the agent or its will said last; null when it was never heard."""
    status: StatusWord
    since: Moment | None = None
    session: int | None = Field(default=None, examples=[4])
    last_seen_at: Moment | None = None
    """When the cloud last heard the agent in any way."""
    lag_seconds: float | None = Field(default=None, examples=[1.2])
    """Age of the agent's newest stored observation; grows while it is cut off."""
    held_segments: int = Field(default=0, examples=[1])
    held_items: int = 0
    held_bytes: int = 0
    skew_seconds: float | None = Field(default=None, examples=[-0.02])
    """The agent's clock against the cloud's, positive when ahead."""
    software: str | None = Field(default=None, examples=["0.1.0"])


class AgentList(Page):
    """A page of agents, in order of their ids."""

    items: list[AgentRow]


class LaneHolding(Document):
    """What the agent's spool holds for one lane, by its last report."""

    lane: Lane
    segments: int
    items: int
    bytes: int
    oldest_at: Moment | None = None


class EpochLedger(Document):
    """The books of one epoch (one spool file)."""

    epoch: str = Field(examples=["9f2c4e11a0b3d4e5"])
    low_seq: int | None = None
    high_seq: int | None = None
    reported_at: Moment | None = None
    """When the agent's side of the books was last reported."""
    ledger: Ledger


class AgentDetail(AgentRow):
    """One agent with its books."""

    instance: str | None = None
    boot: str | None = None
    boot_started_at: Moment | None = None
    """The cloud's clock when the agent's machine booted; base of corrected times."""
    host: str | None = None
    duplicate_host: str | None = None
    """The machine of the newest second process that claimed this id and was refused."""
    duplicate_seen_at: Moment | None = None
    ledger: Ledger
    epochs: list[EpochLedger]
    held: list[LaneHolding]
    metrics: dict[str, float | bool | str | None] = Field(examples=[{"cpu_ratio": 0.07}])
    """The host's current metrics, catalogue names."""
    metrics_observed_at: Moment | None = None
    status_changes: list[StatusChange]
    """The newest twenty, newest first."""


class EventRow(Document):
    """One event sent by an agent."""

    event_id: str
    type: str = Field(examples=["port.changed"])
    kind: Kind
    thing: str = Field(examples=["s07-rt1/GigabitEthernet0/0/1"])
    agent: str = Field(examples=["s07-gw"])
    observed_at: Moment
    received_at: Moment | None = None
    attributes: dict[str, Any]


class EventList(Page):
    """A page of events, newest first."""

    items: list[EventRow]
