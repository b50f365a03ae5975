"""The edge clock's skew, from the cloud's time in receipts and welcomes. Pure.

Each message says what the cloud's clock showed when it was sent. Set against our monotonic clock this is the true
offset minus the delay of that message, so the largest of the last few is the best. A jump of the wall clock shows at
once, with no old figures to wait out.
"""

from __future__ import annotations

from collections import deque

KEPT = 16


class Skew:
    """The last few comparisons of the two clocks."""

    def __init__(self) -> None:
        self._offsets_ms: deque[int] = deque(maxlen=KEPT)

    def heard(self, cloud_time_ms: int, monotonic_ms: int) -> None:
        """Note a message that carried the cloud's time and arrived now."""
        self._offsets_ms.append(cloud_time_ms - monotonic_ms)

    def seconds(self, wall_ms: int, monotonic_ms: int) -> float | None:
        """Return how far the edge's wall clock is ahead of the cloud's, None before anything was heard."""
        if not self._offsets_ms:
            return None
        return (wall_ms - (monotonic_ms + max(self._offsets_ms))) / 1000
