"""How a month looks on the API."""

from __future__ import annotations

from pydantic import Field

from cloud.http.schemas import Document, Moment


class AvailabilityRow(Document):
    """A line's month, or a provider's: the sum over its lines."""

    link: str | None = Field(examples=["s07-wan"])
    """Link id; null for a provider's sum."""
    school: str | None = Field(examples=["s07"])
    """Id of its school; null for a provider's sum."""
    school_name: str | None = Field(examples=["第七小学"])
    """The school's name."""
    school_name_en: str | None = Field(examples=["No. 7 Primary School"])
    """The school's English name."""
    provider: str = Field(examples=["运营商甲"])
    """Its provider; empty when the inventory names none."""
    contracted_bps: int | None = Field(examples=[1_000_000_000])
    """Bits per second that the provider owes each way; null for a provider's sum."""
    availability_ratio: float | None = Field(examples=[0.99931])
    """Share of the known time without planned work that it was up; null when nothing is known."""
    up_seconds: float
    """Time up or degraded."""
    down_seconds: float
    """Time down, the down-time of flapping included."""
    unknown_seconds: float
    """Time of which nothing is known: neither up nor down."""
    maintenance_seconds: float
    """Time of planned work: neither up nor down."""
    outages: int
    """Number of times that it went down."""
    longest_seconds: float
    """The longest of them."""
    lost_minutes: float
    """Lesson-minutes lost through it."""
    saved_minutes: float
    """Lesson-minutes that went on from the cache."""


class AvailabilityReport(Document):
    """Availability of every line and provider in a month, from evidence alone."""

    month: str = Field(examples=["2026-11"])
    """The month, of the district's calendar."""
    since: Moment
    """Its begin."""
    until: Moment
    """Its end, not included; now for a month that is not over."""
    links: list[AvailabilityRow]
    """Lines, in district order."""
    providers: list[AvailabilityRow]
    """Providers, each the sum over its lines and its own outages."""
