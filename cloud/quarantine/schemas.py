"""Quarantined segments as the API shows them, and what a replay did."""

from __future__ import annotations

from pydantic import Field

from cloud.http.schemas import Document, Moment, Page


class QuarantineRow(Document):
    """One segment that could not be taken, with the reason."""

    id: int = Field(examples=[17])
    """Number of the entry."""
    agent: str = Field(examples=["s07-gw"])
    """The agent named by the topic, which the broker enforces."""
    epoch: str | None = None
    """The segment's epoch; null when it could not be read."""
    seq: int | None = None
    """The segment's seq; null when it could not be read."""
    lane: str = Field(examples=["live"])
    """The lane it came in, or `status` for a status of an agent."""
    topic: str = Field(examples=["bw/1/s07-gw/up/live"])
    """The topic it came in."""
    reason: str = Field(examples=["unknown_agent"])
    """Reason code; filter and replay by it."""
    detail: str | None = None
    """What was wrong, for people; null when the reason says it all."""
    size_bytes: int = Field(examples=[2048])
    """Bytes as they came."""
    items: int | None = None
    """Items in it; null when it could not be decoded."""
    received_at: Moment
    """When it first came."""
    last_received_at: Moment
    """When it last came."""
    arrivals: int = Field(examples=[1])
    """How often the same bytes came and were refused for this reason."""
    state: str = Field(examples=["open"])
    """`open` waits; `replayed` was taken in after all."""
    replayed_at: Moment | None = None
    """When a replay took it in; null while it waits."""
    outcome: str | None = None
    """What the last replay came to; null before the first."""


class ReasonCount(Document):
    """How many segments wait for one reason."""

    reason: str
    """Reason code."""
    segments: int
    """Segments that wait for it."""


class QuarantineList(Page):
    """A page of quarantined segments, newest first."""

    reasons: list[ReasonCount]
    """All reasons with their counts, whatever the filter."""
    items: list[QuarantineRow]
    """The segments of this page."""


class QuarantineDetail(QuarantineRow):
    """One quarantined segment with its bytes made readable."""

    content_type: str
    """Content type that came with it."""
    payload_hex: str
    """The first 4096 bytes, hexadecimal; empty where they hold classroom records, which are not for operators."""
    decoded: str | None = None
    """The segment as JSON, first 64 KiB, records by id and type alone; null when it cannot be decoded."""


class ReplayReport(Document):
    """What a replay did."""

    replayed: int
    """Segments tried."""
    stored: int
    """Of these, segments that were stored."""
    duplicate: int = 0
    """Of these, segments that had been stored before."""
    still_quarantined: int = 0
    """Of these, segments that were refused again."""
