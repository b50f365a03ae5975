"""What a simulation is told: where it lives, which scenario it plays, how its agents are paced."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ops.simulator.configs import Pace
from ops.simulator.scenario import Scenario


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """One run. `start_seconds` is how long the start of all agents is spread over."""

    home: Path
    scenario_name: str
    scenario: Scenario
    broker_host: str
    broker_port: int
    start_seconds: float = 25.0
    real_school: bool = True
    pace: Pace = field(default_factory=Pace)
