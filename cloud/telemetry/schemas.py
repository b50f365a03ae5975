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
    unit: str = Field(examples=["bps"])
    vantage: Vantage
    points: list[tuple[int, float | None]] = Field(examples=[[[1795420800000, 182000000.0], [1795420810000, None]]])
    """`[epoch_ms, value]` at the start of each step, oldest first: the mean over the step, null where nothing was
    measured."""


class LinkSeries(Document):
    """Series of one link over one span, all with the same steps."""

    link: str = Field(examples=["s07-wan"])
    from_: Moment = Field(alias="from")
    to: Moment
    step_seconds: int = Field(examples=[10])
    source: SeriesSource
    series: list[Series]


class MetricDescription(Document):
    """One metric of the catalogue."""

    metric: str = Field(examples=["rtt_seconds"])
    unit: str = Field(examples=["seconds"])
    kind: Kind
    description: str = Field(examples=["seconds"])
    minimum: float | None = None
    maximum: float | None = None
    charted: bool
    """Whether `series` can draw it (text cannot be drawn)."""


class MetricCatalogue(Document):
    """Every metric that the wire and the tables know."""

    items: list[MetricDescription]
