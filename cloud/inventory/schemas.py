"""Schools, links, classrooms, devices and ports as the API shows them."""

from __future__ import annotations

from pydantic import Field

from cloud.fleet.schemas import AgentRow, EventRow
from cloud.http.schemas import Document, Moment, Page
from cloud.status.models import StatusWord
from cloud.status.schemas import StatusChange, StatusCounts
from protocols.samples import Kind, Vantage


class GridRow(Document):
    """One link in the fixed grid, as seen from the school, or from the centre when the school is silent."""

    link: str = Field(examples=["s07-wan"])
    school: str = Field(examples=["s07"])
    school_name: str = Field(examples=["第七小学"])
    school_name_en: str = Field(examples=["Primary School No. 7"])
    status: StatusWord
    since: Moment | None = None
    """Since when the status holds; null when it was never evaluated."""
    in_bps: float | None = Field(default=None, examples=[182_000_000])
    """Towards the school. Null when there is no fresh sample."""
    out_bps: float | None = Field(default=None, examples=[24_000_000])
    """From the school."""
    loss_ratio: float | None = Field(default=None, examples=[0.0])
    rtt_seconds: float | None = Field(default=None, examples=[0.0031])
    contracted_bps: int | None = Field(default=None, examples=[1_000_000_000])
    """What both directions are held against."""
    observed_at: Moment | None = None
    """Newest sample of the link from either end."""


class LinkEnd(Document):
    """The port at one end of a link."""

    device: str | None = Field(default=None, examples=["s07-rt1"])
    port: str | None = Field(default=None, examples=["GigabitEthernet0/0/1"])


class LinkRow(GridRow):
    """One link in a list."""

    name: str = Field(examples=["第七小学专线"])
    name_en: str = Field(examples=["Primary School No. 7 line"])
    provider: str | None = Field(default=None, examples=["运营商甲"])
    utilisation_ratio: float | None = Field(default=None, examples=[0.182])
    """The busier direction over the contracted speed."""
    jitter_seconds: float | None = Field(default=None, examples=[0.0004])
    school_end: LinkEnd
    centre_end: LinkEnd


class LinkList(Document):
    """Every link, in district order."""

    at: Moment
    items: list[LinkRow]


class LinkVantage(Document):
    """The newest metrics of a link from one end; each keeps its last measured value, null when never measured."""

    vantage: Vantage
    observed_at: Moment | None = None
    fresh: bool
    """Whether the newest sample may speak about now, by the rule that judges the link: at most a minute old."""
    metrics: dict[str, float | bool | None] = Field(examples=[{"in_bps": 182_000_000, "rtt_seconds": 0.003}])


class SchoolSummary(Document):
    """A school by name."""

    school: str = Field(examples=["s07"])
    name: str = Field(examples=["第七小学"])
    name_en: str = Field(examples=["Primary School No. 7"])
    stage: str | None = Field(default=None, examples=["primary"])


class LinkDetail(LinkRow):
    """One link with both ends, its school and its gateway."""

    school_summary: SchoolSummary | None = None
    gateway: AgentRow | None = None
    vantages: list[LinkVantage]
    """School, then centre."""
    status_changes: list[StatusChange]
    """The newest fifty, newest first."""
    recent_events: list[EventRow]
    """The newest fifty events of the link, its ports and its devices, newest first."""


class SchoolRow(SchoolSummary):
    """One school in a list."""

    latitude: float | None = None
    longitude: float | None = None
    link: str | None = Field(default=None, examples=["s07-wan"])
    link_status: StatusWord | None = None
    gateway: str | None = Field(default=None, examples=["s07-gw"])
    gateway_status: StatusWord | None = None
    classrooms: StatusCounts
    terminals: StatusCounts


class SchoolList(Page):
    """A page of schools, in district order."""

    items: list[SchoolRow]


class ClassroomRow(Document):
    """One classroom with its terminals counted."""

    classroom: str = Field(examples=["s07-c03"])
    name: str = Field(examples=["三年级二班"])
    name_en: str = Field(examples=["Year 3 Class 2"])
    seats: int | None = None
    agent: str | None = Field(default=None, examples=["s07-c03"])
    status: StatusWord
    since: Moment | None = None
    terminals: StatusCounts


class PortRow(Document):
    """One port of a device with its newest metrics."""

    port: str = Field(examples=["s07-sw01/GigabitEthernet0/0/1"])
    name: str = Field(examples=["GigabitEthernet0/0/1"])
    alias: str | None = None
    speed_bps: int | None = None
    oper_up: bool | None = None
    admin_up: bool | None = None
    in_bps: float | None = None
    out_bps: float | None = None
    in_errors_per_second: float | None = None
    out_errors_per_second: float | None = None
    observed_at: Moment | None = None


class DeviceRow(Document):
    """One device with its ports."""

    device: str = Field(examples=["s07-sw01"])
    name: str = Field(examples=["一楼交换机"])
    kind: str = Field(examples=["switch"])
    vendor: str | None = None
    model: str | None = None
    address: str | None = None
    agent: str | None = None
    parent: str | None = None
    reachable: bool | None = None
    """What the polling agent said last; null when never polled."""
    uptime_seconds: float | None = None
    cpu_ratio: float | None = None
    memory_used_ratio: float | None = None
    temperature_celsius: float | None = None
    observed_at: Moment | None = None
    ports: list[PortRow]


class SchoolDetail(SchoolRow):
    """One school with everything in it."""

    link_row: LinkRow | None = None
    gateway_row: AgentRow | None = None
    classroom_rows: list[ClassroomRow]
    devices: list[DeviceRow]


class UnclaimedThing(Document):
    """Something an agent measures that the inventory does not know; its rows are stored all the same."""

    thing: str = Field(examples=["s07-sw01/GigabitEthernet0/0/49"])
    kind: Kind
    agent: str | None = Field(default=None, examples=["s07-gw"])
    first_seen_at: Moment | None = None


class UnclaimedList(Page):
    """A page of unclaimed things, in order of kind and key."""

    items: list[UnclaimedThing]
