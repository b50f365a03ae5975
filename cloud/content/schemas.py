"""Content as the API tells it and takes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from cloud.http.schemas import Document, Moment, Page
from protocols.records import REFERENCE_PATTERN

Title = Annotated[str, Field(min_length=1, max_length=200, examples=["分数的初步认识"])]
Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$", examples=["9f86d081884c7d659a2feaa0c55ad015" + "0" * 32])]
State = Literal["ready", "pending", "invalid", "unknown"]


class Missing(Document):
    """What of a blob has still to be sent."""

    size_bytes: int = Field(examples=[52_428_800])
    """Size of the whole blob."""
    missing: list[tuple[int, int]] = Field(examples=[[[262_144, 524_288]]])
    """Ranges in bytes, the end exclusive, in whole chunks of 256 KiB; empty when the blob is there."""


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class NewResource(_Input):
    """A file to push; its blob is uploaded before."""

    sha256: Hash
    """SHA-256 of the file, hex."""
    title: Title
    """What people call it."""
    resource: str | None = Field(default=None, pattern=REFERENCE_PATTERN, examples=["fractions-1"])
    """What records call it; without one it is made from the hash, so that a file has one name wherever it is pushed."""


class NewPush(_Input):
    """Resources that an audience needs by a moment."""

    title: Title
    """What people call the push."""
    audience: list[str] = Field(min_length=1, max_length=1000, examples=[["class:s01-g3c1", "grade:三年级"]])
    """Any of `class:…`, `grade:…`, `school:…`, `all`; together they add up."""
    before_at: AwareDatetime | None = Field(default=None, examples=["2026-11-24T08:00:00+08:00"])
    """When it is needed, with an offset from UTC; null when it is not urgent."""
    resources: list[NewResource] = Field(min_length=1, max_length=200)
    """The files, in the order in which they are shown."""


class PushedResource(Document):
    """One file of a push."""

    resource: str = Field(examples=["fractions-1"])
    """What records call it."""
    title: str = Field(examples=["分数的初步认识.mp4"])
    """What people call it."""
    sha256: str
    """SHA-256 of its blob, hex."""
    size_bytes: int = Field(examples=[52_428_800])
    """Size of its blob."""
    media_type: str = Field(examples=["video/mp4"])
    """Media type of its blob."""


class Readiness(Document):
    """How many agents hold a push, as they report."""

    agents: int = Field(examples=[16])
    """Agents that should hold it."""
    ready: int = Field(examples=[14])
    """Agents that hold all of it, verified."""
    pending: int = Field(examples=[1])
    """Agents that are on their way."""
    invalid: int = Field(examples=[0])
    """Agents that cannot hold it, with a reason."""
    unknown: int = Field(examples=[1])
    """Agents that have never reported."""


class PushRow(Document):
    """A push in a list."""

    manifest: str = Field(examples=["m-2f1c9a0b4d5e6f708192a3b4"])
    """Its id, made from files and audience."""
    token: str
    """Names its present content; what terminals report is made from these."""
    title: str
    """What people call it."""
    audience: list[str] = Field(examples=[["class:s01-g3c1"]])
    """Whom it is for."""
    before_at: Moment | None
    """When it is needed; null when it is not urgent."""
    created_at: Moment
    """When it was pushed first."""
    withdrawn_at: Moment | None
    """When it was withdrawn; null while it counts."""
    size_bytes: int = Field(examples=[52_428_800])
    """Its files together."""
    resources: list[PushedResource]
    """Its files."""
    readiness: Readiness
    """Where it has arrived; all zero once withdrawn."""


class PushList(Page):
    """Pushes, newest first."""

    items: list[PushRow]
    """The page."""


class AgentReadiness(Document):
    """Where a push stands on one agent."""

    agent: str = Field(examples=["s01-gw"])
    """The agent."""
    school: str | None = Field(examples=["s01"])
    """Its school."""
    state: State
    """ready: all of it is there, verified; pending: on its way; invalid: it cannot be held; unknown: never reported."""
    reason: str
    """What the agent says about it; empty when nothing."""
    missing_bytes: int | None = Field(examples=[1_048_576])
    """Bytes that the agent still lacks of all its pushes; null when it has not said."""
    proved_at: Moment | None
    """When the agent last found its files whole, on the centre's clock; null when never."""


class PushDetail(PushRow):
    """A push with every agent that should hold it."""

    agents: list[AgentReadiness]
    """One entry per agent, in the order of the inventory."""
