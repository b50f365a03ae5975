"""How moments of the past look on the API. What a moment's state is told in is the overview's own document."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from cloud.http.schemas import Document, Moment
from cloud.incidents.models import IncidentKind, Severity
from cloud.inventory.schemas import LinkRow
from cloud.overview.schemas import AgentTerminals, DistrictSize
from cloud.status.models import StatusKind, StatusWord
from cloud.status.schemas import StatusCounts


class LinkThen(LinkRow):
    """One link as it was. Rates are null where nothing was measured in the minute before, nor is a rollup kept."""

    reason: str | None = Field(default=None, examples=["line_cut"])
    """Code of the rule that had decided; null when it was never evaluated."""
    root_kind: StatusKind | None = None
    """Kind of the thing whose fault explained its status; null when it was its own."""
    root_key: str | None = Field(default=None, examples=["运营商甲"])
    """Key of that thing."""


class LinksThen(Document):
    """Every link that existed at a moment, in the district's order of then."""

    at: Moment
    """The moment."""
    items: list[LinkThen]
    """Every link."""


class OverviewThen(Document):
    """The district on one screen as it was. What is not kept is left out: freshness, backlog, quarantine, ledger."""

    at: Moment
    """The moment."""
    district: DistrictSize
    """How much there was."""
    links: StatusCounts
    """Links by status."""
    gateways: StatusCounts
    """Gateways by status."""
    classrooms: StatusCounts
    """Classrooms by status."""
    terminals: StatusCounts
    """Terminals by status."""
    grid: list[LinkThen]
    """Every link, in the district's order of then."""


class OutThen(Document):
    """Something that was not up."""

    kind: StatusKind
    """Kind of thing."""
    key: str = Field(examples=["s07-wan"])
    """Its key."""
    school: str | None = Field(examples=["s07"])
    """Its school; null when it belonged to none."""
    status: StatusWord
    """What it was."""
    since: Moment
    """Since when."""
    reason: str = Field(examples=["line_cut"])
    """Code of the rule that had decided."""
    root_kind: StatusKind | None
    """Kind of the thing whose fault explained it; null when it was its own."""
    root_key: str | None
    """Key of that thing."""


class OutsThen(Document):
    """Everything that was not up at a moment: faults first, then what lay behind them."""

    at: Moment
    """The moment."""
    items: list[OutThen]
    """Links, gateways, devices and classrooms."""


class IncidentThen(Document):
    """One incident as it was at a moment, while it was open."""

    incident_id: int = Field(examples=[17])
    """Its number."""
    root_kind: StatusKind
    """Kind of the thing at fault."""
    root_key: str = Field(examples=["s07-wan"])
    """Key of the thing at fault."""
    kind: IncidentKind
    """Outage, degradation or blind spot, by the status of then."""
    severity: Severity
    """How urgent it was."""
    status: StatusWord
    """Status of the thing at fault."""
    reason: str = Field(examples=["line_cut"])
    """Code of the rule that had decided until then."""
    school: str | None = Field(examples=["s07"])
    """School of the thing at fault; null when it belongs to none."""
    school_name: str | None = Field(examples=["第七小学"])
    """The school's name."""
    school_name_en: str | None = Field(examples=["No. 7 Primary School"])
    """The school's English name."""
    provider: str | None = Field(examples=["运营商甲"])
    """Provider of the line at fault; null for other things."""
    opened_at: Moment
    """Since when the trouble was known."""
    acknowledged_at: Moment | None
    """When somebody had taken note; null while nobody had."""
    acknowledged_by: str | None
    """Who had taken note."""
    assignee: str | None
    """Who looked after it."""
    members: int = Field(examples=[37])
    """Things that it explained."""
    lessons_now: int = Field(examples=[6])
    """Lessons in session that it stood in the way of, by the timetable as it is known today."""
    students_now: int = Field(examples=[270])
    """Their pupils."""
    exams_now: int
    """Exams among them."""
    lessons_next: int
    """Lessons of the hour after that it would have reached."""
    students_next: int
    """Their pupils."""
    next_at: Moment | None
    """When the first of them began."""


class IncidentsThen(Document):
    """The incidents that were open at a moment, the most urgent first."""

    at: Moment
    """The moment."""
    items: list[IncidentThen]
    """Every one."""


class BellKind(StrEnum):
    """What a bell rang for."""

    START = "start"
    END = "end"


class Bell(Document):
    """A moment at which lessons begin or end."""

    at: Moment
    """When it rings."""
    kind: BellKind
    """Whether lessons begin or end."""
    lessons: int = Field(examples=[318])
    """How many do."""


class Ticks(Document):
    """What a scrubber shows of a span of time: bells, and how much changed in every bucket of it."""

    since: Moment
    """Begin of the first bucket."""
    until: Moment
    """End of the span."""
    oldest: Moment
    """The earliest moment that can be asked for now."""
    width_seconds: int = Field(examples=[600])
    """Width of a bucket."""
    changes: list[int] = Field(examples=[[0, 12, 3]])
    """Changes of status per bucket, those behind a fault too."""
    faults: list[int] = Field(examples=[[0, 1, 0]])
    """Of them those that were a thing's own trouble."""
    bells: list[Bell]
    """Bells, oldest first; empty for spans of more than eight days."""


class ChangeThen(Document):
    """A change of status. What has a root was suppressed: nobody was told of it by itself."""

    at: Moment
    """When the cloud changed its mind."""
    kind: StatusKind
    """Kind of thing."""
    key: str = Field(examples=["s07-c03"])
    """Its key."""
    previous: StatusWord | None
    """What it was; null at the first judgement."""
    status: StatusWord
    """What it became."""
    reason: str = Field(examples=["line_cut"])
    """Code of the rule that decided."""
    root_kind: StatusKind | None
    """Kind of the thing whose fault explains it; null when it is its own."""
    root_key: str | None
    """Key of that thing."""


class LettersThen(AgentTerminals):
    """What was said anew of the terminals behind one agent."""

    at: Moment
    """When it was noted."""


class InventoryAct(StrEnum):
    """What happened to a row of the inventory."""

    APPEARED = "appeared"
    CHANGED = "changed"
    RETIRED = "retired"


class InventoryChange(Document):
    """Something that came into the inventory, was changed in it or left it."""

    at: Moment
    """When it was imported."""
    kind: str = Field(examples=["classroom"])
    """`school`, `classroom`, `agent`, `device`, `link` or `port`."""
    key: str = Field(examples=["s07-c03"])
    """Its key."""
    role: str | None = Field(examples=["classroom"])
    """An agent's role; null for everything else."""
    status_key: str = Field(examples=["s07-c03"])
    """Key under which its status is told: a classroom agent's is its room's."""
    status: StatusWord | None
    """Its status at that moment; null when it had none yet. It may have changed while it was not in the inventory."""
    change: InventoryAct
    """What happened."""


class Changes(Document):
    """Everything that makes the state of `until` out of the state of `since`."""

    since: Moment
    """Changes at this very moment are part of its state and not listed."""
    until: Moment
    """The last moment that is covered; earlier than asked for when there was more than fits."""
    complete: bool
    """False when there was more than fits: ask again from `until`."""
    statuses: list[ChangeThen]
    """Changes of status, oldest first."""
    terminals: list[LettersThen]
    """What was said anew of terminals, oldest first; noted every five seconds. Empty unless asked for."""
    inventory: list[InventoryChange]
    """Changes of the inventory, oldest first; terminals are told by `terminals`."""
