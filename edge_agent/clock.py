"""The two clocks of an agent: wall time, which may be wrong or jump, and time since boot, which never goes back.

Everything that needs a time takes a `Clock`, so that tests and the simulator bring their own.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

from protocols.identity import BootId

_BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")


class Clock(Protocol):
    """Wall clock, monotonic clock, and the boot that the latter counts from."""

    @property
    def boot(self) -> BootId:
        """The boot that `monotonic_ms` counts from."""
        ...

    def wall_ms(self) -> int:
        """Milliseconds since 1970, UTC, as this machine believes."""
        ...

    def monotonic_ms(self) -> int:
        """Milliseconds since `boot`, counting suspended time."""
        ...


class SystemClock:
    """The kernel's clocks (CLOCK_REALTIME and CLOCK_BOOTTIME)."""

    def __init__(self) -> None:
        self.boot: BootId = _BOOT_ID_FILE.read_text().strip()

    def wall_ms(self) -> int:
        """CLOCK_REALTIME in milliseconds."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        """CLOCK_BOOTTIME in milliseconds."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
