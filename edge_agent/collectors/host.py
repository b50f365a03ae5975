"""The machine that the agent runs on: psutil for its figures, adjtimex(2) for whether its clock is synchronised.

`clock_offset_seconds` is what the kernel still has to correct, as told by whatever keeps the clock (chrony, ntpd,
systemd-timesyncd); None while nothing keeps it. The offset against the district's own clock is known from receipts,
not from here. psutil's own percentages keep state in the module: ratios are taken here from its raw times instead.
"""

from __future__ import annotations

import ctypes
import os
import time
from typing import Any

import psutil

from edge_agent.clock import Clock
from edge_agent.collectors.host_reading import HostFigures, HostReader
from edge_agent.collectors.reading import Reading, stamp
from edge_agent.collectors.targets import HostTarget
from protocols.samples import HostSample

STA_UNSYNC, STA_NANO = 0x0040, 0x2000
PREFERRED_SENSORS = ("coretemp", "k10temp", "cpu_thermal", "cpu-thermal", "soc_thermal", "acpitz")


class HostCollector:
    """Turns a reader's figures into samples."""

    def __init__(self, reader: HostReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def collect(self, target: HostTarget, deadline: float) -> Reading:
        """Read the machine's figures once."""
        figures = self._reader.read(target.path)
        at = stamp(self._clock)
        sample = HostSample(
            thing=target.agent,
            observed_at_ms=at.observed_at_ms,
            monotonic_ms=at.monotonic_ms,
            cpu_ratio=_rounded(figures.cpu_ratio, 4),
            memory_used_ratio=_rounded(figures.memory_used_ratio, 4),
            disk_used_ratio=_rounded(figures.disk_used_ratio, 4),
            disk_free_bytes=figures.disk_free_bytes,
            temperature_celsius=_rounded(figures.temperature_celsius, 1),
            uptime_seconds=_rounded(figures.uptime_seconds, 2),
            clock_offset_seconds=_rounded(figures.clock_offset_seconds, 6),
            clock_synchronised=figures.clock_synchronised,
            agent_rss_bytes=figures.agent_rss_bytes,
            agent_cpu_ratio=_rounded(figures.agent_cpu_ratio, 4),
        )
        return Reading((sample,))

    async def close(self) -> None:
        """Nothing is held."""


class SystemHostReader:
    """This machine and this process."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._cpu_before: tuple[float, float] | None = None
        self._agent_before: tuple[float, float] | None = None

    def read(self, path: str) -> HostFigures:
        """Return the figures now."""
        memory = psutil.virtual_memory()
        disk_used_ratio, disk_free_bytes = _disk(path)
        synchronised, offset = clock_state()
        return HostFigures(
            cpu_ratio=self._cpu_ratio(),
            memory_used_ratio=1 - memory.available / memory.total if memory.total else None,
            disk_used_ratio=disk_used_ratio,
            disk_free_bytes=disk_free_bytes,
            temperature_celsius=_temperature(),
            uptime_seconds=time.clock_gettime(time.CLOCK_BOOTTIME),
            clock_offset_seconds=offset,
            clock_synchronised=synchronised,
            agent_rss_bytes=self._process.memory_info().rss,
            agent_cpu_ratio=self._agent_cpu_ratio(),
        )

    def _cpu_ratio(self) -> float | None:
        times = psutil.cpu_times()
        # guest time is part of user time already
        total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        idle = times.idle + getattr(times, "iowait", 0.0)
        before, self._cpu_before = self._cpu_before, (total, idle)
        if before is None or total <= before[0]:
            return None
        return min(1.0, max(0.0, 1 - (idle - before[1]) / (total - before[0])))

    def _agent_cpu_ratio(self) -> float | None:
        times = self._process.cpu_times()
        used, now = times.user + times.system, time.monotonic()
        before, self._agent_before = self._agent_before, (used, now)
        if before is None or now <= before[1]:
            return None
        return max(0.0, (used - before[0]) / (now - before[1]))


def clock_state() -> tuple[bool | None, float | None]:
    """Ask the kernel whether something keeps its clock in step, and how far it is off; None where it does not say."""
    if os.name != "posix":
        return None, None
    timex = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None, None
    if state < 0:
        return None, None
    if timex.status & STA_UNSYNC:
        return False, None
    return True, timex.offset / (1e9 if timex.status & STA_NANO else 1e6)


class _Timex(ctypes.Structure):
    """`struct timex` of <sys/timex.h>; `modes` 0 only reads."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("_rest", ctypes.c_long * 32),
    )


def _disk(path: str) -> tuple[float | None, int | None]:
    try:
        usage = psutil.disk_usage(path)
    except OSError:
        return None, None
    reachable = usage.used + usage.free  # what is reserved for root is neither
    return (usage.used / reachable if reachable else None), usage.free


def _temperature() -> float | None:
    """Return the hottest reading of the CPU's sensors, or of any sensor where none is known to be the CPU's."""
    read: Any = getattr(psutil, "sensors_temperatures", None)
    sensors: dict[str, Any] = read() if read else {}
    preferred = [sensors[name] for name in PREFERRED_SENSORS if name in sensors]
    found = [
        one.current
        for group in (preferred[:1] or sensors.values())
        for one in group
        if one.current is not None and -40 <= one.current <= 150
    ]
    return max(found) if found else None


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
