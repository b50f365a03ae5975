"""The district has exactly the counts it promises, hangs together, and is the same for the same seed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from ops.simulator import district as districts
from ops.simulator.district import apportion, generate
from ops.simulator.district_folder import FILES, read, write
from ops.simulator.numerals import chinese_numeral
from protocols.identity import is_agent_id


@pytest.mark.parametrize("seed", [districts.DEFAULT_SEED, 0, 7, 2026])
def test_every_seed_has_the_counts_of_the_district(seed: int) -> None:
    district = generate(seed)
    owners = Counter(terminal.owner for terminal in district.terminals)
    assert len(district.schools) == 43
    assert len(district.links) == 43
    assert len(district.classrooms) == 654
    assert len(district.agents) == 698
    assert owners == {"student": 25_634, "teacher": 3_635}
    assert Counter(agent.role for agent in district.agents) == {"core": 1, "gateway": 43, "classroom": 654}
    assert {school.stage for school in district.schools} == {"primary", "junior", "senior"}


def test_the_same_seed_makes_the_same_district_and_another_seed_another() -> None:
    assert generate(5) == generate(5)
    assert generate(5) != generate(6)


def test_every_school_has_a_router_two_to_six_switches_and_its_own_centre_port() -> None:
    district = generate()
    for school in district.schools:
        kinds = Counter(device.kind for device in district.devices if device.school == school.school)
        assert kinds["router"] == 1
        assert 2 <= kinds["switch"] <= 6
    assert len({link.centre_port for link in district.links}) == 43
    assert len([port for port in district.ports if port.device == districts.CORE_DEVICE]) == 43


def test_every_name_that_is_referred_to_exists_once() -> None:
    district = generate()
    agents = {agent.agent for agent in district.agents}
    devices = {device.device for device in district.devices}
    ports = {(port.device, port.port) for port in district.ports}
    rooms = {room.classroom for room in district.classrooms}
    assert len(agents) == len(district.agents)
    assert len(devices) == len(district.devices)
    assert len(ports) == len(district.ports)
    assert len({terminal.terminal for terminal in district.terminals}) == districts.TERMINALS
    assert len({device.address for device in district.devices}) == len(devices)
    assert all(is_agent_id(agent) for agent in agents)
    assert all(
        device.agent in agents and (not device.parent or device.parent in devices) for device in district.devices
    )
    assert all((link.school_device, link.school_port) in ports for link in district.links)
    assert all((link.centre_device, link.centre_port) in ports for link in district.links)
    assert all(terminal.agent in agents for terminal in district.terminals)
    assert all(not terminal.classroom or terminal.classroom in rooms for terminal in district.terminals)


def test_no_school_outgrows_its_gateway() -> None:
    by_agent = Counter(terminal.agent for terminal in generate().terminals)
    assert max(by_agent.values()) <= 700


def test_the_folder_reads_back_as_written(tmp_path: Path) -> None:
    district = generate()
    write(district, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"{name}.csv" for name in FILES)
    assert read(tmp_path) == district


def test_every_file_has_its_header_row(tmp_path: Path) -> None:
    write(generate(), tmp_path)
    header = (tmp_path / "links.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == (
        "link,school,name,name_en,provider,contracted_bps,school_device,school_port,centre_device,centre_port"
    )


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    write(generate(), tmp_path)
    (tmp_path / "agents.csv").write_text("agent,role\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"agents\.csv: no column classroom, school"):
        read(tmp_path)


def test_shares_add_up_exactly() -> None:
    assert apportion(10, [1, 1, 1]) == [4, 3, 3]
    assert sum(apportion(25_634, [0.3, 7.1, 2.2])) == 25_634


@pytest.mark.parametrize(("number", "text"), [(1, "一"), (10, "十"), (11, "十一"), (20, "二十"), (24, "二十四")])
def test_schools_are_numbered_as_people_number_them(number: int, text: str) -> None:
    assert chinese_numeral(number) == text
