"""What the domain holds: blobs and pushes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from protocols.content import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A whole file."""

    sha256: str
    size_bytes: int
    media_type: str
    stored_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """Resources that an audience needs by a moment. `manifest` names them for ever, `token` their present content."""

    manifest: str
    token: str
    title: str
    audience: list[str]
    resources: list[Resource]
    before_at: datetime | None = None
    created_at: datetime
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPlace:
    """An agent in use and where it stands; the core has no school, a gateway no classroom."""

    agent_id: int
    agent: str
    role: str
    school: str | None
    classroom: str | None
