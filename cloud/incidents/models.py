"""Incidents as values: what the follower knows and decides. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from cloud.status.models import StatusWord, Thing


class IncidentKind(StrEnum):
    """What sort of trouble it is."""

    OUTAGE = "outage"
    """Something does not work."""
    DEGRADATION = "degradation"
    """Something works worse than it should."""
    BLIND_SPOT = "blind_spot"
    """Nobody can see whether it works; never counted as loss."""


class IncidentState(StrEnum):
    """Where an incident is in its life."""

    OPEN = "open"
    RESOLVED = "resolved"
    MERGED = "merged"


class Severity(StrEnum):
    """How urgent an incident is; it follows the bell."""

    P1 = "p1"
    P2 = "p2"
    P3 = "p3"
    P4 = "p4"


class EntryKind(StrEnum):
    """What an entry of a timeline tells."""

    OPENED = "opened"
    ATTACHED = "attached"
    DETACHED = "detached"
    SEVERITY = "severity"
    RECLASSIFIED = "reclassified"
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    COMMENT = "comment"
    MERGED = "merged"
    SPLIT = "split"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    NOTIFIED = "notified"


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """An entry of the status log."""

    change_id: int
    thing: Thing
    previous: StatusWord | None
    status: StatusWord
    changed_at: datetime
    reason: str
    evidence: Mapping[str, Any]
    root: Thing | None


@dataclass(slots=True)
class Open:
    """An open incident: its root, and the things that it explains with the status each has."""

    incident_id: int
    root: Thing
    kind: IncidentKind
    status: StatusWord
    reason: str
    members: dict[Thing, StatusWord] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Closed:
    """The last incident of a root, when it is over; it may come again."""

    incident_id: int
    resolved_at: datetime


@dataclass(slots=True)
class Books:
    """Everything the follower decides on: open incidents by their root, and the last closed one of each root."""

    open: dict[Thing, Open] = field(default_factory=dict)
    closed: dict[Thing, Closed] = field(default_factory=dict)

    def of_member(self, thing: Thing) -> Open | None:
        """Return the incident that explains a thing."""
        return next((one for one in self.open.values() if thing in one.members), None)


@dataclass(frozen=True, slots=True)
class Opens:
    """A new incident; the repository gives it its number."""

    root: Thing
    kind: IncidentKind
    status: StatusWord
    change: LoggedChange


@dataclass(frozen=True, slots=True)
class Reopens:
    """The same trouble again, soon after it was over."""

    incident_id: int
    root: Thing
    kind: IncidentKind
    status: StatusWord
    change: LoggedChange


@dataclass(frozen=True, slots=True)
class Reclassifies:
    """The root is something else now: another status, another reason, another kind of trouble."""

    incident: Open
    kind: IncidentKind
    change: LoggedChange


@dataclass(frozen=True, slots=True)
class Resolves:
    """The root is well again, or is being worked on as planned."""

    incident: Open
    change: LoggedChange


@dataclass(frozen=True, slots=True)
class Attaches:
    """A thing is explained by the incident of this root, or has another status behind it."""

    root: Thing
    thing: Thing
    change: LoggedChange


@dataclass(frozen=True, slots=True)
class Detaches:
    """A thing is no longer explained by an incident."""

    incident: Open
    thing: Thing
    change: LoggedChange


@dataclass(frozen=True, slots=True)
class Merges:
    """What was thought a cause lies behind another one."""

    incident: Open
    into: Thing
    change: LoggedChange


Action = Opens | Reopens | Reclassifies | Resolves | Attaches | Detaches | Merges
