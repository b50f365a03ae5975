"""What a month of a line comes to. No I/O, no clock."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Availability:
    """Seconds of a span by what is known of them; outages are counted where they begin.

    The ratio is of the time of which something is known and in which nothing was planned: unknown time is neither.
    """

    up_seconds: float = 0.0
    down_seconds: float = 0.0
    unknown_seconds: float = 0.0
    maintenance_seconds: float = 0.0
    outages: int = 0
    longest_seconds: float = 0.0

    @property
    def ratio(self) -> float | None:
        """Share of the known time that it worked; None when nothing is known."""
        known = self.up_seconds + self.down_seconds
        return self.up_seconds / known if known else None

    def __add__(self, other: Availability) -> Availability:
        return Availability(
            self.up_seconds + other.up_seconds,
            self.down_seconds + other.down_seconds,
            self.unknown_seconds + other.unknown_seconds,
            self.maintenance_seconds + other.maintenance_seconds,
            self.outages + other.outages,
            max(self.longest_seconds, other.longest_seconds),
        )
