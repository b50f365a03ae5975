"""What every answer of the API shares: the model base, pages, and RFC 9457 problems.

Times in JSON are RFC 3339 in UTC; points of a series are epoch milliseconds. Units are at the end of names.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_utc), Field(examples=["2026-11-23T08:00:00Z"])]
"""A moment in UTC, written with `Z`."""


class Document(BaseModel):
    """Base of every answer: immutable, described, snake_case."""

    model_config = ConfigDict(
        frozen=True, use_attribute_docstrings=True, json_schema_serialization_defaults_required=True
    )


class Page(Document):
    """Where a list's page stands in the whole."""

    total: int = Field(examples=[698])
    """Items that match, over all pages."""
    limit: int = Field(examples=[100])
    """Most items on a page, as asked for."""
    offset: int = Field(examples=[0])
    """Items passed over before this page, as asked for."""


class FieldProblem(Document):
    """One input that was wrong."""

    field: str = Field(examples=["metric"])
    """Name of the query parameter, path part or body field."""
    detail: str = Field(examples=["unknown metric 'speed'"])
    """What is wrong with it, for people."""
    allowed: list[str] | None = None
    """What may stand here, when that is a short list; null when it is not."""


class Problem(Document):
    """An RFC 9457 problem (`application/problem+json`)."""

    type: str = Field(examples=["urn:bellwether:problem:invalid-input"])
    """Names the kind of problem for programs; stable."""
    title: str = Field(examples=["The request has invalid input"])
    """What the status means, for people; the same for every problem of that status."""
    status: int = Field(examples=[422])
    """The HTTP status of this answer."""
    detail: str = Field(examples=["metric: unknown metric 'speed'"])
    """What happened this time, for people."""
    hint: str = Field(examples=["Correct the named fields; `allowed` lists what may stand there."])
    """What to do about it."""
    instance: str | None = Field(default=None, examples=["/api/v1/links/s07-wan/series"])
    """Path of the request; null when it is not known."""
    errors: list[FieldProblem] = []
    """One entry per wrong input, all at once."""
