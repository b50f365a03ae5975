"""Configs of the district's agents: what the simulator makes in code, and the files it writes for real processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config import AgentConfig, load_config
from edge_agent.config.targets import device_targets, link_targets, probe_targets
from ops.simulator.configs import ConfigMaker, Pace
from ops.simulator.district import REAL_SCHOOL, generate
from ops.simulator.measure import PastClock, SchoolPast
from ops.simulator.real_school import RealSchool
from protocols.samples import Vantage
from protocols.status import Role

DISTRICT = generate()


@pytest.fixture(scope="module")
def configs() -> dict[str, AgentConfig]:
    ports = {link.school: 2000 + index for index, link in enumerate(DISTRICT.links)} | {"": 1883}
    maker = ConfigMaker(DISTRICT, Path("agents"), ports, Pace())
    return {agent.agent: maker.config(agent) for agent in DISTRICT.agents}


def test_every_agent_has_its_own_spool_and_its_schools_line(configs: dict[str, AgentConfig]) -> None:
    assert len(configs) == 698
    assert len({config.agent.data_dir for config in configs.values()}) == 698
    assert configs["s07-c03"].uplink.port == configs["s07-gw"].uplink.port != configs["s08-gw"].uplink.port
    assert configs["core"].uplink.port == 1883


def test_both_ends_of_every_link_are_watched(configs: dict[str, AgentConfig]) -> None:
    core = link_targets(configs["core"])
    assert len(core) == 43
    assert {target.vantage for target in core} == {Vantage.CENTRE}
    for link in DISTRICT.links:
        (target,) = link_targets(configs[f"{link.school}-gw"])
        assert (target.link, target.vantage, target.port) == (link.link, Vantage.SCHOOL, link.school_port)


def test_gateways_poll_all_devices_of_their_school_and_classrooms_none(configs: dict[str, AgentConfig]) -> None:
    polled = [target.device for config in configs.values() for target in device_targets(config)]
    assert sorted(polled) == sorted(device.device for device in DISTRICT.devices)
    assert device_targets(configs["s07-c03"]) == ()
    assert len(probe_targets(configs["s07-gw"])) == 2


def test_the_real_schools_files_are_such_as_a_technician_could_have_written(tmp_path: Path) -> None:
    school = RealSchool(DISTRICT, tmp_path, tmp_path, 1883, lambda name, pid: None, lambda problem: None)
    for agent in DISTRICT.agents:
        if agent.school == REAL_SCHOOL:
            process = school.prepare(agent)
            config = load_config(process.config).config
            assert config.agent.id == agent.agent
            assert config.agent.role is Role(agent.role)
            assert config.lan is not None
            assert config.lan.listen == f"127.0.0.1:{process.lan_port}"


def test_the_made_up_past_holds_as_many_samples_as_it_says() -> None:
    past, clock = SchoolPast(DISTRICT, "s07"), PastClock(1_700_000_000_000)
    made = sum(len(list(past.samples(second, clock))) for second in range(0, 360, 5))
    assert made == past.count(0.1)
    terminals = [terminal for terminal in DISTRICT.terminals if terminal.school == "s07"]
    assert made > len(terminals)
