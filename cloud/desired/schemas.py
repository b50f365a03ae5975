"""Desired and reported state as the API tells it and takes it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt

from cloud.desired.models import SyncState
from cloud.http.schemas import Document, Moment, Page

SettingName = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
SettingText = Annotated[str, Field(max_length=1000)]


class NewTargets(BaseModel):
    """What the terminals of a school, or of the whole district, should run."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    school: str | None = Field(default=None, max_length=63, examples=["s01"])
    """The school; null sets what holds for every school without values of its own."""
    app_version: str | None = Field(default=None, min_length=1, max_length=200, examples=["3.2.0"])
    """Version of the learning app; null asks for none."""
    configuration: dict[SettingName, StrictBool | StrictInt | StrictFloat | SettingText] = Field(
        default={}, max_length=200, examples=[{"camera": False}]
    )
    """Settings by name; a school's stand before the district's, name by name."""


class TargetsRow(Document):
    """What is set for one school or the district."""

    school: str | None = Field(examples=["s01"])
    """The school; null for the district."""
    app_version: str | None = Field(examples=["3.2.0"])
    """Version of the learning app; null when none is asked for."""
    configuration: dict[str, str | int | float | bool]
    """Settings by name."""
    set_at: Moment
    """When it was set."""


class TargetsList(Document):
    """Everything that is set for terminals."""

    items: list[TargetsRow]
    """One entry for the district and per school that has values of its own."""


class AgentDocument(Document):
    """One kind of document of one agent."""

    agent: str = Field(examples=["s01-gw"])
    """The agent."""
    school: str | None = Field(examples=["s01"])
    """Its school; null for the core."""
    kind: str = Field(examples=["content"])
    """roster, timetable, content, terminals or erasure."""
    desired: str | None
    """Token of what it should have; null when nothing was made."""
    desired_at: Moment | None
    """When that was made; null when nothing was made."""
    reported: str | None
    """Token of what is in force there; null when it has none, or has never said."""
    state: SyncState
    """synced: the tokens agree and nothing is missing; pending: not yet; invalid: refused, see the reason;
    unknown: it has never reported; none: nothing is desired."""
    reason: str
    """What the agent says about it; empty when nothing."""
    missing_bytes: int | None
    """Bytes of content that it still lacks; null when that does not apply."""
    proved_at: Moment | None
    """When it last held, on the centre's clock; null when never."""
    proof_age_seconds: float | None = Field(examples=[12.5])
    """Age of that proof; null without one."""
    reported_at: Moment | None
    """When the agent last reported; null when never."""


class AgentSync(Page):
    """Desired and reported documents of agents."""

    items: list[AgentDocument]
    """One entry per agent and kind, in the order of the inventory."""


class Compared(Document):
    """One thing that a terminal says of itself, beside what it should be."""

    desired: str | None
    """What it should say; null when nothing is desired."""
    reported: str | None
    """What it last said; null when it never has."""
    state: SyncState
    """synced, pending, unknown when it has never said, none when nothing is desired."""


class TerminalSync(Document):
    """A terminal: five facts about whether it is ready for the lesson."""

    terminal: str = Field(examples=["s01-c01-t02"])
    """The terminal."""
    school: str = Field(examples=["s01"])
    """Its school."""
    classroom: str | None = Field(examples=["s01-c01"])
    """Its usual room."""
    agent: str = Field(examples=["s01-gw"])
    """The agent that heard it last; its declared one when none has."""
    holder: str | None
    """Pseudonymous reference of the person who has it; null when it is nobody's."""
    present: bool | None
    """Whether its agent can hear it now, at the agent's last report; null when it was never heard."""
    seen_at: Moment | None
    """When it was last heard, on the centre's clock; null when never."""
    seen_age_seconds: float | None = Field(examples=[4.0])
    """How long ago that was; null when never."""
    content: Compared
    """Whether it holds every push of its classes."""
    app: Compared
    """The learning app's version."""
    configuration: Compared
    """Its configuration."""
    roster: Compared
    """The roster that it shows."""
    missing_bytes: int | None
    """Bytes of content that it still lacks; null when it has not said."""
    unsent: int | None = Field(examples=[0])
    """Records that it has not handed in; null when it has not said."""
    oldest_unsent_at: Moment | None
    """When the oldest of them was made, on the centre's clock; null when there is none."""
    oldest_unsent_seconds: float | None
    """Age of the oldest of them; null when there is none."""
    battery_ratio: float | None = Field(examples=[0.8])
    """Charge, 0 to 1; null when it has not said."""
    storage_free_bytes: int | None
    """Free storage; null when it has not said."""


class TerminalSyncList(Page):
    """Terminals of a class or a school."""

    items: list[TerminalSync]
    """In the order of the inventory."""
