"""Lines that fail: cut, black-holed, slow; the agents hold, reconnect, and the books close."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from ops.faults.line import LineProxy
from tests.faults.harness import AgentProcess, Centre, eventually

pytestmark = [pytest.mark.faults, pytest.mark.broker, pytest.mark.db, pytest.mark.timeout(1800)]

StartAgents = Callable[..., list[AgentProcess]]
FAULTS = ("cut", "black_hole")


@pytest.fixture
async def line(centre: Centre) -> AsyncIterator[LineProxy]:
    """The line between a school and the centre."""
    line = LineProxy(centre.broker.host, centre.broker.port)
    await line.start()
    yield line
    await line.stop()


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_is_measured_while_the_line_is_dead_arrives_afterwards(
    centre: Centre, start_agents: StartAgents, line: LineProxy, fault: str, rounds: int
) -> None:
    agents = await asyncio.to_thread(start_agents, 2, line.port)
    for _ in range(rounds):
        await (line.cut() if fault == "cut" else line.black_hole())
        for agent in agents:  # what had come across before the cut is dealt with before anything more is measured
            goal = agent.tally.produced + 5
            await eventually(lambda agent=agent, goal=goal: agent.tally.produced >= goal, "it goes on measuring")  # type: ignore[misc]
        confirmed = [agent.tally.confirmed for agent in agents]
        for agent in agents:
            goal = agent.tally.produced + 10
            await eventually(lambda agent=agent, goal=goal: agent.tally.produced >= goal, "it goes on measuring")  # type: ignore[misc]
        assert [agent.tally.confirmed for agent in agents] == confirmed
        await line.heal()
        for agent in agents:
            goal = agent.tally.produced + 5
            await eventually(
                lambda agent=agent, goal=goal: agent.tally.confirmed >= goal,  # type: ignore[misc]
                f"{agent.agent} catches up: {agent.tally}\n{agent.log[-2000:]}",
            )
    for agent in agents:
        await asyncio.to_thread(agent.stop)
    await asyncio.to_thread(centre.close_books, *agents)
