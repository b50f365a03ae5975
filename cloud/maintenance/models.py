"""Planned work as values. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class TargetKind(StrEnum):
    """What a window is for; it covers everything behind that."""

    PROVIDER = "provider"
    SCHOOL = "school"
    LINK = "link"
    GATEWAY = "gateway"
    DEVICE = "device"
    CLASSROOM = "classroom"


@dataclass(frozen=True, slots=True)
class Window:
    """A rule: from `starts_at` for `duration`, once or by an RFC 5545 recurrence in the district's time zone."""

    window_id: int
    kind: TargetKind
    key: str
    starts_at: datetime
    duration: timedelta
    recurrence: str | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What work at a time would cost in lessons."""

    starts_at: datetime
    lesson_minutes: float
    lessons: int
    exams: int
