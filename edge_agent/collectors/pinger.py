"""The seam to ICMP: send some echo requests, get their round-trip times. The real ones are in `ping_methods.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PingResult:
    """Round-trip times in sending order, None for a request without an answer; `method` says how it was measured.

    No entries at all with a `reason` means that nothing could be sent (name not resolved, no route).
    """

    rtts_seconds: tuple[float | None, ...]
    method: str
    reason: str = ""


class Pinger(Protocol):
    """Measures loss and delay to one address."""

    async def ping(
        self, address: str, *, count: int, interval_seconds: float, timeout_seconds: float, deadline: float
    ) -> PingResult:
        """Send `count` echo requests, `interval_seconds` apart; wait `timeout_seconds` for the last.

        Stops at `deadline` (loop seconds) with what it has.
        """
        ...

    async def close(self) -> None:
        """Release sockets."""
        ...
