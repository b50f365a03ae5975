"""The stage: a step changes the measured link and the line that MQTT runs on alike; kills reach who they should."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ops.faults.line import LineProxy, LineState
from ops.simulator.district import generate
from ops.simulator.scenario import AnyStep, BlackHole, Cut, Degrade, Heal, KillAgent, KillService, Scenario, StartAgent
from ops.simulator.school_day import SchoolClock
from ops.simulator.stage import Stage, play
from ops.simulator.world import World

DISTRICT = generate()
WORDS: dict[str, Any] = {"say": "x", "say_zh": "x"}


class Mortals:
    """Remembers who was killed and started."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def kill(self, agent: str) -> None:
        self.said.append(f"kill {agent}")

    async def start_again(self, agent: str) -> None:
        self.said.append(f"start {agent}")


@pytest.fixture
def world() -> World:
    return World(DISTRICT, SchoolClock(), lambda: 0.0, lambda: 0.0)


@pytest.fixture
async def lines() -> AsyncIterator[dict[str, LineProxy]]:
    lines = {link.school: LineProxy("127.0.0.1", 9) for link in DISTRICT.links}
    for line in lines.values():
        await line.start()
    yield lines
    for line in lines.values():
        await line.stop()


async def test_no_two_lines_share_a_port(lines: dict[str, LineProxy]) -> None:
    assert len({line.port for line in lines.values()}) == 43


async def test_a_cut_concerns_the_link_and_the_line_of_one_school(world: World, lines: dict[str, LineProxy]) -> None:
    stage = Stage(world, {school: [line] for school, line in lines.items()}, Mortals(), lambda name: None)
    await stage.take(Cut(at_seconds=0, links=["s07-wan"], **WORDS))
    assert [_seen(world, lines, school) for school in ("s07", "s08")] == [(False, LineState.CUT), (True, LineState.UP)]
    assert stage.lines_down == 1
    await stage.take(Heal(at_seconds=0, links=["s07-wan"], **WORDS))
    assert _seen(world, lines, "s07") == (True, LineState.UP)
    assert stage.lines_down == 0


def _seen(world: World, lines: dict[str, LineProxy], school: str) -> tuple[bool, LineState]:
    return world.sites[school].link.carrying, lines[school].state


async def test_an_outage_of_all_is_43_lines(world: World, lines: dict[str, LineProxy]) -> None:
    stage = Stage(world, {school: [line] for school, line in lines.items()}, Mortals(), lambda name: None)
    await stage.take(BlackHole(at_seconds=0, links="all", **WORDS))
    assert stage.lines_down == 43
    await stage.take(Heal(at_seconds=0, links="all", **WORDS))
    assert stage.lines_down == 0


async def test_a_degraded_line_loses_and_delays_until_healed(world: World, lines: dict[str, LineProxy]) -> None:
    stage = Stage(world, {school: [line] for school, line in lines.items()}, Mortals(), lambda name: None)
    await stage.take(Degrade(at_seconds=0, links=["s07-wan"], loss_ratio=0.1, **WORDS))
    assert world.sites["s07"].link.loss_ratio == 0.1
    assert lines["s07"].delay_seconds > 0
    await stage.take(Heal(at_seconds=0, links=["s07-wan"], **WORDS))
    assert world.sites["s07"].link.loss_ratio == 0
    assert lines["s07"].delay_seconds == 0


async def test_kills_reach_agents_and_services_by_name(world: World) -> None:
    mortals, services = Mortals(), list[str]()
    stage = Stage(world, {}, mortals, services.append)
    await stage.take(KillAgent(at_seconds=0, agents=["s01-gw"], **WORDS))
    await stage.take(StartAgent(at_seconds=0, agents=["s01-gw"], **WORDS))
    await stage.take(KillService(at_seconds=0, service="broker", **WORDS))
    assert mortals.said == ["kill s01-gw", "start s01-gw"]
    assert services == ["broker"]


def test_a_step_is_of_one_school_or_of_several(world: World) -> None:
    stage = Stage(world, {}, Mortals(), lambda name: None)
    assert stage.school_of(Cut(at_seconds=0, links=["s07-wan"], **WORDS)) == "s07"
    assert stage.school_of(Cut(at_seconds=0, links="all", **WORDS)) == ""
    assert stage.school_of(KillAgent(at_seconds=0, agents=["s01-gw"], **WORDS)) == "s01"
    assert stage.school_of(KillService(at_seconds=0, service="cloud", **WORDS)) == ""


async def test_steps_are_taken_in_order_at_their_times() -> None:
    steps: list[AnyStep] = [
        Cut(at_seconds=0.0, links=["s07-wan"], **WORDS),
        Heal(at_seconds=0.05, links=["s07-wan"], **WORDS),
    ]
    story = Scenario(summary="x", summary_zh="x", steps=steps)
    began = asyncio.get_running_loop().time()
    taken: list[tuple[AnyStep, float]] = []

    def since_start() -> float:
        return asyncio.get_running_loop().time() - began

    async def take(step: AnyStep) -> None:
        taken.append((step, since_start()))

    left: list[int] = []
    await play(story, since_start, take, lambda step, steps_left: left.append(steps_left))
    assert [step for step, _ in taken] == steps
    assert all(at >= step.at_seconds for step, at in taken)
    assert left == [1, 0]
