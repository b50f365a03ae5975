"""How many segments an agent may have in flight: the pace of a whole district's return. Pure.

All agents that lately sent share one budget of segments in flight; when commits get slow the budget shrinks, so that a
segment waits at its agent, on disk, rather than here, in memory. An agent can always send one.
"""

from __future__ import annotations

MAX_CREDIT = 64
"""More in flight gains nothing on any link we serve, and would be sent again after a loss."""

CALM_SECONDS = 0.5


def credit(
    *,
    in_flight_budget: int,
    active_agents: int,
    commit_seconds: float,
    buffered_ratio: float,
    max_credit: int = MAX_CREDIT,
) -> int:
    """Return the credit for one agent.

    `commit_seconds` is the smoothed time of a commit, `buffered_ratio` how full the receive buffer is (0 to 1).
    """
    share = in_flight_budget / max(active_agents, 1)
    slowness = max(commit_seconds / CALM_SECONDS, 1.0)
    room = max(1.0 - buffered_ratio, 0.0)
    return max(1, min(max_credit, int(share * room / slowness)))
