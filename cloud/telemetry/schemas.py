"""Series of measurements and the catalogue of metrics, as the API shows them."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from cloud.http.schemas import Document, Moment
from protocols.samples import Kind, Vantage


class SeriesSource(StrEnum):
    """Where points were read: raw samples or a rollup."""

    RAW = "raw"
    FIVE_MINUTES = "5m"
    ONE_HOUR = "1h"


class Series(Document):
    """One metric seen from one end."""

    metric: str = Field(examples=["in_bps"])
    """Name in the catalogue."""
    unit: str = Field(examples=["bps"])
    """Its unit, as the catalogue has it."""
    vantage: Vantage
    """The end it was measured from."""
    points: list[tuple[int, float | None]] = Field(examples=[[[1795420800000, 182000000.0], [1795420810000, None]]])
    """`[epoch_ms, value]` at the start of each step, oldest first: the mean over the step, null where nothing was
    measured."""


class LinkSeries(Document):
    """Series of one link over one span, all with the same steps."""

    link: str = Field(examples=["s07-wan"])
    """Link id."""
    from_: Moment = Field(alias="from")
    """Start of the first step: what was asked for, moved back to a whole step."""
    to: Moment
    """End of the span, as asked for; the last step begins before it."""
    step_seconds: int = Field(examples=[10])
    """Seconds per step."""
    source: SeriesSource
    """Where the points were read."""
    series: list[Series]
    """One per metric and vantage asked for."""


class MetricSeries(Document):
    """One metric of a thing."""

    metric: str = Field(examples=["cpu_ratio"])
    """Name in the catalogue."""
    unit: str = Field(examples=["ratio"])
    """Its unit, as the catalogue has it."""
    points: list[tuple[int, float | None]] = Field(examples=[[[1795420800000, 0.31], [1795420810000, None]]])
    """`[epoch_ms, value]` at the start of each step, oldest first: the mean over the step, null where nothing was
    measured."""


class ThingSeries(Document):
    """Series of one thing over one span, all with the same steps."""

    kind: Kind
    """Kind of the thing."""
    thing: str = Field(examples=["s07-sw01"])
    """Its key."""
    from_: Moment = Field(alias="from")
    """Start of the first step: what was asked for, moved back to a whole step."""
    to: Moment
    """End of the span, as asked for; the last step begins before it."""
    step_seconds: int = Field(examples=[10])
    """Seconds per step."""
    source: SeriesSource
    """Where the points were read."""
    series: list[MetricSeries]
    """One per metric asked for."""


class MetricDescription(Document):
    """One metric of the catalogue."""

    metric: str = Field(examples=["rtt_seconds"])
    """Name, as in the wire's samples and the database's columns."""
    unit: str = Field(examples=["seconds"])
    """Its unit: that at the end of the name, or `bool`, `count`, `number`, `text`."""
    kind: Kind
    """Kind of thing it is measured of."""
    description: str = Field(examples=["seconds"])
    """The unit in words, or the name where the catalogue has none."""
    minimum: float | None = None
    """Least value that is taken; null without a bound."""
    maximum: float | None = None
    """Greatest value that is taken; null without a bound."""
    charted: bool
    """Whether `series` can draw it (text cannot be drawn)."""


class MetricCatalogue(Document):
    """Every metric that the wire and the tables know."""

    items: list[MetricDescription]
    """The metrics, by kind."""
