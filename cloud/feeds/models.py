"""A feed as its delivery sees it, and what one attempt came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

MAX_BATCH_RECORDS = 100


class Format(StrEnum):
    """How records are told."""

    WEBHOOK = "webhook"
    XAPI = "xapi"


@dataclass(frozen=True, slots=True)
class Feed:
    """A receiver with its place in the records. The secret is in no representation."""

    feed: str
    format: Format
    url: str
    home_page: str
    types: list[str]
    school: str | None
    secret: str = field(repr=False)
    state: str
    place: int
    batch_records: int
    failures: int
    created_at: datetime
    left_seconds: float | None
    """Until it is tried again after a failure."""


@dataclass(frozen=True, slots=True)
class Message:
    """One HTTP request."""

    url: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    known_status: int | None = None
    """A status by which the receiver says that it has these records already."""


class Verdict(StrEnum):
    """What an attempt says of the records that were sent."""

    TAKEN = "taken"
    REFUSED = "refused"
    """The receiver judged the content: sending the same again cannot help."""
    FAILED = "failed"
    """The receiver broke while it had the content: maybe because of it."""
    AWAY = "away"
    """The receiver did not look at the content."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict, with a reason that holds nothing of what the receiver said, and the pause it asked for."""

    verdict: Verdict
    reason: str
    pause_seconds: float | None = None
