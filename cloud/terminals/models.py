"""How terminals are chosen and ordered. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TerminalOrder(StrEnum):
    """What a list of terminals can be ordered by; a minus before it turns the order round."""

    POSITION = "position"
    TERMINAL = "terminal"
    SCHOOL = "school"
    CLASSROOM = "classroom"
    OWNER = "owner"
    MODEL = "model"
    STATUS = "status"
    BATTERY = "battery"
    STORAGE = "storage"
    APP_VERSION = "app_version"
    SYNC = "sync"
    SEEN = "seen"


ORDERS: tuple[str, ...] = tuple(sign + order for order in TerminalOrder for sign in ("", "-"))
"""Every order as it is asked for."""

BATTERY_LOW_RATIO = 0.2
"""A tablet below this will not last the morning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalFilter:
    """Which terminals; None keeps all. `pattern` is one for ILIKE, over key and model."""

    pattern: str | None = None
    school: str | None = None
    classroom: str | None = None
    owner: str | None = None
    status: str | None = None
    agent: str | None = None
    model: str | None = None
    app_version: str | None = None
    battery_below: float | None = None
    sync: str | None = None
    not_seen_since: datetime | None = None
