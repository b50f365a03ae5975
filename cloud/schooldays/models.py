"""What a check of a classroom looks at, and the rule. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cloud.status.models import StatusWord

_WELL = (StatusWord.UP, StatusWord.DEGRADED, StatusWord.MAINTENANCE)
_SHARE = 0.1
_AT_LEAST = 2
"""One tablet without charge is for its pupil to see to; a tenth of the class, and two at least, hold up a lesson."""


class What(StrEnum):
    """What a technician can be sent for."""

    LINE = "line"
    GATEWAY = "gateway"
    DEVICE = "device"
    ROOM = "room"
    BATTERY = "battery"
    CONTENT = "content"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomFacts:
    """Everything the check knows of one classroom; statuses are None where nobody has judged."""

    link_status: str | None
    gateway_status: str | None
    status: str
    terminals: int
    battery_low: int
    content_missing: int


@dataclass(frozen=True, slots=True)
class Fault:
    """One reason why a classroom is not ready; `number` counts terminals where it is about them."""

    what: What
    number: int | None = None


def well(status: str | None) -> bool:
    """Tell whether a lesson can rely on what has this status; what nobody has judged cannot be relied on."""
    return status in _WELL


def faults(room: RoomFacts) -> list[Fault]:
    """Return why a classroom is not ready, the widest first; none when it is.

    What lies behind a line or gateway at fault is not counted a second time for being out of reach.
    """
    found: list[Fault] = []
    if room.link_status is not None and not well(room.link_status):
        found.append(Fault(What.LINE))
    if room.gateway_status is not None and not well(room.gateway_status) and not found:
        found.append(Fault(What.GATEWAY))
    if not well(room.status) and not found:
        found.append(Fault(What.ROOM))
    for what, number in ((What.BATTERY, room.battery_low), (What.CONTENT, room.content_missing)):
        if number >= max(_AT_LEAST, _SHARE * room.terminals):
            found.append(Fault(what, number))
    return found
