"""How incidents look on the API, and what people may do to them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from cloud.http.schemas import Document, Moment, Page
from cloud.incidents.models import EntryKind, IncidentKind, IncidentState, Severity
from cloud.status.models import StatusKind, StatusWord

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class IncidentRow(Document):
    """One incident in a list. Minutes are lesson-minutes."""

    incident_id: int = Field(examples=[17])
    """Its number."""
    root_kind: StatusKind
    """Kind of the thing at fault."""
    root_key: str = Field(examples=["s07-wan"])
    """Key of the thing at fault."""
    kind: IncidentKind
    """Outage, degradation or blind spot."""
    state: IncidentState
    """Open, resolved, or merged into another."""
    severity: Severity
    """How urgent it is now, or was when it ended."""
    status: StatusWord
    """The status of the thing at fault, or what it was last."""
    reason: str = Field(examples=["line_cut"])
    """Code of the rule that decided, newest first to be known."""
    school: str | None = Field(examples=["s07"])
    """School of the thing at fault; null when it belongs to none."""
    school_name: str | None = Field(examples=["第七小学"])
    """The school's name."""
    school_name_en: str | None = Field(examples=["No. 7 Primary School"])
    """The school's English name."""
    provider: str | None = Field(examples=["运营商甲"])
    """Provider of the line at fault; null for other things."""
    opened_at: Moment
    """Since when the trouble is known."""
    resolved_at: Moment | None
    """When it was over; null while it is not."""
    merged_into: int | None
    """Number of the incident that it turned out to lie behind."""
    acknowledged_at: Moment | None
    """When somebody took note; null while nobody did."""
    acknowledged_by: str | None
    """Who took note."""
    assignee: str | None
    """Who looks after it."""
    version: int = Field(examples=[3])
    """Grows with every act; an act names the version that it was decided on."""
    members: int = Field(examples=[37])
    """Things that it explains, or explained when it ended."""
    lessons_now: int = Field(examples=[6])
    """Lessons in session that it stands in the way of."""
    students_now: int = Field(examples=[270])
    """Their pupils."""
    exams_now: int
    """Exams among them."""
    saved_now: int
    """Those that go on from the cache."""
    lessons_next: int
    """Lessons of the coming hour that it would reach."""
    students_next: int
    """Their pupils."""
    next_at: Moment | None
    """When the first of them begins."""
    lost_minutes: float = Field(examples=[38.5])
    """Lost so far."""
    saved_minutes: float
    """Saved by the cache so far."""
    unknown_minutes: float
    """Of which nothing is known."""
    at_risk_minutes: float
    """At risk while it lasts: the rest of this lesson and all of the next."""
    lessons_hit: int
    """Lessons lost or saved in part so far."""
    students_hit: int
    """Pupils of their classes."""


class IncidentList(Page):
    """Incidents, the most urgent first; open ones before those that are over."""

    items: list[IncidentRow]
    """This page of them."""


class MemberRow(Document):
    """A thing that an incident explains: nobody is told of it by itself."""

    kind: StatusKind
    """Kind of thing."""
    key: str = Field(examples=["s07-c03"])
    """Its key."""
    status: StatusWord
    """Its status behind the fault."""
    attached_at: Moment
    """Since when the incident explains it."""
    detached_at: Moment | None
    """Until when; null while it does."""


class TimelineEntry(Document):
    """Something that happened to an incident. Nothing of it is ever changed."""

    entry_id: int
    """Its number."""
    at: Moment
    """When it happened."""
    kind: EntryKind
    """What it tells."""
    actor: str | None
    """Who did it, as they called themselves; null for the system."""
    detail: dict[str, Any] = Field(examples=[{"reason": "centre_probe_dead"}])
    """The facts: status, reason and evidence of a change, text of a comment, before and after."""


class IncidentDetail(IncidentRow):
    """One incident with everything that is known of it."""

    things: list[MemberRow]
    """What it explains, or explained."""
    timeline: list[TimelineEntry]
    """What happened, oldest first."""


class Act(Document):
    """What every act of a person says."""

    actor: Name = Field(examples=["值班员"])
    """Who does it."""
    version: int = Field(examples=[3], ge=1)
    """The incident's version that it was decided on; another one is refused with 409."""


class Acknowledge(Act):
    """Take note: somebody looks after it, nobody else is called."""


class Assign(Act):
    """Give it to somebody, or to nobody."""

    assignee: Name | None = Field(examples=["网络组"])
    """Who is to look after it; null takes it from whoever has it."""


class Comment(Act):
    """Say something for whoever reads it later."""

    text: Text = Field(examples=["已电话联系运营商"])
    """What to say."""


class Merge(Act):
    """Put it behind another incident."""

    into: int = Field(examples=[12])
    """Number of the other incident, which must be open."""


class Split(Act):
    """Take a thing out of it that has trouble of its own: it gets an incident of its own."""

    kind: StatusKind
    """Kind of the thing."""
    key: str = Field(max_length=200, examples=["s07-c03"])
    """Its key."""


class Close(Act):
    """Say that it is over, and why, though its thing does not say so itself."""

    text: Text = Field(examples=["设备已撤除"])
    """Why."""
