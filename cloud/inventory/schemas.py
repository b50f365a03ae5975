"""Schools, links, classrooms, devices and ports as the API shows them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from cloud.fleet.schemas import AgentRow, EventRow
from cloud.http.schemas import Document, Moment, Page
from cloud.status.models import StatusWord
from cloud.status.schemas import StatusChange, StatusCounts
from protocols.samples import Kind, Vantage


class GridRow(Document):
    """One link in the fixed grid, as seen from the school, or from the centre when the school is silent."""

    link: str = Field(examples=["s07-wan"])
    """Link id."""
    school: str = Field(examples=["s07"])
    """Id of its school."""
    school_name: str = Field(examples=["第七小学"])
    """Its school's name."""
    school_name_en: str = Field(examples=["Primary School No. 7"])
    """Its school's English name; empty when there is none."""
    status: StatusWord
    """Its status."""
    since: Moment | None = None
    """Since when the status holds; null when it was never evaluated."""
    in_bps: float | None = Field(default=None, examples=[182_000_000])
    """Bits per second towards the school. Null when there is no fresh sample."""
    out_bps: float | None = Field(default=None, examples=[24_000_000])
    """Bits per second from the school. Null when there is no fresh sample."""
    loss_ratio: float | None = Field(default=None, examples=[0.0])
    """Share of pings lost, 0 to 1. Null when there is no fresh probe."""
    rtt_seconds: float | None = Field(default=None, examples=[0.0031])
    """Mean round-trip time. Null when there is no fresh probe, and when every ping was lost."""
    contracted_bps: int | None = Field(default=None, examples=[1_000_000_000])
    """Bits per second the provider owes in each direction; null when the inventory does not say."""
    observed_at: Moment | None = None
    """Newest sample of the link from either end, corrected to the cloud's clock; null when there was never one."""


class LinkEnd(Document):
    """The port at one end of a link."""

    device: str | None = Field(default=None, examples=["s07-rt1"])
    """Device id; null when the inventory names none."""
    port: str | None = Field(default=None, examples=["GigabitEthernet0/0/1"])
    """The port's name on that device; null when the inventory names none."""


class LinkRow(GridRow):
    """One link in a list."""

    name: str = Field(examples=["第七小学专线"])
    """The link's name."""
    name_en: str = Field(examples=["Primary School No. 7 line"])
    """Its English name; empty when there is none."""
    provider: str | None = Field(default=None, examples=["运营商甲"])
    """Who provides the line; null when the inventory does not say."""
    utilisation_ratio: float | None = Field(default=None, examples=[0.182])
    """The busier direction over the contracted speed, 1 when full; null when either is not known."""
    jitter_seconds: float | None = Field(default=None, examples=[0.0004])
    """Mean difference between consecutive round-trip times. Null without a fresh probe or two answers."""
    school_end: LinkEnd
    """The port at the school."""
    centre_end: LinkEnd
    """The port at the centre."""


class LinkList(Document):
    """Every link, in district order."""

    at: Moment
    """The cloud's clock when this was read."""
    items: list[LinkRow]
    """Every link."""


class LinkVantage(Document):
    """The newest metrics of a link from one end; each keeps its last measured value, null when never measured."""

    vantage: Vantage
    """The end it was measured from."""
    observed_at: Moment | None = None
    """Newest sample from this end, corrected to the cloud's clock; null when there was never one."""
    fresh: bool
    """Whether the newest sample may speak about now, by the rule that judges the link: at most a minute old."""
    metrics: dict[str, float | bool | None] = Field(examples=[{"in_bps": 182_000_000, "rtt_seconds": 0.003}])
    """Newest values by their catalogue names, which carry the units; `in` is towards the port that was read."""


class SchoolSummary(Document):
    """A school by name."""

    school: str = Field(examples=["s07"])
    """School id."""
    name: str = Field(examples=["第七小学"])
    """Its name."""
    name_en: str = Field(examples=["Primary School No. 7"])
    """Its English name; empty when there is none."""
    stage: str | None = Field(default=None, examples=["primary"])
    """`primary`, `junior` or `senior`."""


class LinkDetail(LinkRow):
    """One link with both ends, its school and its gateway."""

    school_summary: SchoolSummary | None = None
    """Its school; null when the school has left the inventory."""
    gateway: AgentRow | None = None
    """The school's gateway agent; null when the inventory names none."""
    vantages: list[LinkVantage]
    """School, then centre."""
    status_changes: list[StatusChange]
    """The newest fifty, newest first."""
    recent_events: list[EventRow]
    """The newest fifty events of the link, its ports and its devices, newest first."""


