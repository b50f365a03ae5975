"""How planned work looks on the API."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints

from cloud.http.schemas import Document, Moment
from cloud.maintenance.models import TargetKind

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class WindowOrder(Document):
    """A window to be added."""

    kind: TargetKind
    """What it is for; everything behind that is covered."""
    key: str = Field(min_length=1, max_length=200, examples=["s07-wan"])
    """Its key: a school, link, gateway, device or classroom, or the name of a provider."""
    starts_at: AwareDatetime = Field(examples=["2026-11-28T22:00:00+08:00"])
    """When it begins, first of all."""
    duration_seconds: int = Field(ge=60, le=604_800, examples=[7200])
    """How long it lasts, each time."""
    recurrence: str | None = Field(default=None, max_length=500, examples=["FREQ=WEEKLY;BYDAY=SA"])
    """RFC 5545 RRULE in the district's time zone; null for once."""
    reason: Text | None = Field(default=None, examples=["更换交换机"])
    """Why; needed when lessons or exams fall into it."""
    actor: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)] = Field(
        examples=["网络组"]
    )
    """Who plans it."""


class WindowRow(Document):
    """A window with when it holds next and what that costs in lessons."""

    window_id: int
    """Its number."""
    kind: TargetKind
    """Provider, school, link, gateway, device or classroom."""
    key: str = Field(examples=["s07-wan"])
    """Key of what it is for."""
    starts_at: Moment
    """When it begins, first of all."""
    duration_seconds: int
    """How long it lasts, each time."""
    recurrence: str | None
    """RFC 5545 RRULE; null for once."""
    reason: str
    """Why; empty when nobody had to say."""
    actor: str
    """Who planned it."""
    ended_at: Moment | None
    """When somebody ended it; null when nobody did."""
    holds_now: bool
    """Whether it holds now."""
    next_at: Moment | None
    """When it holds next, or since when it holds; null when it does not within a year."""
    lesson_minutes: float = Field(examples=[0.0])
    """Lesson-minutes that fall into that time."""


class WindowList(Document):
    """Windows, newest first."""

    items: list[WindowRow]
    """Those that hold now or may hold again; all when asked for."""


class Forecast(Document):
    """What a window would cost before it is planned."""

    times: list[Moment]
    """When it would hold first; at most three, none when it would never hold in the days looked at."""
    days: int = Field(examples=[60])
    """How many days from now on were looked at."""
    lesson_minutes: float
    """Lesson-minutes that fall into it in those days."""
    lessons: int
    """Lessons that it touches; with any of them a reason is needed."""
    exams: int
    """Exams among them."""


class ProposalRow(Document):
    """A time at which the work would cost little."""

    starts_at: Moment
    """When to begin."""
    lesson_minutes: float
    """Lesson-minutes that fall into it."""
    lessons: int
    """Lessons that it touches."""
    exams: int
    """Exams among them."""


class Proposal(Document):
    """The cheapest times, cheapest first."""

    items: list[ProposalRow]
    """At most three, each apart from the others."""
