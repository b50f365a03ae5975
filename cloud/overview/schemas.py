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
    links: int = Field(examples=[43])
    gateways: int = Field(examples=[43])
    classrooms: int = Field(examples=[654])
    terminals: int = Field(examples=[29269])
    students: int = Field(examples=[25634])
    """Terminals owned by students."""
    teachers: int = Field(examples=[3635])
    """Terminals owned by teachers."""


class Freshness(Document):
    """How current the picture is."""

    newest_sample_at: Moment | None = None
    age_seconds: float | None = Field(default=None, examples=[1.8])
    """Age of the newest sample; null before the first."""
    agents_online: int = Field(examples=[698])
    agents_total: int = Field(examples=[698])
    segments_per_second: float | None = Field(default=None, examples=[142.0])
    """Segments taken per second over the last ten seconds; null until two seconds have been watched."""
    rows_per_second: float | None = Field(default=None, examples=[310.5])


class Backlog(Document):
    """What the agents still hold, by their own reports."""

    segments: int = Field(examples=[0])
    items: int = 0
    bytes: int = 0
    oldest_at: Moment | None = None
    agents: int = 0
    """Agents that hold anything of lane `backlog`, or are offline with something held."""


class QuarantineCount(Document):
    """What waits in quarantine."""

    segments: int = 0
    items: int = 0


class Overview(Document):
    """The district on one screen; also the `overview` event of the stream."""

    at: Moment
    """The cloud's clock when this was read."""
    district: DistrictSize
    links: StatusCounts
    gateways: StatusCounts
    classrooms: StatusCounts
    terminals: StatusCounts
    """Counted anew when an agent's status changes, and every three seconds."""
    grid: list[GridRow]
    """Every link, in district order."""
    freshness: Freshness
    backlog: Backlog
    quarantine: QuarantineCount
    ledger: Ledger


class ThingStates(Document):
    """Columns: `status[i]` is the status code of `things[i]`."""

    things: list[str] = Field(examples=[["s01-wan", "s02-wan"]])
    status: str = Field(examples=["ud"])
    """One letter per thing; see `codes`."""


class AgentTerminals(Document):
    """The terminals behind one agent, in order of their keys."""

    agent: str = Field(examples=["s07-c03"])
    terminals: list[str] = Field(examples=[["s07-c03-t01", "s07-c03-t02"]])
    status: str = Field(examples=["uu"])


class DistrictState(Document):
    """Current status of every link, gateway, classroom and terminal, made small for the wire."""

    at: Moment
    codes: dict[str, StatusWord] = Field(examples=[{"u": "up", "d": "down"}])
    """What each status letter means."""
    links: ThingStates
    gateways: ThingStates
    classrooms: ThingStates
    terminals: list[AgentTerminals]
