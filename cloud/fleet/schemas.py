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
    """Items the agent sealed into segments, by its last report."""
    stored: int = Field(examples=[119_980])
    """Items committed to the database."""
    held: int = Field(examples=[20])
    """Items that still wait in the agent's spool, by its last report less what was stored since."""
    thinned: int = 0
    """Health items the agent gave up for want of disk, counted there."""
    quarantined: int = 0
    """Items that were refused and are kept with their reason."""
    damaged: int = 0
    """Items lost to damaged segments on the agent's disk, counted there."""
    lost: int = 0
    """Items that neither side can account for."""


class AgentRow(Document):
    """One agent in a list."""

    agent: str = Field(examples=["s07-gw"])
    """Agent id, the common name of its certificate."""
    role: Role
    """What the agent is for."""
    school: str | None = Field(default=None, examples=["s07"])
    """Its school; null for the core agent."""
    school_name: str | None = Field(default=None, examples=["第七小学"])
    """Its school's name; null for the core agent."""
    school_name_en: str | None = Field(default=None, examples=["Primary School No. 7"])
    """Its school's English name, empty when there is none; null for the core agent."""
    classroom: str | None = Field(default=None, examples=["s07-c03"])
    """Its classroom; null for gateways and the core agent."""
    presence: Presence | None = None
    """What the agent or its will said last; null when it was never heard."""
    status: StatusWord
    """Its status; the core agent is `up` while it is online and `unknown` otherwise."""
    since: Moment | None = None
    """Since when the status holds; null when it was never judged."""
    session: int | None = Field(default=None, examples=[4])
    """Number of its newest accepted connection, one more each time; null when it was never heard."""
    last_seen_at: Moment | None = None
    """When the cloud last heard the agent in any way; null when it never did."""
    lag_seconds: float | None = Field(default=None, examples=[1.2])
    """Age of the agent's newest stored observation; grows while it is cut off. Null before the first."""
    held_segments: int = Field(default=0, examples=[1])
    """Segments without a receipt in its spool, by its last report; 0 when it was never heard."""
    held_items: int = 0
    """Items in them."""
    held_bytes: int = 0
    """Bytes of them."""
    skew_seconds: float | None = Field(default=None, examples=[-0.02])
    """The agent's clock against the cloud's, positive when ahead; null when not known yet."""
    software: str | None = Field(default=None, examples=["0.1.0"])
    """Program and version it says it runs; null when it was never heard."""


class AgentList(Page):
    """A page of agents, in order of their ids."""

    items: list[AgentRow]
    """The agents of this page."""


class LaneHolding(Document):
    """What the agent's spool holds for one lane, by its last report."""

    lane: Lane
    """The lane."""
    segments: int
    """Segments without a receipt."""
    items: int
    """Items in them."""
    bytes: int
    """Bytes of them."""
    oldest_at: Moment | None = None
    """When the oldest was sealed, by the agent's clock; null when nothing is held."""


class EpochLedger(Document):
    """The books of one epoch (one spool file)."""

    epoch: str = Field(examples=["9f2c4e11a0b3d4e5"])
    """The epoch: a random id made with the spool."""
    low_seq: int | None = None
    """Everything below this seq is settled, as the agent has told."""
    high_seq: int | None = None
    """Highest seq stored; 0 for none."""
    reported_at: Moment | None = None
    """When the agent's side of the books was last reported; null when it never was."""
    ledger: Ledger
    """The books of this epoch."""


class AgentDetail(AgentRow):
    """One agent with its books."""

    instance: str | None = None
    """Id of the running process, made at its start; null when it was never heard."""
    boot: str | None = None
    """Id of its machine's boot; null when it was not told."""
    boot_started_at: Moment | None = None
    """The cloud's clock when the agent's machine booted, base of corrected times; null when not known."""
    host: str | None = None
    """Its machine's name; null when it was not told."""
    duplicate_host: str | None = None
    """The machine of the newest second process that claimed this id and was refused; null when none ever did."""
    duplicate_seen_at: Moment | None = None
    """When that process last tried; null when none ever did."""
    ledger: Ledger
    """The books of all its epochs together."""
    epochs: list[EpochLedger]
    """The books per epoch, oldest first."""
    held: list[LaneHolding]
    """What its spool holds per lane, most urgent lane first."""
    metrics: dict[str, float | bool | str | None] = Field(examples=[{"cpu_ratio": 0.07}])
    """The machine's newest values by their catalogue names, which carry the units; null where nothing was measured."""
    metrics_observed_at: Moment | None = None
    """When they were observed, corrected to the cloud's clock; null when never."""
    status_changes: list[StatusChange]
    """The newest twenty, newest first."""


class EventRow(Document):
    """One event sent by an agent."""

    event_id: str
    """The event's id, made by its agent."""
    type: str = Field(examples=["port.changed"])
    """What happened."""
    kind: Kind
    """Kind of the thing it happened to."""
    thing: str = Field(examples=["s07-rt1/GigabitEthernet0/0/1"])
    """Key of the thing it happened to."""
    agent: str = Field(examples=["s07-gw"])
    """The agent that sent it."""
    observed_at: Moment
    """When it happened, corrected to the cloud's clock."""
    received_at: Moment | None = None
    """When the cloud received it."""
    attributes: dict[str, Any]
    """What is known of it, by names that belong to the type."""


class EventList(Page):
    """A page of events, newest first."""

    items: list[EventRow]
    """The events of this page."""
