"""Health of the process and of what it needs."""

from __future__ import annotations

from pydantic import Field

from cloud.http.schemas import Document, Moment


class Health(Document):
    """The process answers."""

    status: str = Field(examples=["ok"])
    version: str = Field(examples=["0.1.0"])
    started_at: Moment


class Check(Document):
    """One thing the cloud needs."""

    name: str = Field(examples=["database"])
    """`database`, `migrations` or `broker`."""
    ok: bool
    detail: str = Field(examples=["answers in 0.4 ms"])
    hint: str = Field(default="", examples=["Run `bellwether cloud migrate`."])
    checked_at: Moment


class Readiness(Document):
    """Whether everything the cloud needs is there; also the body of the 503."""

    ready: bool
    checks: list[Check]
