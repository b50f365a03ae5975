"""Terminals as the API shows them."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from cloud.http.schemas import Document, Moment, Page
from cloud.status.models import StatusWord


class TerminalSyncWord(StrEnum):
    """Whether a terminal has what it should have."""

    NONE = "none"
    SYNCED = "synced"
    PENDING = "pending"
    UNKNOWN = "unknown"


class TerminalRow(Document):
    """One terminal with what it was found to be last."""

    terminal: str = Field(examples=["s07-c03-t01"])
    """Terminal id."""
    school: str = Field(examples=["s07"])
    """Id of its school."""
    school_name: str = Field(examples=["第七小学"])
    """Its school's name."""
    school_name_en: str = Field(examples=["Primary School No. 7"])
    """Its school's English name; empty when there is none."""
    classroom: str | None = Field(default=None, examples=["s07-c03"])
    """Id of its classroom; null when the inventory names none."""
    classroom_name: str | None = Field(default=None, examples=["三年级二班"])
    """Its classroom's name; null likewise."""
    classroom_name_en: str | None = Field(default=None, examples=["Year 3 Class 2"])
    """Its classroom's English name; null likewise."""
    owner: str = Field(examples=["student"])
    """`student` or `teacher`: whom it is for."""
    agent: str = Field(examples=["s07-c03"])
    """The agent it belongs to by the inventory."""
    model: str | None = Field(default=None, examples=["T1"])
    """Its model; null when the inventory does not say."""
    status: StatusWord
    """Its status; `down` means that its agent is well and it is absent."""
    seen_at: Moment | None = None
    """When it checked in last, as far as is known; null when it never did."""
    battery_ratio: float | None = Field(default=None, examples=[0.82])
    """Charge of its battery, 0 to 1, when it was measured last; null when never."""
    charging: bool | None = None
    """Whether it was being charged then."""
    storage_free_bytes: int | None = None
    """Free storage then, in bytes."""
    wifi_rssi_dbm: float | None = Field(default=None, examples=[-58])
    """Strength of its radio signal then, in dBm."""
    app_version: str | None = Field(default=None, examples=["3.2.0"])
    """Version of its learning app, as it said last; null when it never did."""
    desired_app_version: str | None = Field(default=None, examples=["3.2.0"])
    """Version it should have; null when none is asked for."""
    missing_bytes: int | None = None
    """Bytes of its content it has still to load; null when it never said."""
    unsent: int | None = None
    """Records it has not handed in yet; null when it never said."""
    sync: TerminalSyncWord
    """Whether app, configuration and roster are those desired, and no content is missing: `none` when nothing is
    desired, `unknown` when it never said."""


class TerminalList(Page):
    """A page of terminals."""

    items: list[TerminalRow]
    """The terminals of this page, in the order asked for."""


class ValueCount(Document):
    """One value and how many terminals have it."""

    value: str = Field(examples=["T1"])
    """The value."""
    terminals: int = Field(examples=[635])
    """Terminals that have it."""


class TerminalValues(Document):
    """What terminals can be filtered by."""

    models: list[ValueCount]
    """Models of the inventory."""
    app_versions: list[ValueCount]
    """Versions of the learning app that terminals said they have."""