class SchoolRow(SchoolSummary):
    """One school in a list."""

    latitude: float | None = None
    """Degrees north (WGS 84); null when the inventory does not say."""
    longitude: float | None = None
    """Degrees east (WGS 84); null when the inventory does not say."""
    link: str | None = Field(default=None, examples=["s07-wan"])
    """Id of its link; null when the inventory names none."""
    link_status: StatusWord | None = None
    """Status of that link; null without one."""
    gateway: str | None = Field(default=None, examples=["s07-gw"])
    """Id of its gateway agent; null when the inventory names none."""
    gateway_status: StatusWord | None = None
    """Status of that gateway; null without one."""
    classrooms: StatusCounts
    """Its classrooms, by status."""
    terminals: StatusCounts
    """Its terminals, by status."""


class SchoolList(Page):
    """A page of schools, in district order."""

    items: list[SchoolRow]
    """The schools of this page."""


class ClassroomRow(Document):
    """One classroom with its terminals counted."""

    classroom: str = Field(examples=["s07-c03"])
    """Classroom id."""
    name: str = Field(examples=["三年级二班"])
    """Its name."""
    name_en: str = Field(examples=["Year 3 Class 2"])
    """Its English name; empty when there is none."""
    seats: int | None = None
    """Seats in it; null when the inventory does not say."""
    agent: str | None = Field(default=None, examples=["s07-c03"])
    """Id of its agent; null when the inventory names none."""
    status: StatusWord
    """Its status."""
    since: Moment | None = None
    """Since when the status holds; null when it was never judged."""
    terminals: StatusCounts
    """Its terminals, by status."""


class PortRow(Document):
    """One port of a device with its newest metrics."""

    port: str = Field(examples=["s07-sw01/GigabitEthernet0/0/1"])
    """Key of the port: device, slash, name."""
    name: str = Field(examples=["GigabitEthernet0/0/1"])
    """The port's name on its device (ifName)."""
    alias: str | None = None
    """What it is for; null when the inventory does not say."""
    speed_bps: int | None = None
    """Bits per second it can carry, as measured or else as the inventory says; null when neither does."""
    oper_up: bool | None = None
    """Whether it works (ifOperStatus); null when never polled."""
    admin_up: bool | None = None
    """Whether it is switched on (ifAdminStatus); null when never polled."""
    in_bps: float | None = None
    """Bits per second into the port; null where nothing was measured."""
    out_bps: float | None = None
    """Bits per second out of the port; null where nothing was measured."""
    in_errors_per_second: float | None = None
    """Packets per second that arrived broken; null where nothing was measured."""
    out_errors_per_second: float | None = None
    """Packets per second that could not be sent; null where nothing was measured."""
    observed_at: Moment | None = None
    """When these were observed, corrected to the cloud's clock; null when never polled."""


class DeviceRow(Document):
    """One device with its ports."""

    device: str = Field(examples=["s07-sw01"])
    """Device id."""
    name: str = Field(examples=["一楼交换机"])
    """Its name."""
    kind: str = Field(examples=["switch"])
    """`router`, `switch`, `ap`, `core` or `other`."""
    vendor: str | None = None
    """Who made it; null when the inventory does not say."""
    model: str | None = None
    """Its model; null when the inventory does not say."""
    address: str | None = None
    """Its management address; null when the inventory does not say."""
    agent: str | None = None
    """Id of the agent that polls it; null when the inventory names none."""
    parent: str | None = None
    """Id of the device it hangs on, towards the centre; null at the top."""
    reachable: bool | None = None
    """What the polling agent said last; null when never polled."""
    uptime_seconds: float | None = None
    """Seconds since it started; null when never polled."""
    cpu_ratio: float | None = None
    """Busy share of its processors, 0 to 1; null where nothing was measured."""
    memory_used_ratio: float | None = None
    """Used share of its memory, 0 to 1; null where nothing was measured."""
    temperature_celsius: float | None = None
    """Degrees Celsius; null where nothing was measured."""
    observed_at: Moment | None = None
    """When these were observed, corrected to the cloud's clock; null when never polled."""
    ports: list[PortRow]
    """Its ports, in the inventory's order."""


class SchoolDetail(SchoolRow):
    """One school with everything in it."""

    link_row: LinkRow | None = None
    """Its link; null when the inventory names none."""
    gateway_row: AgentRow | None = None
    """Its gateway agent; null when the inventory names none."""
    classroom_rows: list[ClassroomRow]
    """Its classrooms, in the inventory's order."""
    devices: list[DeviceRow]
    """Its devices, in the inventory's order."""


class DistrictMap(Document):
    """The district's own map."""

    outline: dict[str, Any] | None = None
    """GeoJSON (RFC 7946), a FeatureCollection; null when the configuration names none."""


class UnclaimedThing(Document):
    """Something an agent measures that the inventory does not know; its rows are stored all the same."""

    thing: str = Field(examples=["s07-sw01/GigabitEthernet0/0/49"])
    """Key under which the agent reports it."""
    kind: Kind
    """Kind of the thing."""
    agent: str | None = Field(default=None, examples=["s07-gw"])
    """The agent that reported it first."""
    first_seen_at: Moment | None = None
    """When it was first received."""


class UnclaimedList(Page):
    """A page of unclaimed things, in order of kind and key."""

    items: list[UnclaimedThing]
    """The things of this page."""
