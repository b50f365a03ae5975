"""kill -9 of everything, in mid-flow: afterwards the books close with nothing lost and nothing doubled."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.faults.harness import AgentProcess, Centre, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.broker, pytest.mark.db, pytest.mark.timeout(1800)]

StartAgents = Callable[..., list[AgentProcess]]


def wait_until_caught_up(agents: list[AgentProcess], beyond: int = 5) -> None:
    """Return when each agent has had everything confirmed that it had produced by now, and some more."""
    for agent in agents:
        goal = agent.tally.produced + beyond
        wait_for(
            lambda agent=agent, goal=goal: agent.tally.confirmed >= goal,  # type: ignore[misc]
            f"{agent.agent} catches up to {goal}: {agent.tally}\n{agent.log[-2000:]}",
        )


def stop_and_close(centre: Centre, agents: list[AgentProcess]) -> None:
    """Stop the agents and close the books of all of them together."""
    for agent in agents:
        agent.stop()
    centre.close_books(*agents)


def test_an_agent_killed_in_mid_flow_goes_on_where_its_disk_left_off(
    centre: Centre, start_agents: StartAgents, rounds: int
) -> None:
    agents = start_agents()
    for _ in range(rounds):
        produced = agents[0].tally.produced
        agents[0].kill()
        assert agents[0].tally.produced >= produced
        agents[0].start()
        wait_until_caught_up(agents)
    stop_and_close(centre, agents)


def test_an_ingest_killed_in_mid_flow_loses_and_doubles_nothing(
    centre: Centre, start_agents: StartAgents, rounds: int
) -> None:
    agents = start_agents()
    for _ in range(rounds):
        centre.ingest.kill()
        before = agents[0].tally.produced
        wait_for(lambda before=before: agents[0].tally.produced >= before + 5, "the agent goes on measuring")  # type: ignore[misc]
        assert agents[0].tally.open > 0
        centre.ingest.start()
        wait_until_caught_up(agents)
    stop_and_close(centre, agents)


def test_a_broker_killed_with_all_it_held_loses_nothing(centre: Centre, start_agents: StartAgents, rounds: int) -> None:
    agents = start_agents()
    for _ in range(rounds):
        centre.broker.kill()
        assert not list((centre.home / "broker").glob("*.db")), "the broker keeps nothing on disk"
        before = agents[0].tally.produced
        wait_for(lambda before=before: agents[0].tally.produced >= before + 5, "the agent goes on measuring")  # type: ignore[misc]
        centre.broker.start()
        wait_until_caught_up(agents)
    stop_and_close(centre, agents)


def test_a_database_that_crashes_and_comes_back_has_everything_once(
    centre: Centre, start_agents: StartAgents, rounds: int
) -> None:
    agents = start_agents()
    for _ in range(rounds):
        centre.postgres.kill()
        before = agents[0].tally.produced
        wait_for(lambda before=before: agents[0].tally.produced >= before + 5, "the agent goes on measuring")  # type: ignore[misc]
        centre.postgres.start()
        wait_until_caught_up(agents)
    assert centre.ingest.running, centre.ingest.log[-3000:]
    stop_and_close(centre, agents)


def test_everything_killed_at_once_comes_back(centre: Centre, start_agents: StartAgents) -> None:
    agents = start_agents()
    for process in (*agents, centre.ingest):
        process.kill()
    centre.broker.kill()
    centre.postgres.kill()
    centre.postgres.start()
    centre.broker.start()
    centre.ingest.start()
    for agent in agents:
        agent.start()
    wait_until_caught_up(agents)
    stop_and_close(centre, agents)


def test_a_second_agent_under_the_same_id_is_refused_where_people_can_see_it(
    centre: Centre, start_agents: StartAgents
) -> None:
    (first,) = start_agents(1)
    second = AgentProcess(first.folder.parent, first.agent, centre.broker.port, data_name=f"{first.agent}@copy")
    second.start()
    try:
        wait_for(lambda: "duplicate" in second.log or "another" in second.log, f"the second is refused: {second.log}")
        wait_until_caught_up([first])
        assert second.tally.confirmed == 0
    finally:
        second.stop()
    stop_and_close(centre, [first, second])


def test_sigterm_leaves_nothing_unsealed(centre: Centre, start_agents: StartAgents) -> None:
    (agent,) = start_agents(1)
    agent.stop()
    assert "unsealed" not in agent.log
    assert signal.Signals.SIGTERM.name in agent.log
    centre.close_books(agent)
