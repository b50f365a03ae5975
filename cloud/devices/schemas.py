"""One device, one port, one classroom, as the API shows them."""

from __future__ import annotations

from pydantic import Field

from cloud.fleet.schemas import AgentRow, EventRow
from cloud.http.schemas import Document, Moment
from cloud.inventory.schemas import ClassroomRow, DeviceRow, PortRow
from cloud.status.models import StatusWord
from cloud.status.schemas import StatusChange


class DeviceChild(Document):
    """A device that hangs on another."""

    device: str = Field(examples=["s07-ap03"])
    """Device id."""
    name: str = Field(examples=["三楼无线"])
    """Its name."""
    kind: str = Field(examples=["ap"])
    """`router`, `switch`, `ap`, `core` or `other`."""


class DeviceDetail(DeviceRow):
    """One device with its ports, its place in the tree, and what happened to it."""

    school: str | None = Field(default=None, examples=["s07"])
    """Id of its school; null at the centre."""
    school_name: str | None = Field(default=None, examples=["第七小学"])
    """Its school's name; null likewise."""
    school_name_en: str | None = Field(default=None, examples=["Primary School No. 7"])
    """Its school's English name; null likewise."""
    status: StatusWord | None = None
    """Its status; null when nobody has judged it."""
    since: Moment | None = None
    """Since when the status holds; null likewise."""
    rtt_seconds: float | None = None
    """Round-trip time from its agent; null where nothing was measured."""
    children: list[DeviceChild]
    """Devices that hang on it, in the inventory's order."""
    status_changes: list[StatusChange]
    """The newest fifty, newest first."""
    recent_events: list[EventRow]
    """The newest fifty events of the device and its ports, newest first."""


class PortDetail(PortRow):
    """One port with its device and what happened to it."""

    device: str = Field(examples=["s07-sw01"])
    """Id of its device."""
    device_name: str = Field(examples=["一楼交换机"])
    """Its device's name."""
    school: str | None = Field(default=None, examples=["s07"])
    """Id of its school; null at the centre."""
    school_name: str | None = Field(default=None, examples=["第七小学"])
    """Its school's name; null likewise."""
    school_name_en: str | None = Field(default=None, examples=["Primary School No. 7"])
    """Its school's English name; null likewise."""
    link: str | None = Field(default=None, examples=["s07-wan"])
    """The link that ends here; null when none does."""
    status_changes: list[StatusChange]
    """The newest fifty, newest first."""
    recent_events: list[EventRow]
    """The newest fifty events, newest first."""


class RoomLesson(Document):
    """One lesson in a classroom."""

    lesson: str = Field(examples=["s07-g3c1-2026-11-27-3"])
    """Key of the lesson."""
    school_class: str = Field(examples=["s07-g3c1"])
    """Its class."""
    title: str = Field(examples=["三年级一班"])
    """The class's title."""
    title_en: str = Field(examples=["Year 3 Class 1"])
    """Its English title; empty when there is none."""
    topic: str = Field(examples=["数学"])
    """What is taught."""
    period: int = Field(examples=[3])
    """Which period of the day."""
    starts_at: Moment
    """When it begins."""
    ends_at: Moment
    """When it ends."""
    exam: bool
    """Whether it is an exam."""


class ClassroomDetail(ClassroomRow):
    """One classroom with its agent, today's lessons, and what happened to it."""

    school: str = Field(examples=["s07"])
    """Id of its school."""
    school_name: str = Field(examples=["第七小学"])
    """Its school's name."""
    school_name_en: str = Field(examples=["Primary School No. 7"])
    """Its school's English name; empty when there is none."""
    terminals_present: int | None = None
    """Terminals its agent saw last; null when it never counted."""
    terminals_known: int | None = None
    """Terminals its agent knows; null likewise."""
    battery_low: int | None = None
    """Of them with little battery; null where nothing was measured."""
    wifi_weak: int | None = None
    """Of them with a weak signal; null where nothing was measured."""
    observed_at: Moment | None = None
    """When these were observed; null when never."""
    agent_row: AgentRow | None = None
    """Its agent; null when the inventory names none."""
    lessons: list[RoomLesson]
    """Today's lessons here, in order of time."""
    status_changes: list[StatusChange]
    """The newest fifty, newest first."""
