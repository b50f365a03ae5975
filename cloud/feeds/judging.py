"""What an answer says of the records that were sent, how many are sent next, how long to wait. Pure."""

from __future__ import annotations

from cloud.feeds.models import Outcome, Verdict

FIRST_WAIT_SECONDS = 1.0
MAX_WAIT_SECONDS = 300.0
MAX_PAUSE_SECONDS = 3_600.0
NARROW_AFTER = 3
"""Failures in a row from which fewer records are sent at a time."""

_JUDGED = frozenset({400, 406, 409, 413, 415, 422})


def judge(status: int, retry_after: str | None = None) -> Outcome:
    """Return what a status means. Only a judgement of the content itself gives a record up.

    A missing token, a moved address or a receiver in maintenance is no judgement: everything waits.
    """
    reason = f"http_{status}"
    if 200 <= status < 300:
        return Outcome(Verdict.TAKEN, reason)
    if status in _JUDGED:
        return Outcome(Verdict.REFUSED, reason)
    if status >= 500 and status != 503:
        return Outcome(Verdict.FAILED, reason)
    pause = float(retry_after) if retry_after is not None and retry_after.isascii() and retry_after.isdigit() else None
    return Outcome(Verdict.AWAY, reason, None if pause is None else min(pause, MAX_PAUSE_SECONDS))


def wait_seconds(failures: int, jitter: float) -> float:
    """Return how long to wait after so many failures in a row: full jitter, `jitter` being random in 0 to 1."""
    longest = min(FIRST_WAIT_SECONDS * 2.0 ** min(max(failures - 1, 0), 20), MAX_WAIT_SECONDS)
    return longest * jitter


def narrowed(limit: int, sent: int, verdict: Verdict, failures: int) -> int:
    """Return how many records may be sent next, after `sent` were not taken, to find the one it is about."""
    narrow = verdict is Verdict.REFUSED or (verdict is Verdict.FAILED and failures >= NARROW_AFTER)
    return max(1, sent // 2) if narrow else limit
