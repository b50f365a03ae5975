"""When a device may be asked: a circuit breaker with back-off, per device. Pure: time and chance are passed in.

A dead device costs seconds of waiting per request, so after a failure it is asked less and less often, up to
`CAP_SECONDS`: seldom enough to cost nothing, often enough that its return is seen within a minute. A device that
refuses the credentials goes to the longest back-off at once: asking again cannot help and may lock the account.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edge_agent.collectors.snmp.session import Failure

BASE_SECONDS = 5.0
CAP_SECONDS = 60.0
REFUSED_SECONDS = 900.0


class Condition(StrEnum):
    """What is known of a device by asking it."""

    UNKNOWN = "unknown"
    ANSWERS = "answers"
    SILENT = "silent"
    REFUSES = "refuses"


@dataclass(frozen=True, slots=True)
class Breaker:
    """A device's condition, and when it may be asked again (monotonic seconds)."""

    condition: Condition = Condition.UNKNOWN
    failures: int = 0
    not_before: float = 0.0
    since: float = 0.0

    def allows(self, now: float) -> bool:
        """Tell whether the device may be asked now."""
        return now >= self.not_before

    def after(self, failure: Failure | None, now: float, chance: float) -> Breaker:
        """Return the breaker after an exchange; `chance` (0 to 1) spreads devices that failed together."""
        if failure is Failure.REFUSED:
            condition, wait = Condition.REFUSES, REFUSED_SECONDS
        elif failure in (Failure.TIMEOUT, Failure.NETWORK):
            condition = Condition.SILENT
            wait = min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(self.failures, 16))
        else:  # an answer, though perhaps an unwelcome one
            condition, wait = Condition.ANSWERS, 0.0
        return Breaker(
            condition=condition,
            failures=self.failures + 1 if wait else 0,
            not_before=now + wait * (0.75 + 0.25 * chance),
            since=self.since if condition is self.condition else now,
        )
