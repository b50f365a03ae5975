"""Check-ins come round after round, each tablet once per round, and nobody starves the loop."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from edge_agent.terminals import CheckIn
from ops.simulator import rounds as rounds_module
from ops.simulator.district import generate
from ops.simulator.rounds import CheckInRounds
from ops.simulator.school_day import MID_LESSON, Phase, SchoolClock
from ops.simulator.tablets import CHECKIN_SECONDS, Group, groups
from ops.simulator.world import World

DISTRICT = generate()
TERMINALS = [terminal for terminal in DISTRICT.terminals if terminal.school in {"s02", "s03"}]


def test_a_round_holds_every_tablet_once_in_order_of_time() -> None:
    every = groups(DISTRICT.terminals)
    counted = Counter(tablet.terminal for group in every for tablet in group.tablets)
    assert len(counted) == 29_269
    assert set(counted.values()) == {1}
    offsets = [group.offset_seconds for group in every]
    assert offsets == sorted(offsets)
    assert offsets[0] >= 0
    assert offsets[-1] < CHECKIN_SECONDS


async def test_tablets_check_in_round_after_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds_module, "CHECKIN_SECONDS", 0.05)
    world = World(DISTRICT, SchoolClock.placed(MID_LESSON, 0), lambda: 0.0, lambda: 0.0)
    seen: Counter[str] = Counter()
    twice = asyncio.Event()

    async def deliver(agent: str, checkins: list[CheckIn]) -> None:
        seen.update(checkin.terminal for checkin in checkins)
        if seen.total() >= 2 * len(TERMINALS):
            twice.set()

    every = [Group(0.0, group.agent, group.tablets) for group in groups(TERMINALS)]
    stage_of = {group.agent: "primary" for group in every}
    walking = asyncio.create_task(CheckInRounds(every, stage_of, world, deliver).run())
    async with asyncio.timeout(120):
        await twice.wait()
    walking.cancel()
    assert max(seen.values()) - min(seen.values()) <= 1
    # Some two in a hundred stay at home.
    assert 0.9 * len(TERMINALS) < len(seen) < len(TERMINALS)


async def test_a_round_of_nobody_leaves_the_loop_to_others() -> None:
    world = World(DISTRICT, SchoolClock(), lambda: 0.0, lambda: 0.0)

    async def deliver(agent: str, checkins: list[CheckIn]) -> None:
        raise AssertionError

    walking = asyncio.create_task(CheckInRounds([], {}, world, deliver).run())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not walking.done()
    walking.cancel()


def test_at_night_nobody_checks_in() -> None:
    tablets = [tablet for group in groups(TERMINALS) for tablet in group.tablets]
    assert not any(tablet.is_on(Phase.CLOSED) for tablet in tablets)
    assert sum(tablet.is_on(Phase.LESSON) for tablet in tablets) > 0.95 * len(tablets)
