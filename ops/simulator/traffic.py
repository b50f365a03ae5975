"""Traffic and its counters: rates that follow the school day, integrated into octets that only ever grow.

A counter is advanced when somebody looks at it, by the rate in between; so what a poller derives is what "flowed".
Both ends of a link read the same counters, crossed over. A dead link carries nothing and its counters stand still.
Times are seconds of one monotonic clock given by the caller.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass

LINK_BPS_PER_TERMINAL = 300_000
"""Towards the school at full load, per terminal: about 200 Mbit/s for a school of 680."""
UP_SHARE = 0.18
MEAN_PACKET_BYTES = 850
BASE_RTT_SECONDS = 0.0018


def unit(key: str) -> float:
    """Return a number in [0, 1) that is the same for the same key on every machine (unlike `hash`)."""
    return zlib.crc32(key.encode()) / 2**32


def ripple(key: str, seconds: float) -> float:
    """Return a slow, never repeating factor around 1 (0.72 to 1.28), different for every key."""
    phase = unit(key) * math.tau
    return (
        1
        + 0.15 * math.sin(seconds / 97 + phase)
        + 0.08 * math.sin(seconds / 31 + 2 * phase)
        + 0.05 * math.sin(seconds / 11 + 3 * phase)
    )


@dataclass(slots=True)
class Flow:
    """One direction: what has passed since the counters began."""

    octets: float = 0.0
    errors: float = 0.0
    discards: float = 0.0

    def add(self, bps: float, seconds: float, error_ratio: float) -> None:
        """Let `bps` flow for `seconds`; a share of the packets is spoilt."""
        octets = bps * seconds / 8
        self.octets += octets
        self.errors += octets / MEAN_PACKET_BYTES * error_ratio


class Traffic:
    """Two directions with one driver: `rate(now)` is the bits per second downwards (towards the terminals)."""

    def __init__(self, key: str, rate: Callable[[float], float], started: float, up_share: float = UP_SHARE) -> None:
        self._rate = rate
        self._key = key
        self._up_share = up_share
        self._looked_at = started
        self._carrying = True
        self.error_ratio = 0.0
        # Equipment is rarely new: the counters begin somewhere.
        self.down = Flow(octets=unit(f"{key}/down") * 4e13)
        self.up = Flow(octets=unit(f"{key}/up") * 8e12)

    @property
    def carrying(self) -> bool:
        """Whether anything can flow."""
        return self._carrying

    def switch(self, carrying: bool, now: float) -> None:
        """Cut or heal; what flowed until `now` is counted first."""
        self.advance(now)
        self._carrying = carrying

    def down_bps(self, now: float) -> float:
        """Return the rate downwards at this moment."""
        return self._rate(now) * ripple(self._key, now) if self._carrying else 0.0

    def advance(self, now: float) -> None:
        """Bring the counters up to `now`."""
        seconds = now - self._looked_at
        if seconds <= 0:
            return
        if self._carrying:
            bps = (self.down_bps(self._looked_at) + self.down_bps(now)) / 2
            self.down.add(bps, seconds, self.error_ratio)
            self.up.add(bps * self._up_share, seconds, self.error_ratio)
        self._looked_at = now


def link_delay(key: str, utilisation: float, now: float) -> tuple[float, float]:
    """Return round-trip time and jitter in seconds of a link; both grow as it fills (the shape of an M/M/1 queue)."""
    distance = BASE_RTT_SECONDS + 0.004 * unit(f"{key}/distance")
    queue = 0.0006 * utilisation / max(0.02, 1 - utilisation)
    return distance + queue * ripple(f"{key}/rtt", now), 0.0001 + queue * 0.4
