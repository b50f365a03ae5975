"""Health of the process and of what it needs."""

from __future__ import annotations

from pydantic import Field

from cloud.http.schemas import Document, Moment


class Health(Document):
    """The process answers."""

    status: str = Field(examples=["ok"])
    """Always `ok`: a process that cannot answer says nothing."""
    version: str = Field(examples=["0.1.0"])
    """Bellwether's version."""
    started_at: Moment
    """When this process started."""


class Check(Document):
    """One thing the cloud needs."""

    name: str = Field(examples=["database"])
    """`database`, `migrations` or `broker`."""
    ok: bool
    """Whether it is there."""
    detail: str = Field(examples=["answers in 0.4 ms"])
    """What was seen, or what is wrong, for people."""
    hint: str = Field(default="", examples=["Run `bellwether cloud migrate`."])
    """What to do about it; empty when it is there."""
    checked_at: Moment
    """When it was looked up."""


class Readiness(Document):
    """Whether everything the cloud needs is there; also the body of the 503."""

    ready: bool
    """Whether every check is ok."""
    checks: list[Check]
    """Database, migrations, broker."""
