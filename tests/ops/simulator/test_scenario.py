"""Scenario files: those that come along are right, and wrong ones are told every reason at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ops.simulator import scenario
from ops.simulator.district import generate
from ops.simulator.scenario import Cut, Heal, Scenario, ScenarioInvalid

LINKS = [f"s{number:02d}-wan" for number in range(1, 44)]
AGENTS = [agent.agent for agent in generate().agents]
DEVICES = [device.device for device in generate().devices]


def test_the_four_scenarios_of_the_design_come_along() -> None:
    assert {"district-outage", "flap", "link-cut", "school-day"} <= set(scenario.names())


@pytest.mark.parametrize("name", scenario.names())
def test_every_scenario_fits_the_district_and_heals_what_it_cuts(name: str) -> None:
    story = scenario.load(name, LINKS, AGENTS, DEVICES)
    cut: set[str] = set()
    for step in story.steps:
        if isinstance(step, Cut):
            cut |= set(step.chosen(LINKS))
        if isinstance(step, Heal):
            cut -= set(step.chosen(LINKS))
    assert cut == set()


def test_a_newcomer_sees_fault_and_recovery_within_two_minutes() -> None:
    story = scenario.load("link-cut", LINKS, AGENTS)
    assert [type(step) for step in story.steps] == [Cut, Heal]
    assert story.ends_at_seconds <= 120
    assert story.school_clock != scenario.REAL_CLOCK


def test_a_district_outage_brings_all_43_back_in_the_same_step() -> None:
    heal = scenario.load("district-outage", LINKS, AGENTS).steps[-1]
    assert isinstance(heal, Heal)
    assert heal.chosen(LINKS) == LINKS


def test_every_problem_of_a_scenario_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(
        """
        summary = "wrong"
        summary_zh = "错"
        [[steps]]
        at_seconds = 20
        action = "cut"
        links = ["s99-wan"]
        say = "x"
        say_zh = "x"
        [[steps]]
        at_seconds = 10
        action = "kill-agent"
        agents = ["s07-gw", "nobody"]
        say = "x"
        say_zh = "x"
        """,
        encoding="utf-8",
    )
    with pytest.raises(ScenarioInvalid) as caught:
        scenario.load(str(path), LINKS, AGENTS)
    assert caught.value.problems == [
        "step 1 (20 s): no such link: 's99-wan'",
        "step 2 (10 s): comes before the step above it (20 s)",
        "step 2 (10 s): 's07-gw' runs inside the simulator; only agents of s01 have a process that can be killed",
        "step 2 (10 s): no such agent: 'nobody'",
    ]
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("summary = ", "Invalid"),
        ('summary = "x"\nsummary_zh = "x"\nspeed = 2', "unknown field `speed`"),
        ('summary = "x"\nsummary_zh = "x"\nschool_clock = "25:00"', "$.school_clock"),
        ('summary = "x"\nsummary_zh = "x"\n[[steps]]\naction = "explode"', "explode"),
        ('summary = "x"\nsummary_zh = "x"\n[[steps]]\naction = "cut"\nat_seconds = -1\nlinks = "all"', "$.steps[0]"),
    ],
)
def test_what_is_not_a_scenario_is_said_so(text: str, complaint: str) -> None:
    with pytest.raises(ScenarioInvalid) as caught:
        scenario.parse(text.encode(), "wrong")
    assert complaint in caught.value.problems[0]


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ScenarioInvalid, match=r"known: .*district-outage, .*flap, .*link-cut, .*school-day"):
        scenario.load("earthquake", LINKS, AGENTS)


def test_a_scenario_without_steps_is_a_quiet_day() -> None:
    assert Scenario(summary="x", summary_zh="x").ends_at_seconds == 0


def test_steps_that_are_taken_often_are_taken_in_order_of_time() -> None:
    taken = scenario.read("flap-long").taken()
    assert [at for at, _ in taken][:4] == [120, 140, 160, 180]
    assert len(taken) == 90
