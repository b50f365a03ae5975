"""The words of status and the values that the rules read and return. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple


class StatusWord(StrEnum):
    """What a thing's state is called, on every screen and in every table."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"
    FLAPPING = "flapping"


class StatusKind(StrEnum):
    """Kinds of thing that have a status. Terminals are counted in SQL from their room's status and are not logged.

    The monitor is the centre's own sight: one thing, of key `centre`.
    """

    MONITOR = "monitor"
    PROVIDER = "provider"
    LINK = "link"
    GATEWAY = "gateway"
    DEVICE = "device"
    PORT = "port"
    CLASSROOM = "classroom"
    TERMINAL = "terminal"


class Thing(NamedTuple):
    """What a status is of: a kind and the key that the inventory gives; a port's key is `device/port`."""

    kind: StatusKind
    key: str


Evidence = Mapping[str, str | float | bool | None]
"""The values a rule saw, by name."""


@dataclass(frozen=True, slots=True)
class VantageEvidence:
    """A link's newest values from one end; counters and probes have a time each, in corrected edge time."""

    counters_at: datetime | None = None
    oper_up: bool | None = None
    errors_per_second: float | None = None
    probes_at: datetime | None = None
    loss_ratio: float | None = None
    rtt_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class LinkEvidence:
    """Everything the rules know of one link."""

    link: str
    school: VantageEvidence = VantageEvidence()
    centre: VantageEvidence = VantageEvidence()
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class AgentEvidence:
    """Everything the rules know of one gateway's or classroom's agent; a classroom's is named by its room.

    `heard_at` is when the cloud last heard it, by its own clock; `offline_at` is when a will or goodbye arrived.
    """

    agent: str
    kind: StatusKind
    link: str | None
    heard_at: datetime | None = None
    offline_at: datetime | None = None
    school: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceEvidence:
    """Everything the rules know of one device: who polls it, what it hangs on, and the newest answer or silence.

    Several `parents` are redundant: one that works is enough. `gateway` is the agent that polls it; None for the core.
    """

    device: str
    gateway: str | None
    parents: tuple[str, ...] = ()
    looked_at: datetime | None = None
    reachable: bool | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one look at the evidence says. `silent` says that it rests on hearing nothing, which proves less.

    `root` is the thing whose fault explains it; None when the thing itself is the cause, or well.
    """

    status: StatusWord
    reason: str
    evidence: Evidence = field(default_factory=dict)
    silent: bool = False
    root: Thing | None = None
    hold: timedelta | None = None
    """How long it has to hold before it is shown, where that is not the usual time."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A thing's status as shown, and the other judgement that is still to be confirmed.

    `penalty` (as of `penalty_at`) grows with every change between working and not; while `status` is flapping,
    `beneath` is what the thing was judged to be last.
    """

    status: StatusWord
    since: datetime
    reason: str
    candidate: StatusWord | None = None
    candidate_since: datetime | None = None
    root: Thing | None = None
    penalty: float = 0.0
    penalty_at: datetime | None = None
    beneath: StatusWord | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the log to be written."""

    kind: StatusKind
    key: str
    previous: StatusWord | None
    status: StatusWord
    changed_at: datetime
    reason: str
    evidence: Evidence
    root: Thing | None = None
    """The thing whose fault explains this status; None when it is its own."""
    penalty: float = 0.0
    penalty_at: datetime | None = None
    beneath: StatusWord | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole district's evidence at one moment. `heard_at` is when the cloud last heard any agent at all."""

    at: datetime
    heard_at: datetime | None
    links: tuple[LinkEvidence, ...]
    agents: tuple[AgentEvidence, ...]
    devices: tuple[DeviceEvidence, ...] = ()
    worked_on: Mapping[Thing, int] = field(default_factory=dict)
    """What is being worked on as planned, with the number of the window that says so."""


@dataclass(frozen=True, slots=True)
class Outage:
    """When a line or a gateway was not up; `until` is None while it still is not."""

    thing: str
    status: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class StatusSpan:
    """What a thing was for a while, as far as is known today; `until` is None while it still is."""

    thing: Thing
    status: StatusWord
    since: datetime
    until: datetime | None
    reason: str
    root: Thing | None = None
