"""How long a lease lasts: pure. It ends by itself, never later than asked and never after the lesson.

Time in a boot is counted by the clock that never goes back; after a reboot only the wall clock is left, and then a
lease that seems to begin in the future counts as over: ending early is the safe mistake.
"""

from __future__ import annotations

from edge_agent.classroom.values import LeaseHeld, LeaseKind


def granted(
    *,
    school_class: str,
    lease: str,
    kind: LeaseKind,
    seconds: int,
    lesson: str | None,
    lesson_ends_at_ms: int | None,
    now_ms: int,
    monotonic_ms: int,
    boot: str,
) -> LeaseHeld:
    """Return a lease of `seconds` from now, shortened to the end of the lesson."""
    length_ms = seconds * 1000
    if lesson_ends_at_ms is not None:
        length_ms = max(0, min(length_ms, lesson_ends_at_ms - now_ms))
    return LeaseHeld(
        school_class=school_class,
        lease=lease,
        kind=kind,
        lesson=lesson,
        granted_at_ms=now_ms,
        ends_at_ms=now_ms + length_ms,
        boot=boot,
        until_monotonic_ms=monotonic_ms + length_ms,
    )


def remaining_ms(
    lease: LeaseHeld, *, now_ms: int, monotonic_ms: int, boot: str, lesson_ends_at_ms: int | None = None
) -> int:
    """Return how long a lease still lasts; 0 when it is over. The lesson's end may have moved since it was granted."""
    if boot == lease.boot:
        left = lease.until_monotonic_ms - monotonic_ms
    else:
        left = lease.ends_at_ms - now_ms if now_ms >= lease.granted_at_ms else 0
    if lesson_ends_at_ms is not None:
        left = min(left, lesson_ends_at_ms - now_ms)
    return max(0, min(left, lease.ends_at_ms - lease.granted_at_ms))
