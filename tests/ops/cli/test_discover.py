"""`bellwether agent discover`: from a recorded switch to files that the inventory takes, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloud.inventory.folder import read_folder
from edge_agent.collectors.snmp.neighbours import Neighbour, Neighbourhood
from edge_agent.discovery.proposing import propose, sheets
from edge_agent.discovery.walking import Answered, walk
from ops.cli.agent import app
from ops.cli.agent_discover import default_gateway
from ops.simulator.snmp_agents import RecordedDevices
from tests.edge_agent.collectors.scripted import ScriptedDevice
from tests.fixtures.snmp_agents import recorded_target

HEADERS = {
    "schools": "school,name,name_en,stage,latitude,longitude\ns07,第七小学,No. 7,primary,,\n",
    "classrooms": "classroom,school,name,name_en,seats\n",
    "agents": "agent,role,school,classroom\ns07-gw,gateway,s07,\n",
    "links": "link,school,name,name_en,provider,contracted_bps,school_device,school_port,centre_device,centre_port\n",
    "terminals": "terminal,school,classroom,owner,agent,model\n",
}


def test_a_recorded_switch_and_its_neighbour_become_files_that_can_be_imported(
    recorded_devices: RecordedDevices, tmp_path: Path
):
    arguments = ["discover", "--address", "127.0.0.1", "--udp-port", str(recorded_devices.udp_port), "--depth", "0"]
    arguments += ["--school", "s07", "--agent", "s07-gw", "--out", str(tmp_path), "--json"]
    environment = {"BELLWETHER_SNMP_COMMUNITY": "h3c-e528"}
    result = CliRunner().invoke(app, arguments, env=environment)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    switch, beside = found["devices"]
    # A switch that routes, where the walk began, is taken for the router: what a person is to review.
    assert (switch["kind"], switch["vendor"], switch["answers"], len(found["ports"])) == ("router", "h3c", True, 28)
    assert (beside["device"], beside["parent"], beside["parent_port"], beside["address"], beside["answers"]) == (
        "s07-wrd-huiju-2",
        switch["device"],
        "GigabitEthernet1/0/24",
        "10.1.123.2",
        False,
    )
    for name, text in HEADERS.items():
        (tmp_path / f"{name}.csv").write_text(text)
    folder = read_folder(tmp_path)
    assert (len(folder.rows["devices"]), len(folder.rows["ports"])) == (2, 28)
    again = CliRunner().invoke(app, arguments, env=environment)
    assert again.exit_code == 1
    assert "devices.csv and ports.csv already" in again.stderr


async def test_a_silent_address_is_a_finding_and_the_same_device_is_found_once(recorded_devices: RecordedDevices):
    device = ScriptedDevice()
    target = recorded_target(recorded_devices, "any")
    told: list[str] = []
    found = await walk([target, target], device, depth=3, arp=True, told=told.append)
    assert (len(found.answered), found.silent) == (1, {})
    assert told[0] == "step 0: asking 1 address"


def test_a_chain_hangs_in_the_order_it_was_found():
    def around(chassis: str, *neighbours: Neighbour) -> Neighbourhood:
        return Neighbourhood(("lldp",), chassis, "", neighbours)

    def seen(port: str, chassis: str, capabilities: str = "bridge", name: str = "") -> Neighbour:
        return Neighbour(port, "lldp", chassis, "up", system_name=name, capabilities=capabilities)

    router = Answered(
        address="10.7.0.1",
        system_name="gw",
        sys_services=78,
        around=around("r", seen("ge3", "s")),
        arp=(("a", "10.7.0.9"),),
    )
    switch = Answered(
        address="10.7.0.2",
        system_name="gw",
        around=around("s", seen("up", "r", "router"), seen("ge7", "a", "bridge,ap", "三楼")),
    )
    rows = propose([router, switch], school="s07").devices
    assert [(row.device, row.kind, row.address, row.parent, row.parent_port) for row in rows] == [
        ("s07-gw", "router", "10.7.0.1", "", ""),
        ("s07-gw-2", "switch", "10.7.0.2", "s07-gw", "ge3"),
        ("s07-10-7-0-9", "ap", "10.7.0.9", "s07-gw-2", "ge7"),
    ]
    assert sheets(propose([], school="s07"))["ports.csv"] == "device,port,alias,speed_bps\r\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--address", "10.7.0"], "is not an IPv4 address"),
        (["--address", "10.7.0.1"], "nothing to ask with"),
    ],
)
def test_what_cannot_be_asked_is_said(arguments: list[str], said: str):
    result = CliRunner().invoke(app, ["discover", *arguments], env={"BELLWETHER_SNMP_COMMUNITY": None})
    assert result.exit_code == 2
    assert said in result.stderr


def test_the_machine_s_own_gateway_is_read_from_its_routes():
    routes = "Iface Destination Gateway Flags\neth0 0000070A 00000000 0001\neth0 00000000 0100070A 0003\n"
    assert default_gateway(routes) == ["10.7.0.1"]
    assert default_gateway("") == []
