"""What the pace is decided from: who is sending, how long commits take, how full the buffer is."""

from __future__ import annotations

import time
from collections.abc import Callable

from cloud.ingest.buffer import Buffer
from cloud.ingest.credit import credit

ACTIVE_SECONDS = 10.0
SMOOTHING = 0.2


class Pace:
    """Measures the load of one worker and answers with the credit of the moment."""

    def __init__(
        self, buffer: Buffer, *, in_flight_budget: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._buffer = buffer
        self._budget = in_flight_budget
        self._monotonic = monotonic
        self._heard: dict[str, float] = {}
        self._swept_at = monotonic()
        self.commit_seconds = 0.0

    def heard(self, agent: str) -> None:
        """Note that an agent sent a segment."""
        self._heard[agent] = self._monotonic()

    def committed(self, seconds: float) -> None:
        """Note how long a commit took."""
        self.commit_seconds += SMOOTHING * (seconds - self.commit_seconds)

    def credit(self) -> int:
        """Return the credit to grant with the next receipt."""
        now = self._monotonic()
        if now - self._swept_at > 1.0:
            self._swept_at = now
            self._heard = {agent: at for agent, at in self._heard.items() if now - at < ACTIVE_SECONDS}
        return credit(
            in_flight_budget=self._budget,
            active_agents=len(self._heard),
            commit_seconds=self.commit_seconds,
            buffered_ratio=self._buffer.filled_ratio,
        )
