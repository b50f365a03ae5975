"""How fast ingest stores, from its totals watched over a few seconds. Pure but for its memory of ten seconds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_WINDOW_SECONDS = 10.0
_LEAST_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Rates:
    """Segments and rows per second; None until watched long enough."""

    segments_per_second: float | None
    rows_per_second: float | None


class Throughput:
    """Remembers totals of the last ten seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int, int]] = deque()

    def observe(self, monotonic_seconds: float, segments: int, rows: int) -> Rates:
        """Take note of the totals at a moment and return the rates up to it."""
        while self._seen and monotonic_seconds - self._seen[0][0] > _WINDOW_SECONDS:
            self._seen.popleft()
        self._seen.append((monotonic_seconds, segments, rows))
        since, first_segments, first_rows = self._seen[0]
        elapsed_seconds = monotonic_seconds - since
        if elapsed_seconds < _LEAST_SECONDS:
            return Rates(None, None)
        return Rates(
            round(max(0, segments - first_segments) / elapsed_seconds, 2),
            round(max(0, rows - first_rows) / elapsed_seconds, 2),
        )
