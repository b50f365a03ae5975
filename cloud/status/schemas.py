"""How status looks on the API: counts per word, and changes with their evidence."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from cloud.http.schemas import Document, Moment
from cloud.status.models import StatusWord


class StatusCounts(Document):
    """Number of things per status word; the sum is every known thing."""

    up: int = Field(default=0, examples=[42])
    degraded: int = 0
    down: int = Field(default=0, examples=[1])
    unreachable: int = 0
    unknown: int = 0
    maintenance: int = 0
    flapping: int = 0


class StatusChange(Document):
    """One entry of the append-only status log."""

    changed_at: Moment
    """When the cloud changed its mind."""
    status: StatusWord
    previous: StatusWord | None = None
    reason: str = Field(examples=["centre_probe_dead"])
    """Code of the rule that decided."""
    evidence: dict[str, Any] = Field(examples=[{"vantage": "centre", "loss_ratio": 1.0}])
    """The values the rule saw."""
