"""How status looks on the API: counts per word, and changes with their evidence."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from cloud.http.schemas import Document, Moment
from cloud.status.models import StatusWord


class StatusCounts(Document):
    """Number of things per status word; the sum is every known thing."""

    up: int = Field(default=0, examples=[42])
    """Works as it should."""
    degraded: int = 0
    """Works, but worse than it should: loss, delay or errors."""
    down: int = Field(default=0, examples=[1])
    """Does not work, and the fault is its own."""
    unreachable: int = 0
    """Behind something that is down; nothing can be said of itself."""
    unknown: int = 0
    """No fresh evidence."""
    maintenance: int = 0
    """Being worked on as planned."""
    flapping: int = 0
    """Changes too often to be believed."""


class StatusChange(Document):
    """One entry of the append-only status log."""

    changed_at: Moment
    """When the cloud changed its mind."""
    status: StatusWord
    """What it became."""
    previous: StatusWord | None = None
    """What it was; null at the first judgement."""
    reason: str = Field(examples=["centre_probe_dead"])
    """Code of the rule that decided."""
    evidence: dict[str, Any] = Field(examples=[{"vantage": "centre", "loss_ratio": 1.0}])
    """The values the rule saw."""
