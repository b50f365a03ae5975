"""What all active checks share: an outcome becomes a sample, and a change between success and failure an event.

Each check (`probe_icmp`, `probe_tcp`, `probe_dns`, `probe_http`) is one function
`measure(target, deadline) -> Outcome`; `ProbeCollector` turns any of them into a collector.
The simulator brings its own `measure`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from edge_agent.clock import Clock
from edge_agent.collectors.reading import Reading, event, stamp
from protocols.samples import Kind, ProbeSample

REASON_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run of a check; what was not reached is None. `reason` says why it failed, or how it was measured."""

    success: bool
    reason: str | None = None
    loss_ratio: float | None = None
    rtt_seconds: float | None = None
    jitter_seconds: float | None = None
    resolve_seconds: float | None = None
    connect_seconds: float | None = None
    tls_seconds: float | None = None
    first_byte_seconds: float | None = None
    status_code: int | None = None


class Named(Protocol):
    """Targets of active checks have a thing key."""

    @property
    def name(self) -> str:
        """`agent/probe-name`."""
        ...


TargetT = TypeVar("TargetT", bound=Named)
Measure = Callable[[TargetT, float], Awaitable[Outcome]]


class ProbeCollector(Generic[TargetT]):
    """Runs one kind of active check."""

    def __init__(self, measure: Measure[TargetT], clock: Clock) -> None:
        self._measure = measure
        self._clock = clock
        self._success: dict[str, bool] = {}

    async def collect(self, target: TargetT, deadline: float) -> Reading:
        """Run the check once."""
        outcome = await self._measure(target, deadline)
        at = stamp(self._clock)
        reason = _printable(outcome.reason)[:REASON_LENGTH] if outcome.reason else None
        sample = ProbeSample(
            thing=target.name,
            observed_at_ms=at.observed_at_ms,
            monotonic_ms=at.monotonic_ms,
            success=outcome.success,
            loss_ratio=_rounded(outcome.loss_ratio, 4),
            rtt_seconds=_rounded(outcome.rtt_seconds, 6),
            jitter_seconds=_rounded(outcome.jitter_seconds, 6),
            resolve_seconds=_rounded(outcome.resolve_seconds, 6),
            connect_seconds=_rounded(outcome.connect_seconds, 6),
            tls_seconds=_rounded(outcome.tls_seconds, 6),
            first_byte_seconds=_rounded(outcome.first_byte_seconds, 6),
            status_code=outcome.status_code,
            reason=reason,
        )
        before = self._success.get(target.name)
        self._success[target.name] = outcome.success
        # A check that works on its first run changes nothing; one that fails then is news.
        if outcome.success == (True if before is None else before):
            return Reading((sample,))
        change = event("probe.changed", Kind.PROBE, target.name, at, success=outcome.success, reason=reason)
        return Reading((sample,), (change,))

    async def close(self) -> None:
        """Nothing is held between runs."""


def _printable(text: str) -> str:
    """Drop what a server that answers anything it likes may have put into its answer."""
    return "".join(character for character in text if character.isprintable())


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
