"""How fast content may use the line: gently during lessons, faster by day, fastest at night. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time


@dataclass(frozen=True, slots=True)
class Caps:
    """Bits per second by the time of day; None for no cap. `night` may go over midnight."""

    lesson_bps: int | None = None
    day_bps: int | None = None
    night_bps: int | None = None
    night: tuple[time, time] = (time(22), time(6))

    def at(self, moment: datetime, in_lesson: bool) -> int | None:
        """Return the cap at a moment of local time."""
        if in_lesson:
            return self.lesson_bps
        starts, ends = self.night
        now = moment.time()
        at_night = starts <= now < ends if starts <= ends else now >= starts or now < ends
        return self.night_bps if at_night else self.day_bps


class Bucket:
    """A token bucket of one second: says how long to wait after so many bytes."""

    def __init__(self) -> None:
        self._free_at = 0.0

    def wait_seconds(self, now: float, size_bytes: int, bps: int | None) -> float:
        """Return how long whoever has moved `size_bytes` waits before moving more."""
        if bps is None:
            return 0.0
        self._free_at = max(self._free_at, now - 1.0) + size_bytes * 8 / bps
        return max(0.0, self._free_at - now)
