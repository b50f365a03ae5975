"""A link from one end: the port's counters in one PDU and the ping across, each telling what it knows."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from edge_agent.clock import SystemClock
from edge_agent.collectors.pinger import PingResult
from edge_agent.collectors.reading import Reading
from edge_agent.collectors.snmp.conversation import Conversations
from edge_agent.collectors.snmp.drivers import open_driver
from edge_agent.collectors.snmp.link import LinkCollector
from edge_agent.collectors.snmp.session import Failure
from edge_agent.collectors.targets import CommunityV2c, DeviceTarget, LinkTarget
from ops.simulator.snmp_agents import LocalSnmpd, RecordedDevices
from protocols.samples import Kind, LinkSample, Vantage
from tests.edge_agent.collectors.scripted import ScriptedDevice, ScriptedPort
from tests.fixtures.snmp_agents import SNMP_USERS, local_target, recorded_target

ROUTER = DeviceTarget("s07-rt1", "192.0.2.1", CommunityV2c("public"))
LINK = LinkTarget("s07-wan", Vantage.SCHOOL, ROUTER, "Gi0/1", "192.0.2.254", interval_seconds=10.0)


class ScriptedPinger:
    """Answers with what the test put in."""

    def __init__(self) -> None:
        self.rtts: tuple[float | None, ...] = (0.010, 0.014, None, 0.012, 0.013)

    async def ping(
        self, address: str, *, count: int, interval_seconds: float, timeout_seconds: float, deadline: float
    ) -> PingResult:
        return PingResult(self.rtts, "scripted")

    async def close(self) -> None:
        """Nothing is open."""


def soon() -> float:
    return asyncio.get_running_loop().time() + 90.0


def split(reading: Reading) -> tuple[LinkSample | None, LinkSample | None]:
    """The sample with counters and the one with delays."""
    samples = [one for one in reading.samples if isinstance(one, LinkSample)]
    assert len(samples) == len(reading.samples)
    counters = [one for one in samples if one.in_octets_total is not None]
    delays = [one for one in samples if one.loss_ratio is not None]
    return next(iter(counters), None), next(iter(delays), None)


@pytest.fixture
def router() -> ScriptedDevice:
    return ScriptedDevice(ports={1: ScriptedPort("Gi0/1"), 2: ScriptedPort("Gi0/2")})


@pytest.fixture
def pinger() -> ScriptedPinger:
    return ScriptedPinger()


@pytest.fixture
def collector(router: ScriptedDevice, pinger: ScriptedPinger) -> LinkCollector:
    return LinkCollector(Conversations(router, router.clock), pinger, router.clock)


async def test_counters_and_delays_arrive_as_two_samples_of_one_link(router: ScriptedDevice, collector: LinkCollector):
    await collector.collect(LINK, soon())
    router.advance(10, bps=100_000_000)
    counters, delays = split(await collector.collect(LINK, soon()))
    assert counters is not None
    assert delays is not None
    assert (counters.thing, counters.vantage, counters.in_bps) == ("s07-wan", Vantage.SCHOOL, 100_000_000)
    assert (counters.loss_ratio, counters.rtt_seconds) == (None, None)
    assert (delays.thing, delays.vantage, delays.in_bps, delays.oper_up) == ("s07-wan", Vantage.SCHOOL, None, None)
    assert delays.loss_ratio == 0.2
    assert delays.rtt_seconds == 0.01225
    assert delays.jitter_seconds == 0.0025  # |14-10| and |13-12|: the gap has no neighbour


async def test_a_poll_is_one_pdu_with_the_devices_clock_in_it(router: ScriptedDevice, collector: LinkCollector):
    await collector.collect(LINK, soon())
    router.asked.clear()
    router.advance(10)
    await collector.collect(LINK, soon())
    (oids,) = router.asked
    assert oids[0] == "1.3.6.1.2.1.1.3.0"
    assert len(oids) == 14


async def test_a_silent_router_does_not_silence_the_ping(router: ScriptedDevice, collector: LinkCollector):
    await collector.collect(LINK, soon())
    router.failure = Failure.TIMEOUT
    reading = await collector.collect(LINK, soon())
    counters, delays = split(reading)
    assert counters is None
    assert delays is not None
    assert [(one.type, one.kind, one.thing) for one in reading.events] == [
        ("device.unreachable", Kind.DEVICE, "s07-rt1")
    ]


async def test_a_dead_line_is_full_loss_and_no_delay_rather_than_zero(pinger: ScriptedPinger, collector: LinkCollector):
    pinger.rtts = (None, None, None)
    _, delays = split(await collector.collect(LINK, soon()))
    assert delays is not None
    assert (delays.loss_ratio, delays.rtt_seconds, delays.jitter_seconds) == (1.0, None, None)


async def test_nothing_sent_is_nothing_known(pinger: ScriptedPinger, collector: LinkCollector):
    pinger.rtts = ()
    _, delays = split(await collector.collect(LINK, soon()))
    assert delays is None


async def test_the_port_is_followed_when_its_if_index_moves(router: ScriptedDevice, collector: LinkCollector):
    await collector.collect(LINK, soon())
    router.advance(10, bps=8_000)
    router.ports = {5: router.ports[1], 1: router.ports[2]}
    assert split(await collector.collect(LINK, soon()))[0] is None
    router.advance(10, bps=8_000)
    reading = await collector.collect(LINK, soon())
    assert [(one.type, one.kind, one.thing) for one in reading.events] == [("counter.reset", Kind.LINK, "s07-wan")]
    assert split(reading)[0].in_bps is None  # type: ignore[union-attr]
    router.advance(10, bps=8_000)
    assert split(await collector.collect(LINK, soon()))[0].in_bps == 8_000  # type: ignore[union-attr]


async def test_a_restart_of_the_router_is_told_of_the_link(router: ScriptedDevice, collector: LinkCollector):
    await collector.collect(LINK, soon())
    router.advance(10, bps=8_000)
    router.engine_boots += 1
    reading = await collector.collect(LINK, soon())
    assert [(one.type, one.attributes["reason"]) for one in reading.events] == [("counter.reset", "engine_boots")]


async def test_the_operators_speed_outranks_the_devices(router: ScriptedDevice, collector: LinkCollector):
    router.ports[1].speed_mbps = 10
    link = dataclasses.replace(LINK, speed_bps=1_000_000_000)
    await collector.collect(link, soon())
    router.advance(10, bps=100_000_000)
    reading = await collector.collect(link, soon())
    assert reading.events == ()
    assert split(reading)[0].in_bps == 100_000_000  # type: ignore[union-attr]


async def test_a_port_that_the_router_does_not_have_is_looked_for_once_a_minute(
    router: ScriptedDevice, collector: LinkCollector
):
    link = dataclasses.replace(LINK, port="Gi9/9")
    for _ in range(5):
        assert split(await collector.collect(link, soon()))[0] is None
    assert router.tables_read == 2


@pytest.mark.parametrize("name", ["Gi0/1", "description of Gi0/1", "to the centre"])
async def test_a_port_may_be_named_by_name_description_or_alias(
    router: ScriptedDevice, collector: LinkCollector, name: str
):
    router.ports[1].alias = "to the centre"
    counters, _ = split(await collector.collect(dataclasses.replace(LINK, port=name), soon()))
    assert counters is not None


async def test_an_alias_that_two_ports_have_names_neither(router: ScriptedDevice, collector: LinkCollector):
    router.ports[1].alias = router.ports[2].alias = "spare"
    counters, _ = split(await collector.collect(dataclasses.replace(LINK, port="spare"), soon()))
    assert counters is None


async def test_a_link_may_be_pinged_without_a_device(collector: LinkCollector, router: ScriptedDevice):
    reading = await collector.collect(dataclasses.replace(LINK, device=None, port=None), soon())
    counters, delays = split(reading)
    assert counters is None
    assert delays is not None
    assert router.asked == []


async def test_a_wrong_privacy_key_is_told_by_the_link_alone_too(snmpd: LocalSnmpd, pinger: ScriptedPinger):
    clock = SystemClock()
    conversations = Conversations(open_driver(), clock)
    wrong = dataclasses.replace(SNMP_USERS[4], priv_key="wrong staple")
    link = LinkTarget("s07-wan", Vantage.SCHOOL, local_target(snmpd, wrong, timeout_seconds=3.0), "lo")
    reading = await LinkCollector(conversations, pinger, clock).collect(link, soon())
    assert [one.type for one in reading.events] == ["device.refused"]
    await conversations.close()


async def test_a_recorded_routers_port_at_line_rate(recorded_devices: RecordedDevices, pinger: ScriptedPinger):
    clock = SystemClock()
    conversations = Conversations(open_driver(), clock)
    collector = LinkCollector(conversations, pinger, clock)
    link = LinkTarget(
        "s07-wan",
        Vantage.CENTRE,
        recorded_target(recorded_devices, "huawei-s5720"),
        "GigabitEthernet0/0/1",
        interval_seconds=1.0,
    )
    rate = None
    while rate is None:  # as soon as two readings lie half an interval apart
        counters, _ = split(await collector.collect(link, soon()))
        rate = counters.in_bps if counters else None
    assert 0 < rate < 1_000_000_000
    await conversations.close()
