"""The messages of the live stream; `event:` names the kind, `data:` is one of these documents."""

from __future__ import annotations

from pydantic import Field

from cloud.fleet.schemas import AgentRow
from cloud.http.schemas import Document, Moment
from cloud.incidents.schemas import IncidentRow
from cloud.inventory.schemas import LinkRow


class LinkEvent(Document):
    """`event: link`: the links that changed since the last such message, at most one message a second."""

    at: Moment
    """The cloud's clock when they were read."""
    items: list[LinkRow]
    """The links as they are now."""


class AgentEvent(Document):
    """`event: agent`: the agents whose presence, status or session changed since the last such message."""

    at: Moment
    """The cloud's clock when they were read."""
    items: list[AgentRow]
    """The agents as they are now."""


class IncidentEvent(Document):
    """`event: incident`: the incidents that are new, have changed or are over since the last such message."""

    at: Moment
    """The cloud's clock when they were read."""
    items: list[IncidentRow]
    """The incidents as they are now."""


class ChangedLesson(Document):
    """A lesson of which something new is known."""

    lesson: str = Field(examples=["s01-g3c1.20261127.p3"])
    """Its key."""


class LessonsEvent(Document):
    """`event: lesson`: lessons with new facts since the last such message; what is new, the routes of teaching tell."""

    at: Moment
    """The cloud's clock when it was said."""
    items: list[ChangedLesson]
    """The lessons, by key alone."""


class PingEvent(Document):
    """`event: ping`: every 15 seconds; a stream silent for 40 seconds is dead."""

    at: Moment
    """The cloud's clock."""
    database: bool = Field(examples=[True])
    """Whether the cloud can read its database now; while it cannot, what is shown is stale."""
