"""Where scenarios are played: a line to the broker for every school, the world behind it, and the things that can die.

A cut concerns the lines that MQTT and HTTP run on and the simulated link that is measured: to everybody, one and the
same cable. The stage takes steps; when, is the business of `play`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from ops.faults.line import LineProxy, LineState
from ops.simulator.district import REAL_SCHOOL
from ops.simulator.scenario import (
    AnyStep,
    BlackHole,
    Cut,
    Degrade,
    Heal,
    KillAgent,
    KillService,
    PowerOffGateway,
    PowerOnGateway,
    Scenario,
    StartAgent,
    SwitchOffDevice,
    SwitchOnDevice,
)
from ops.simulator.world import World

DEGRADED_DELAY_SECONDS = 0.08


class Mortal(Protocol):
    """Who can kill and start agents that are processes."""

    def kill(self, agent: str) -> None:
        """SIGKILL."""
        ...

    async def start_again(self, agent: str) -> None:
        """Start an agent that was killed."""
        ...


class Stage:
    """Carries out steps. `kill_service` ends a part of the centre, by name."""

    def __init__(
        self,
        world: World,
        lines: Mapping[str, Sequence[LineProxy]],
        real_school: Mortal,
        kill_service: Callable[[str], None],
    ) -> None:
        self._world = world
        self._lines = lines
        self._real_school = real_school
        self._kill_service = kill_service

    @property
    def lines_down(self) -> int:
        """How many schools are cut off at this moment."""
        return sum(any(line.state is not LineState.UP for line in lines) for lines in self._lines.values())

    async def take(self, step: AnyStep) -> None:
        """Do what a step says."""
        match step:
            case Cut() | BlackHole() | Degrade() | Heal():
                for link in step.chosen(self._world.links()):
                    await self._change(link, step)
            case KillAgent():
                for agent in step.agents:
                    self._real_school.kill(agent)
            case StartAgent():
                for agent in step.agents:
                    await self._real_school.start_again(agent)
            case PowerOffGateway():
                for gateway in step.gateways:
                    # The gateway passes everything that the school sends; the line itself keeps its light.
                    for line in self._lines[gateway.partition("-")[0]]:
                        await line.cut()
            case PowerOnGateway():
                for gateway in step.gateways:
                    for line in self._lines[gateway.partition("-")[0]]:
                        await line.heal()
            case SwitchOffDevice() | SwitchOnDevice():
                for device in step.devices:
                    self._world.power(device, on=isinstance(step, SwitchOnDevice))
            case KillService():
                self._kill_service(step.service)

    def school_of(self, step: AnyStep) -> str:
        """Return the school that a step concerns, or an empty text when it is none or several."""
        match step:
            case Cut(links=[key]) | BlackHole(links=[key]) | Degrade(links=[key]) | Heal(links=[key]):
                return self._world.links()[key].record.school
            case KillAgent() | StartAgent():
                return REAL_SCHOOL
            case (
                PowerOffGateway(gateways=[key])
                | PowerOnGateway(gateways=[key])
                | SwitchOffDevice(devices=[key])
                | SwitchOnDevice(devices=[key])
            ):
                return key.partition("-")[0]
        return ""

    async def _change(self, key: str, step: Cut | BlackHole | Degrade | Heal) -> None:
        link = self._world.links()[key]
        lines = self._lines[link.record.school]
        match step:
            case Cut():
                link.set(carrying=False)
                for line in lines:
                    await line.cut()
            case BlackHole():
                link.set(carrying=False)
                for line in lines:
                    await line.black_hole()
            case Degrade():
                link.degrade(step.loss_ratio)
                for line in lines:
                    line.delay_seconds = DEGRADED_DELAY_SECONDS
            case Heal():
                link.degrade(0.0)
                link.set(carrying=True)
                for line in lines:
                    line.delay_seconds = 0.0
                    await line.heal()


async def play(
    scenario: Scenario,
    since_start: Callable[[], float],
    take: Callable[[AnyStep], Awaitable[None]],
    took: Callable[[AnyStep, int], None],
) -> None:
    """Take every step at its time (`since_start` in seconds), telling `took` each with the number of steps left."""
    every = scenario.taken()
    for number, (at_seconds, step) in enumerate(every, start=1):
        await asyncio.sleep(max(0.0, at_seconds - since_start()))
        await take(step)
        took(step, len(every) - number)
