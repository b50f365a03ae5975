"""How an agent is: the values it shows of itself, and the watch over its wall clock.

The values are what `GET /v1/status`, the local page and `bellwether agent status` show; no I/O in here.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct

from edge_agent.scheduler import Course
from edge_agent.spool import SpoolStats
from edge_agent.uplink.values import UplinkSnapshot
from protocols.status import Role

CLOCK_STEP_SECONDS = 2.0
"""Two seconds: below it, NTP slews; the cloud corrects times beyond it from the monotonic clock."""


class DeviceState(Struct, frozen=True, kw_only=True):
    """A device as last polled; `reachable` is None before the first answer or silence."""

    device: str
    reachable: bool | None = None
    refused: bool = False
    since_ms: int | None = None
    polled_at_ms: int | None = None


class TerminalsState(Struct, frozen=True, kw_only=True):
    """The terminals that check in here."""

    known: int
    present: int
    checkins_total: int


class AgentStatus(Struct, frozen=True, kw_only=True):
    """Everything an agent knows of itself at one moment (`at_ms`, its own wall clock)."""

    agent: str
    role: Role
    software: str
    instance: str
    boot: str
    at_ms: int
    started_at_ms: int
    uplink: UplinkSnapshot
    spool: SpoolStats
    spool_max_bytes: int
    devices: list[DeviceState]
    terminals: TerminalsState
    collectors: list[Course]
    agent_rss_bytes: int | None = None
    agent_cpu_ratio: float | None = None
    given_up_events: int = 0
    faults: list[str] = []


@dataclass(slots=True)
class ClockWatch:
    """Notices when the wall clock jumps against the clock since boot. Pure: it is told both.

    A slow drift is followed without a word; a step is told once, and the new difference is the normal one from then on.
    """

    _difference_ms: int | None = None

    def look(self, wall_ms: int, monotonic_ms: int) -> float | None:
        """Return by how many seconds the wall clock has stepped since the last look, or None."""
        difference_ms = wall_ms - monotonic_ms
        before_ms, self._difference_ms = self._difference_ms, difference_ms
        if before_ms is None:
            return None
        step_seconds = (difference_ms - before_ms) / 1000
        return step_seconds if abs(step_seconds) >= CLOCK_STEP_SECONDS else None
