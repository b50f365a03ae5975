"""Records as operators see them: counted, never read."""

from __future__ import annotations

from pydantic import Field

from cloud.http.schemas import Document, Moment


class RecordCount(Document):
    """Arrivals of one type of record."""

    type: str = Field(examples=["answer"])
    """The record type."""
    purpose: str = Field(examples=["shows the class board and finds what is not yet understood"])
    """What its fields are collected for."""
    stored: int = Field(examples=[1240])
    """Facts that count, each id once."""
    duplicate: int = Field(examples=[3])
    """Arrivals of a fact that was there already; they change nothing."""
    conflict: int = Field(examples=[0])
    """Arrivals under a known id with another content; kept, not counted."""
    last_received_at: Moment | None = None
    """When the newest arrived; null when none has."""


class RecordCounts(Document):
    """Arrivals by type, every registered type once."""

    items: list[RecordCount]
    """One entry per registered type, in the order of the contract."""


class RefusedRecordsOfConsumer(Document):
    """Records that one service refused for one reason."""

    consumer: str = Field(examples=["teaching"])
    """The service."""
    reason: str = Field(examples=["not_enrolled"])
    """Reason code."""
    records: int = Field(examples=[3])
    """How many; they are kept and can be tried again."""
    last_refused_at: Moment
    """When the newest was refused."""


class RefusedRecordsList(Document):
    """Open refusals by service and reason."""

    total: int = Field(examples=[3])
    """All of them together."""
    items: list[RefusedRecordsOfConsumer]
    """By service; of one service the most frequent reason first."""


class ReplayOfConsumer(Document):
    """What trying a service's refused records again came to."""

    consumer: str = Field(examples=["teaching"])
    """The service."""
    tried: int
    """Records tried."""
    taken: int
    """Of these, records that it took this time."""


class RecordReplay(Document):
    """What trying refused records again came to, by service."""

    items: list[ReplayOfConsumer]
    """Every service that was asked."""
