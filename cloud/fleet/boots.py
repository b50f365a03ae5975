"""When a boot began, by the cloud's clock. Pure.

Each heartbeat gives an estimate: the cloud's clock at arrival less the edge's milliseconds since boot. Delay on the way
only makes an estimate later, so an earlier one is believed at once; a later one is followed slowly, so that a quartz
that runs slow by 50 ppm is still followed over months.
"""

from __future__ import annotations

FOLLOW_RATIO = 0.05


def boot_started_at_ms(known_ms: int | None, received_at_ms: int, monotonic_ms: int) -> int:
    """Return the best estimate of the boot's zero after one more heartbeat."""
    estimate_ms = received_at_ms - monotonic_ms
    if known_ms is None or estimate_ms <= known_ms:
        return estimate_ms
    return known_ms + int((estimate_ms - known_ms) * FOLLOW_RATIO)
