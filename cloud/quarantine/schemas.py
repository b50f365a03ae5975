"""Quarantined segments as the API shows them, and what a replay did."""

from __future__ import annotations

from pydantic import Field

from cloud.http.schemas import Document, Moment, Page


class QuarantineRow(Document):
    """One segment that could not be taken, with the reason."""

    id: int = Field(examples=[17])
    agent: str = Field(examples=["s07-gw"])
    """The agent named by the topic, which the broker enforces."""
    epoch: str | None = None
    seq: int | None = None
    lane: str = Field(examples=["live"])
    topic: str = Field(examples=["bw/1/s07-gw/up/live"])
    reason: str = Field(examples=["unknown_agent"])
    """Reason code; filter and replay by it."""
    detail: str | None = None
    size_bytes: int = Field(examples=[2048])
    items: int | None = None
    """Number of items, when the segment could be decoded."""
    received_at: Moment
    last_received_at: Moment
    arrivals: int = Field(examples=[1])
    """How often the same bytes came and were refused for this reason."""
    state: str = Field(examples=["open"])
    """`open` waits; `replayed` was taken in after all."""
    replayed_at: Moment | None = None
    outcome: str | None = None
    """What the last replay came to."""


class ReasonCount(Document):
    """How many segments wait for one reason."""

    reason: str
    segments: int


class QuarantineList(Page):
    """A page of quarantined segments, newest first."""

    reasons: list[ReasonCount]
    """All reasons with their counts, whatever the filter."""
    items: list[QuarantineRow]


class QuarantineDetail(QuarantineRow):
    """One quarantined segment with its bytes made readable."""

    content_type: str
    payload_hex: str
    """The first 4096 bytes, hexadecimal."""
    decoded: str | None = None
    """The segment as JSON, first 64 KiB, when it can be decoded."""


class ReplayReport(Document):
    """What a replay did."""

    replayed: int
    """Segments tried."""
    stored: int
    duplicate: int = 0
    still_quarantined: int = 0
