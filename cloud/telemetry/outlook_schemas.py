"""What a link's days say of it, as the API shows it."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from cloud.http.schemas import Document, Moment
from cloud.telemetry.forecast import Trend


class Voice(Document):
    """How good a call would be, by the simplified E-model of ITU-T G.107."""

    mos: float = Field(examples=[4.38])
    """Mean opinion score, 1 (bad) to 4.5 (as good as it gets)."""
    r: float = Field(examples=[92.4])
    """The model's rating, 0 to 93.2."""
    rtt_seconds: float = Field(examples=[0.004])
    """Mean round-trip time it is worked out from."""
    jitter_seconds: float = Field(examples=[0.0004])
    """Mean jitter likewise; 0 where none was measured."""
    loss_ratio: float = Field(examples=[0.0])
    """Share of pings lost likewise."""


class Percentile(Document):
    """The 95th percentile of five-minute means over a span: a twentieth of the time was busier."""

    days: int = Field(examples=[30])
    """Days looked back over."""
    steps: int = Field(examples=[8640])
    """Five minutes that were measured."""
    to_school_bps: float | None = None
    """Bits per second towards the school; null when nothing was measured."""
    from_school_bps: float | None = None
    """Bits per second from the school; null likewise."""


class DayTraffic(Document):
    """One local day's 95th percentiles."""

    day: date
    """The day."""
    to_school_bps: float | None
    """Bits per second towards the school; null when nothing was measured."""
    from_school_bps: float | None
    """Bits per second from the school; null likewise."""
    complete: bool
    """Whether at least half of the day was measured; other days do not count in the forecast."""


class Saturation(Document):
    """When the busier direction's daily 95th percentile reaches the contracted speed, at the slope of the days."""

    trend: Trend
    """`not_enough_data` below fourteen whole days; `stable` when growth cannot be told from none."""
    days_used: int = Field(examples=[61])
    """Whole days it rests on."""
    level_bps: float | None = None
    """Where the line stands now; null without enough data."""
    per_day_bps: float | None = None
    """Growth a day; null likewise."""
    least_per_day_bps: float | None = None
    """Least growth within the 90 % interval; null likewise."""
    most_per_day_bps: float | None = None
    """Most growth within it; null likewise."""
    days: float | None = None
    """Days until it is full; null when not within three years, or not told."""
    soonest_days: float | None = None
    """Days until then at the most growth; null likewise."""
    latest_days: float | None = None
    """Days until then at the least growth; null likewise."""


class Usual(Document):
    """What is usual at one hour of the week."""

    hour: int = Field(examples=[33])
    """Hour of the week in the district's time zone: 0 is Monday from midnight."""
    median_bps: float
    """Median of the hourly means of the busier direction."""
    low_bps: float
    """10th percentile of them."""
    high_bps: float
    """90th percentile of them."""
    weeks: int
    """Weeks that were measured at this hour."""


class LinkOutlook(Document):
    """What a link's days say: percentiles, growth, the usual week, and how good a call would be."""

    link: str = Field(examples=["s07-wan"])
    """Link id."""
    at: Moment
    """When it was worked out."""
    contracted_bps: int = Field(examples=[1_000_000_000])
    """Speed the provider owes in each direction."""
    voice_now: Voice | None = None
    """By the newest probe; null without a fresh one, or when all was lost."""
    voice_day: Voice | None = None
    """By the means of the last 24 hours; null when nothing was measured or answered."""
    percentile: Percentile
    """Over the last 30 days."""
    days: list[DayTraffic]
    """Up to 90 days, oldest first; days without measurements are left out."""
    saturation: Saturation
    """When it will be full."""
    usual: list[Usual | None]
    """168 hours of the week, over up to eight weeks; null for an hour with fewer than three."""
    usual_hour: int = Field(examples=[33])
    """Which of them is now."""


class Sparkline(Document):
    """A link's traffic in equal steps."""

    link: str = Field(examples=["s07-wan"])
    """Link id."""
    to_school_bps: list[float | None]
    """Mean per step towards the school; null where nothing was measured."""
    from_school_bps: list[float | None]
    """Mean per step from the school; null likewise."""


class Sparklines(Document):
    """Traffic of every link over the last hours."""

    since: Moment
    """Start of the first step."""
    step_seconds: int = Field(examples=[1800])
    """Seconds per step."""
    items: list[Sparkline]
    """Every link with measurements, in district order."""
