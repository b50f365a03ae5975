"""Terminals of a running agent: readings, restart, and a wall clock that jumps."""

from __future__ import annotations

import asyncio

import pytest

from edge_agent.collectors.reading import Reading
from edge_agent.terminals import CheckIn, CheckInBody, PresenceRules, Terminals
from edge_agent.terminals.memory import FILE_NAME
from protocols.samples import ClassroomSample, TerminalSample


class HandClock:
    """Both clocks, set by hand."""

    boot = "boot-1"

    def __init__(self) -> None:
        self.wall = 1_800_000_000_000
        self.monotonic = 5_000_000

    def wall_ms(self) -> int:
        return self.wall

    def monotonic_ms(self) -> int:
        return self.monotonic

    def pass_ms(self, passed_ms: int) -> None:
        self.wall += passed_ms
        self.monotonic += passed_ms


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def made():
    return []


def terminals_of(clock, made: list[Reading], folder=None, **rules) -> Terminals:
    return Terminals(PresenceRules(**rules), clock, made.append, classroom="s07-c03", memory_folder=folder)


async def test_a_checkin_becomes_a_sample_with_both_times(clock, made):
    terminals = terminals_of(clock, made)
    await terminals.start()
    terminals.check_in(CheckIn("s07-c03-t12", CheckInBody(battery_ratio=0.4, charging=True, content_token="v7")))
    await terminals.stop()
    assert made == [
        Reading(
            (
                TerminalSample(
                    thing="s07-c03-t12",
                    observed_at_ms=clock.wall,
                    monotonic_ms=clock.monotonic,
                    present=True,
                    battery_ratio=0.4,
                    charging=True,
                    content_token="v7",
                ),
            )
        )
    ]


async def test_a_wall_clock_that_jumps_a_day_makes_nobody_absent(clock, made):
    terminals = terminals_of(clock, made)
    await terminals.start()
    terminals.check_in(CheckIn("t1"))
    made.clear()
    for jump_ms in (86_400_000, -200_000_000):
        clock.wall += jump_ms
        clock.pass_ms(20_000)
        terminals._tick()
        terminals.check_in(CheckIn("t1"))
    assert [event for reading in made for event in reading.events] == []
    assert terminals.present == 1
    await terminals.stop()


async def test_an_absence_is_an_event_and_a_sample_at_once(clock, made):
    terminals = terminals_of(clock, made)
    await terminals.start()
    terminals.check_in(CheckIn("t1"))
    made.clear()
    clock.pass_ms(95_000)
    terminals._tick()
    await terminals.stop()
    (reading,) = made
    assert [(event.type, event.thing, event.attributes) for event in reading.events] == [
        ("terminal.absent", "t1", {"silent_seconds": 95.0})
    ]
    assert [sample.present for sample in reading.samples if isinstance(sample, TerminalSample)] == [False]
    (summary,) = [sample for sample in reading.samples if isinstance(sample, ClassroomSample)]
    assert (summary.thing, summary.terminals_present, summary.terminals_known) == ("s07-c03", 0, 1)


async def test_a_restarted_agent_remembers_who_was_there(clock, made, tmp_path):
    first = terminals_of(clock, made, tmp_path)
    await first.start()
    for number in range(700):
        first.check_in(CheckIn(f"t{number}"))
    await first.stop()
    made.clear()
    clock.pass_ms(10_000)
    second = terminals_of(clock, made, tmp_path)
    await second.start()
    for number in range(700):
        second.check_in(CheckIn(f"t{number}"))
    await second.stop()
    assert made == []
    assert (second.known, second.present) == (700, 700)


async def test_a_damaged_memory_is_no_memory(clock, made, tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"\x00\xff")
    terminals = terminals_of(clock, made, tmp_path)
    await terminals.start()
    terminals.check_in(CheckIn("t1"))
    await terminals.stop()
    assert terminals.known == 1


async def test_a_memory_that_cannot_be_written_harms_nothing(clock, made, tmp_path):
    folder = tmp_path / "gone"
    terminals = terminals_of(clock, made, folder)
    await terminals.start()
    terminals.check_in(CheckIn("t1"))
    await terminals.stop()
    assert not folder.exists()
    assert terminals.present == 1


async def test_two_agents_in_one_loop_do_not_meet(clock, made):
    other: list[Reading] = []
    first, second = terminals_of(clock, made), terminals_of(clock, other)
    await asyncio.gather(first.start(), second.start())
    first.check_in(CheckIn("t1"))
    assert (first.known, second.known) == (1, 0)
    assert (len(made), len(other)) == (1, 0)
    await asyncio.gather(first.stop(), second.stop())
