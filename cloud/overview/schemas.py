"""The overview on one screen, and the compact state of the whole district."""

from __future__ import annotations

from pydantic import Field

from cloud.fleet.schemas import Ledger
from cloud.http.schemas import Document, Moment
from cloud.inventory.schemas import GridRow
from cloud.status.models import StatusWord
from cloud.status.schemas import StatusCounts


class DistrictSize(Document):
    """How much the inventory says there is."""

    schools: int = Field(examples=[43])
    """Schools."""
    links: int = Field(examples=[43])
    """Links."""
    gateways: int = Field(examples=[43])
    """Gateway agents."""
    classrooms: int = Field(examples=[654])
    """Classrooms."""
    terminals: int = Field(examples=[29269])
    """Terminals, of students and teachers."""
    students: int = Field(examples=[25634])
    """Terminals owned by students."""
    teachers: int = Field(examples=[3635])
    """Terminals owned by teachers."""


class Freshness(Document):
    """How current the picture is."""

    newest_sample_at: Moment | None = None
    """Newest observation of the whole district, corrected to the cloud's clock; null before the first."""
    age_seconds: float | None = Field(default=None, examples=[1.8])
    """Age of the newest sample; null before the first."""
    agents_online: int = Field(examples=[698])
    """Agents that are online."""
    agents_total: int = Field(examples=[698])
    """Agents of the inventory."""
    segments_per_second: float | None = Field(default=None, examples=[142.0])
    """Segments taken per second over the last ten seconds; null until two seconds have been watched."""
    rows_per_second: float | None = Field(default=None, examples=[310.5])
    """Items stored per second over the same time; null likewise."""


class Backlog(Document):
    """What the agents still hold, by their own reports."""

    segments: int = Field(examples=[0])
    """Segments without a receipt, of all lanes."""
    items: int = 0
    """Items in them."""
    bytes: int = 0
    """Bytes of them."""
    oldest_at: Moment | None = None
    """When the oldest was sealed, by its agent's clock; null when nothing is held."""
    agents: int = 0
    """Agents that hold anything of lane `backlog`, or are offline with something held."""


class QuarantineCount(Document):
    """What waits in quarantine."""

    segments: int = 0
    """Segments, and statuses of agents, that could not be taken."""
    items: int = 0
    """Items in those that could be decoded."""


class Overview(Document):
    """The district on one screen; also the `overview` event of the stream."""

    at: Moment
    """The cloud's clock when this was read."""
    district: DistrictSize
    """How much there is."""
    links: StatusCounts
    """Links by status."""
    gateways: StatusCounts
    """Gateways by status."""
    classrooms: StatusCounts
    """Classrooms by status."""
    terminals: StatusCounts
    """Counted anew when an agent's status changes, and every three seconds."""
    grid: list[GridRow]
    """Every link, in district order."""
    freshness: Freshness
    """How old the newest sample is, who is online, and how fast data comes in."""
    backlog: Backlog
    """What waits at the agents."""
    quarantine: QuarantineCount
    """What could not be taken and waits."""
    ledger: Ledger
    """Everybody's books together."""


class ThingStates(Document):
    """Columns: `status[i]` is the status code of `things[i]`."""

    things: list[str] = Field(examples=[["s01-wan", "s02-wan"]])
    """Keys of the things."""
    status: str = Field(examples=["ud"])
    """One letter per thing; see `codes`."""


class AgentTerminals(Document):
    """The terminals behind one agent, in order of their keys."""

    agent: str = Field(examples=["s07-c03"])
    """Agent id."""
    school: str | None = Field(examples=["s07"])
    """Id of its school; null for an agent of the centre."""
    terminals: list[str] = Field(examples=[["s07-c03-t01", "s07-c03-t02"]])
    """Keys of its terminals."""
    status: str = Field(examples=["uu"])
    """One letter per terminal; see `codes`."""


class DistrictState(Document):
    """Current status of every link, gateway, classroom and terminal, made small for the wire."""

    at: Moment
    """The cloud's clock when this was read."""
    codes: dict[str, StatusWord] = Field(examples=[{"u": "up", "d": "down"}])
    """What each status letter means."""
    links: ThingStates
    """Links, in district order."""
    gateways: ThingStates
    """Gateways, in district order."""
    classrooms: ThingStates
    """Classrooms that have an agent, in district order."""
    terminals: list[AgentTerminals]
    """Terminals, per agent, in district order."""
