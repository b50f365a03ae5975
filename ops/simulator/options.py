"""What a simulation is told: where it lives, which scenario it plays, how its agents are paced."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cloud.desired.keys import CentreKey
from ops.simulator.configs import Pace
from ops.simulator.scenario import Scenario


@dataclass(frozen=True, slots=True)
class CentreAccess:
    """Where agents find the centre over HTTP, and what they need to be admitted and to believe it."""

    host: str
    port: int
    key: CentreKey


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """One run. `start_seconds` is how long the start of all agents is spread over.

    Without `centre` no agent follows desired state, so there is no class that takes part.
    """

    home: Path
    scenario_name: str
    scenario: Scenario
    broker_host: str
    broker_port: int
    start_seconds: float = 25.0
    real_school: bool = True
    pace: Pace = field(default_factory=Pace)
    centre: CentreAccess | None = None
