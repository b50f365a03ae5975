"""The centre that all fault tests share, and the agents that each takes for itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.faults.harness import AgentProcess, Centre, wait_for
from tests.faults.school import Services

_numbers = count(1)


@pytest.fixture(scope="session")
def centre(service_home: Path) -> Iterator[Centre]:
    """Database, broker and ingest for all fault tests; whatever one kills, it starts again."""
    home = service_home / "faults"
    home.mkdir()
    home.chmod(0o711)
    centre = Centre(home)
    try:
        centre.start()
        yield centre
    finally:
        centre.stop()


@pytest.fixture(scope="session")
def services(centre: Centre) -> Iterator[Services]:
    """The API and the services beside that centre."""
    services = Services(centre)
    try:
        services.start()
        yield services
    finally:
        services.stop()


@pytest.fixture(scope="session")
def rounds() -> int:
    """How often each fault is repeated: once in `make test`, more in `make faults`."""
    return int(os.environ.get("BELLWETHER_FAULT_ROUNDS", "1"))


@pytest.fixture
def take_agent() -> Callable[[], str]:
    """Return the id of an agent that no other test uses."""
    return lambda: f"s01-c{next(_numbers):02d}"


@pytest.fixture
def start_agents(
    centre: Centre, tmp_path: Path, take_agent: Callable[[], str]
) -> Iterator[Callable[..., list[AgentProcess]]]:
    """Start fresh agents, by default two straight to the broker, and return when their first items are confirmed."""
    started: list[AgentProcess] = []

    def start(number: int = 2, port: int | None = None) -> list[AgentProcess]:
        agents = [AgentProcess(tmp_path, take_agent(), port or centre.broker.port) for _ in range(number)]
        started.extend(agents)
        for agent in agents:
            agent.start()
        for agent in agents:
            wait_for(lambda agent=agent: agent.tally.confirmed > 0, f"{agent.agent} is heard: {agent.log}")  # type: ignore[misc]
        return agents

    yield start
    for agent in started:
        agent.stop()
