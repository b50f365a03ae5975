"""Every kind of target through the one door, with real drivers, and `probe_once` as a person uses it."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from edge_agent.clock import SystemClock
from edge_agent.collectors.catalogue import Collectors, Drivers, probe_once
from edge_agent.collectors.probe import Outcome
from edge_agent.collectors.snmp.drivers import SnmpLibrary
from edge_agent.collectors.targets import (
    DnsTarget,
    HostTarget,
    HttpTarget,
    IcmpTarget,
    LinkTarget,
    Target,
    TcpTarget,
)
from ops.simulator.snmp_agents import LocalSnmpd, RecordedDevices
from protocols.blocks import pack, unpack
from protocols.codec import MAX_PAYLOAD_BYTES
from protocols.samples import Kind, PortSample, ProbeSample, Vantage
from tests.fixtures.snmp_agents import SNMP_USERS, local_target, recorded_target


def soon() -> float:
    return asyncio.get_running_loop().time() + 90.0


@pytest.fixture(params=[SnmpLibrary.GUFO, SnmpLibrary.PYSNMP])
def drivers(request: pytest.FixtureRequest) -> Drivers:
    return Drivers(snmp_library=request.param)


async def test_any_target_gives_samples_that_the_wire_accepts(drivers: Drivers, snmpd: LocalSnmpd):
    device = local_target(snmpd, SNMP_USERS[4], ports=("lo",))
    targets: list[Target] = [
        device,
        LinkTarget(
            "s07-wan", Vantage.SCHOOL, device, "lo", "127.0.0.1", ping_interval_seconds=0.01, ping_timeout_seconds=30.0
        ),
        IcmpTarget("s07-gw/loop", "127.0.0.1", interval_seconds=0.01, timeout_seconds=30.0),
        TcpTarget("s07-gw/tcp", "127.0.0.1", 1),
        DnsTarget("s07-gw/dns", "127.0.0.1", "example.org", port=1, timeout_seconds=0.2),
        HttpTarget("s07-gw/http", "http://127.0.0.1:1/"),
        HostTarget("s07-gw", "/"),
    ]
    collectors = Collectors(SystemClock(), drivers)
    readings = await asyncio.gather(*(collectors.collect(target, soon()) for target in targets))
    await collectors.close()
    samples = [sample for reading in readings for sample in reading.samples]
    assert {sample.kind for sample in samples} == {Kind.DEVICE, Kind.LINK, Kind.PROBE, Kind.HOST, Kind.PORT}
    for block in pack(samples):
        encoded = msgspec.msgpack.encode(block)
        assert len(encoded) < MAX_PAYLOAD_BYTES
        assert unpack(msgspec.msgpack.decode(encoded, type=type(block))) == unpack(block)
    changes = [one.thing for reading in readings for one in reading.events]
    assert sorted(changes) == ["s07-gw/dns", "s07-gw/http", "s07-gw/tcp"]


async def test_drivers_brought_along_are_used_instead_of_real_ones():
    async def simulated(target: TcpTarget, deadline: float) -> Outcome:
        return Outcome(True, "simulated")

    collectors = Collectors(SystemClock(), Drivers(tcp=simulated))
    reading = await collectors.collect(TcpTarget("s07-gw/tcp", "192.0.2.1", 80), soon())
    (sample,) = reading.samples
    assert isinstance(sample, ProbeSample)
    assert sample.reason == "simulated"


async def test_probe_once_waits_for_rates(recorded_devices: RecordedDevices):
    target = recorded_target(recorded_devices, "ruijie-s5750", ports=("Gi0/24",), interval_seconds=300.0)
    reading = await probe_once(target)
    (port,) = [one for one in reading.samples if isinstance(one, PortSample)]
    assert port.thing == "ruijie-s5750/Gi0/24"
    assert port.in_bps is not None
    assert 0 < port.in_bps < 1_000_000_000


async def test_probe_once_of_something_that_is_away_says_so():
    reading = await probe_once(TcpTarget("s07-gw/tcp", "127.0.0.1", 1))
    assert [(one.type, one.attributes["reason"]) for one in reading.events] == [("probe.changed", "connection refused")]
