"""ICMP echo: loss, round-trip time and jitter to an address.

`rtt_seconds` is the mean of the answers. `jitter_seconds` is the mean absolute difference between consecutive answers'
round-trip times (the D of RFC 3550 §6.4.1, without its smoothing), over neighbours that both came back.
Some answers are a success; none is a failure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from edge_agent.collectors.pinger import Pinger
from edge_agent.collectors.probe import Measure, Outcome
from edge_agent.collectors.targets import IcmpTarget


@dataclass(frozen=True, slots=True)
class PingStatistics:
    """A burst of pings in three figures; None where nothing was sent or nothing came back."""

    loss_ratio: float | None = None
    rtt_seconds: float | None = None
    jitter_seconds: float | None = None


def statistics_of(rtts_seconds: Sequence[float | None]) -> PingStatistics:
    """Sum up round-trip times in sending order, None for no answer."""
    if not rtts_seconds:
        return PingStatistics()
    answered = [rtt for rtt in rtts_seconds if rtt is not None]
    differences = [abs(b - a) for a, b in pairwise(rtts_seconds) if a is not None and b is not None]
    return PingStatistics(
        loss_ratio=round(1 - len(answered) / len(rtts_seconds), 4),
        rtt_seconds=round(sum(answered) / len(answered), 6) if answered else None,
        jitter_seconds=round(sum(differences) / len(differences), 6) if differences else None,
    )


def icmp_measure(pinger: Pinger) -> Measure[IcmpTarget]:
    """Return the check that pings with `pinger`."""

    async def measure(target: IcmpTarget, deadline: float) -> Outcome:
        result = await pinger.ping(
            target.address,
            count=target.count,
            interval_seconds=target.interval_seconds,
            timeout_seconds=target.timeout_seconds,
            deadline=deadline,
        )
        found = statistics_of(result.rtts_seconds)
        success = found.rtt_seconds is not None
        return Outcome(
            success=success,
            reason=result.method if success else result.reason or f"no answer ({result.method})",
            loss_ratio=found.loss_ratio,
            rtt_seconds=found.rtt_seconds,
            jitter_seconds=found.jitter_seconds,
        )

    return measure
