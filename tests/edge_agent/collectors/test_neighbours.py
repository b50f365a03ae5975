"""Neighbours: recorded switches of three vendors through the real collector, and which of what they say is news."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from edge_agent.clock import SystemClock
from edge_agent.collectors.reading import Reading, Stamp
from edge_agent.collectors.snmp.conversation import Conversations
from edge_agent.collectors.snmp.device import DeviceCollector
from edge_agent.collectors.snmp.drivers import SnmpLibrary, open_driver
from edge_agent.collectors.snmp.neighbours import PROOF_SECONDS, Neighbour, Neighbourhood, NeighbourTrack
from edge_agent.collectors.snmp.session import Failure, TableAnswer
from edge_agent.collectors.targets import CommunityV2c, DeviceTarget
from ops.simulator.snmp_agents import RecordedDevices
from protocols.events import Event, problem_of
from tests.edge_agent.collectors.scripted import ScriptedDevice, ScriptedPort, ScriptedSession
from tests.fixtures.snmp_agents import recorded_target

AT = Stamp(1_760_000_000_000, 5_000)
AP = Neighbour("ge2", "lldp", "38:91:d5:fb:74:2c", "eth0", system_name="s07-ap03")
SWITCH = Neighbour("ge1", "lldp", "38:91:d5:00:00:01", "ge24", system_name="s07-sw02")
BOTH = Neighbourhood(("lldp",), "02:00:00:00:00:01", "s07-sw01", (SWITCH, AP))


async def read(target: DeviceTarget, library: SnmpLibrary = SnmpLibrary.AUTO) -> list[Event]:
    clock = SystemClock()
    conversations = Conversations(open_driver(library), clock)
    collector = DeviceCollector(conversations, clock)
    deadline = asyncio.get_running_loop().time() + 120
    reading: Reading = await collector.collect(replace(target, interval_seconds=120), deadline)
    await conversations.close()
    assert problem_of(reading.events) is None
    return [one for one in reading.events if one.type.startswith("neighbour")]


def said(events: list[Event]) -> list[tuple[str, str]]:
    return [(one.type, one.thing) for one in events]


@pytest.mark.parametrize("library", [SnmpLibrary.GUFO, SnmpLibrary.PYSNMP])
async def test_an_h3c_switch_tells_its_neighbour_by_lldp(recorded_devices: RecordedDevices, library: SnmpLibrary):
    seen, whole = await read(recorded_target(recorded_devices, "h3c-e528", ports=()), library)
    assert (seen.type, seen.thing) == ("neighbour.seen", "h3c-e528/GigabitEthernet1/0/24")
    shown = {
        name: seen.attributes[name] for name in ("chassis", "remote_port", "system_name", "address", "capabilities")
    }
    assert shown == {
        "chassis": "38:91:d5:fb:74:2c",
        "remote_port": "GigabitEthernet1/0/33",
        "system_name": "WRD-Huiju-2",
        "address": "10.1.123.2",
        "capabilities": "bridge,router",
    }
    assert (whole.type, whole.attributes["neighbours"], whole.attributes["whole"]) == ("neighbours.read", 1, True)
    assert whole.attributes["reading"] == seen.attributes["reading"]


async def test_a_cisco_switch_tells_nine_neighbours_by_cdp(recorded_devices: RecordedDevices):
    *seen, whole = await read(recorded_target(recorded_devices, "cisco-c3560", ports=()))
    assert (whole.attributes["protocols"], whole.attributes["chassis"]) == ("lldp,cdp", "e8:04:62:78:f2:00")
    assert len(seen) == whole.attributes["neighbours"] == 9
    one = next(event for event in seen if event.attributes["system_name"] == "RanQiLou")
    assert one.thing == "cisco-c3560/Gi0/50"
    assert (one.attributes["remote_port"], one.attributes["address"]) == ("GigabitEthernet0/25", "10.1.100.146")


async def test_stations_are_counted_and_never_named(recorded_devices: RecordedDevices):
    # Three network cards of servers say that they are stations; two Nexus switches stand on one more port.
    *seen, whole = await read(recorded_target(recorded_devices, "procurve", ports=()))
    assert whole.attributes["endpoints"] == 3
    assert "e8:39:35:1a:ca:99" not in {event.attributes["chassis"] for event in seen}
    assert {event.attributes["address"] for event in seen if event.attributes["protocol"] == "lldp"} == {
        "10.40.1.19",
        "222.24.192.252",
    }


def test_the_first_reading_is_told_whole_and_then_only_what_changed():
    track = NeighbourTrack("s07-sw01")
    first = track.update(BOTH, AT, 0.0, "r1")
    assert said(first) == [
        ("neighbour.seen", "s07-sw01/ge1"),
        ("neighbour.seen", "s07-sw01/ge2"),
        ("neighbours.read", "s07-sw01"),
    ]
    assert track.update(BOTH, AT, 3600.0, "r2") == []
    moved = replace(AP, port="ge3")
    changed = track.update(replace(BOTH, neighbours=(SWITCH, moved)), AT, 7200.0, "r3")
    assert said(changed) == [
        ("neighbour.gone", "s07-sw01/ge2"),
        ("neighbour.seen", "s07-sw01/ge3"),
        ("neighbours.read", "s07-sw01"),
    ]
    assert {one.attributes["reading"] for one in changed} == {"r1"}
    (proof,) = track.update(replace(BOTH, neighbours=(SWITCH, moved)), AT, 7200.0 + PROOF_SECONDS, "r4")
    assert (proof.type, proof.attributes["reading"], proof.attributes["whole"]) == ("neighbours.read", "r1", False)


def test_a_device_that_speaks_neither_is_not_news():
    assert NeighbourTrack("s07-sw01").update(Neighbourhood(()), AT, 0.0, "r1") == []


async def test_a_device_that_chokes_on_lldp_is_not_called_unreachable(monkeypatch: pytest.MonkeyPatch):
    # Seen with a Huawei switch: everything is answered but the walk of LLDP-MIB.
    switch = ScriptedDevice(ports={1: ScriptedPort("ge1")})
    answered = ScriptedSession.get_table

    async def get_table(self: ScriptedSession, columns: list[str], deadline: float) -> TableAnswer:
        if columns[0].startswith("1.0.8802"):
            return TableAnswer(failure=Failure.TIMEOUT, reason="no answer")
        return await answered(self, columns, deadline)

    monkeypatch.setattr(ScriptedSession, "get_table", get_table)
    collector = DeviceCollector(Conversations(switch, switch.clock), switch.clock)
    target = DeviceTarget("s07-sw01", "192.0.2.1", CommunityV2c("public"))
    for _ in range(2):
        reading = await collector.collect(target, asyncio.get_running_loop().time() + 5)
        switch.advance(60)
        assert reading.events == ()
        assert len(reading.samples) == 2
