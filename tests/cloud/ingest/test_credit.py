"""The pace: a fair share of one budget, less when commits are slow or the buffer is full, never nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloud.ingest.credit import MAX_CREDIT, credit


def test_one_agent_alone_gets_the_most_there_is() -> None:
    assert credit(in_flight_budget=4096, active_agents=1, commit_seconds=0.01, buffered_ratio=0) == MAX_CREDIT


def test_a_returning_district_shares_the_budget() -> None:
    assert credit(in_flight_budget=4096, active_agents=698, commit_seconds=0.1, buffered_ratio=0) == 5


def test_slow_commits_halve_the_pace() -> None:
    assert credit(in_flight_budget=400, active_agents=10, commit_seconds=1.0, buffered_ratio=0) == 20


LOADS = {
    "in_flight_budget": st.integers(1, 10**6),
    "active_agents": st.integers(0, 10**5),
    "commit_seconds": st.floats(0, 3600),
    "buffered_ratio": st.floats(0, 1),
}


@given(**LOADS)
def test_credit_is_always_one_the_wire_can_carry(
    in_flight_budget: int, active_agents: int, commit_seconds: float, buffered_ratio: float
) -> None:
    granted = credit(
        in_flight_budget=in_flight_budget,
        active_agents=active_agents,
        commit_seconds=commit_seconds,
        buffered_ratio=buffered_ratio,
    )
    assert 1 <= granted <= MAX_CREDIT
    slower = credit(
        in_flight_budget=in_flight_budget,
        active_agents=active_agents + 1,
        commit_seconds=commit_seconds * 2,
        buffered_ratio=min(1, buffered_ratio + 0.1),
    )
    assert slower <= granted
