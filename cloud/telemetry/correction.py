"""Corrected times: when a sample was really taken, as well as can be known. Pure.

The edge's wall clock may be wrong for days (no battery, no NTP behind a cut link); its monotonic clock is not. Where
the cloud knows when a boot began (`cloud.fleet.boots`), the monotonic offset says when a sample was taken. The original
`observed_at` is always kept beside the corrected time.

A time that nothing can correct and that is impossible (more than five minutes ahead, or older than anything
the retention would keep) is replaced by the arrival less the sample's age at sealing, which is the latest it can have
been: a device that believes to live in 2090 must not freeze "newest wins" until then. All times are UTC milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import sub

TOLERANCE_MS = 2_000
"""A difference this small is network delay and rounding; the edge's own clock is then the better one."""

FUTURE_LIMIT_MS = 5 * 60 * 1000
PAST_LIMIT_MS = 400 * 86_400_000


def corrected_times(
    observed_ms: Sequence[int],
    monotonic_ms: Sequence[int],
    *,
    started_at_ms: int | None,
    sealed_monotonic_ms: int,
    received_at_ms: int,
) -> Sequence[int]:
    """Return the corrected time of each row; the very sequence `observed_ms` when nothing needs correction.

    `started_at_ms` is the cloud's clock at the boot's zero, None for a boot the cloud never met.
    """
    corrected = observed_ms
    if started_at_ms is not None:
        starts = list(map(sub, observed_ms, monotonic_ms))
        if max(starts) - started_at_ms > TOLERANCE_MS or started_at_ms - min(starts) > TOLERANCE_MS:
            corrected = [
                observed if abs(start - started_at_ms) <= TOLERANCE_MS else started_at_ms + monotonic
                for observed, start, monotonic in zip(observed_ms, starts, monotonic_ms, strict=True)
            ]
    latest, earliest = received_at_ms + FUTURE_LIMIT_MS, received_at_ms - PAST_LIMIT_MS
    if max(corrected) > latest or min(corrected) < earliest:
        corrected = [
            time_ms
            if earliest <= time_ms <= latest
            else received_at_ms - min(max(sealed_monotonic_ms - monotonic, 0), PAST_LIMIT_MS)
            for time_ms, monotonic in zip(corrected, monotonic_ms, strict=True)
        ]
    return corrected
