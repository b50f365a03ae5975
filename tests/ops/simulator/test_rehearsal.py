"""Every scenario that says what is expected, in virtual time."""

from __future__ import annotations

import pytest

from ops.simulator import scenario
from ops.simulator.expectations import differences
from ops.simulator.rehearsal import rehearse


@pytest.mark.parametrize("name", scenario.proofs())
async def test_a_scenario_comes_to_what_its_file_expects(name: str, database: str) -> None:
    story = scenario.read(name)
    assert story.expect is not None
    assert differences(story.expect, await rehearse(database, story)) == []
