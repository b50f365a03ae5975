"""The seam to the machine's own figures; the real reader is in `host.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class HostFigures:
    """What a machine says of itself at one moment; None where it cannot say.

    `cpu_ratio` is of all cores since the read before (None at the first);
    `agent_cpu_ratio` is of this process, 1.0 being one core.
    """

    cpu_ratio: float | None = None
    memory_used_ratio: float | None = None
    disk_used_ratio: float | None = None
    disk_free_bytes: int | None = None
    temperature_celsius: float | None = None
    uptime_seconds: float | None = None
    clock_offset_seconds: float | None = None
    clock_synchronised: bool | None = None
    agent_rss_bytes: int | None = None
    agent_cpu_ratio: float | None = None


class HostReader(Protocol):
    """Reads the machine's figures; quick enough for the event loop (about a millisecond)."""

    def read(self, path: str) -> HostFigures:
        """Return the figures now; `path` names the disk."""
        ...
