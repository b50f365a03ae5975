"""How many messages a sender may have told one by one. Pure: the time is passed in.

A token bucket per sender, and one for all of them together: one broken switch does not silence the others, and a
thousand forged addresses do not fill the spool, whose events are never dropped. Memory is bounded: senders beyond the
first `MOST_SENDERS` share one bucket.
"""

from __future__ import annotations

from dataclasses import dataclass

MOST_SENDERS = 512
ALL_SENDERS_FACTOR = 10
BURST_MINUTES = 1.0


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_seconds: float

    def refill(self, now: float, per_minute: float) -> None:
        passed = max(0.0, now - self.at_seconds)
        self.tokens = min(per_minute * BURST_MINUTES, self.tokens + passed * per_minute / 60)
        self.at_seconds = now


class Gate:
    """Admits `per_minute` messages of each sender, and ten times that of all together."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._all: _Bucket | None = None
        self._senders: dict[str, _Bucket] = {}

    def admits(self, sender: str, now: float) -> bool:
        """Tell whether a message that came at `now` (seconds, any steady clock) passes; it is counted if so."""
        if self._all is None:
            self._all = _Bucket(self._per_minute * ALL_SENDERS_FACTOR, now)
        key = sender if sender in self._senders or len(self._senders) < MOST_SENDERS else ""
        one = self._senders.setdefault(key, _Bucket(self._per_minute, now))
        one.refill(now, self._per_minute)
        self._all.refill(now, self._per_minute * ALL_SENDERS_FACTOR)
        if one.tokens < 1 or self._all.tokens < 1:
            return False
        one.tokens -= 1
        self._all.tokens -= 1
        return True
