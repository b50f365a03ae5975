"""The real collectors see the simulated world: rates that match what flows, both ends alike, and a cut line as dead."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from edge_agent.collectors.reading import Reading
from edge_agent.collectors.snmp.conversation import Conversations
from edge_agent.collectors.snmp.device import DeviceCollector
from edge_agent.collectors.snmp.link import LinkCollector
from edge_agent.collectors.targets import CommunityV2c, DeviceTarget, LinkTarget
from ops.simulator.devices import SimulatedSnmp
from ops.simulator.district import CORE_DEVICE, generate
from ops.simulator.records import District
from ops.simulator.school_day import MID_LESSON, SchoolClock
from ops.simulator.senses import Path, SimulatedPinger
from ops.simulator.world import World
from protocols.samples import DeviceSample, LinkSample, PortSample, Vantage

SCHOOL, LINK = "s07", "s07-wan"
INTERVAL_SECONDS = 10.0


class HandClock:
    """The clock of world and agent, moved by hand."""

    boot = "boot"

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def wall_ms(self) -> int:
        return int(self.seconds * 1000)

    def monotonic_ms(self) -> int:
        return int(self.seconds * 1000)


@pytest.fixture(scope="module")
def district() -> District:
    return generate()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def world(district: District, clock: HandClock) -> World:
    return World(district, SchoolClock.placed(MID_LESSON, clock.seconds), clock, clock)


class Watcher:
    """The real link collector at one end of the link."""

    def __init__(self, world: World, clock: HandClock, vantage: Vantage) -> None:
        site = world.sites[SCHOOL]
        record = site.link.record
        at_school = vantage is Vantage.SCHOOL
        devices = site.devices if at_school else {CORE_DEVICE: world.centre}
        path = Path(world, SCHOOL if at_school else "")
        self._collector = LinkCollector(
            Conversations(SimulatedSnmp(devices), clock), SimulatedPinger(path, vantage.value), clock
        )
        self._target = LinkTarget(
            LINK,
            vantage,
            device=DeviceTarget(
                record.school_device if at_school else CORE_DEVICE,
                "10.7.0.1",
                CommunityV2c("simulated"),
                interval_seconds=INTERVAL_SECONDS,
            ),
            port=record.school_port if at_school else record.centre_port,
            probe_address="10.0.0.1" if at_school else "10.7.0.1",
            speed_bps=record.contracted_bps,
            interval_seconds=INTERVAL_SECONDS,
        )

    async def look(self) -> Reading:
        return await self._collector.collect(self._target, asyncio.get_running_loop().time() + 5)


def counters(reading: Reading) -> LinkSample:
    return next(each for each in reading.samples if isinstance(each, LinkSample) and each.in_octets_total is not None)


def probe(reading: Reading) -> LinkSample:
    return next(each for each in reading.samples if isinstance(each, LinkSample) and each.loss_ratio is not None)


async def test_both_ends_measure_the_same_traffic_crossed_over(world: World, clock: HandClock) -> None:
    school, centre = (Watcher(world, clock, vantage) for vantage in (Vantage.SCHOOL, Vantage.CENTRE))
    await asyncio.gather(school.look(), centre.look())
    before = world.sites[SCHOOL].link.traffic.down.octets
    clock.seconds += INTERVAL_SECONDS
    here, there = (counters(reading) for reading in await asyncio.gather(school.look(), centre.look()))
    flowed_bps = (world.sites[SCHOOL].link.traffic.down.octets - before) * 8 / INTERVAL_SECONDS
    assert here.in_bps == pytest.approx(flowed_bps, rel=0.01)
    assert here.in_bps == there.out_bps
    assert here.out_bps == there.in_bps
    assert 10_000_000 < (here.in_bps or 0) < 1_000_000_000
    assert here.oper_up is True


async def test_a_cut_line_is_dark_silent_and_lossy_at_both_ends_and_counts_on_afterwards(
    world: World, clock: HandClock
) -> None:
    watchers = [Watcher(world, clock, vantage) for vantage in (Vantage.SCHOOL, Vantage.CENTRE)]
    await _look_twice(watchers, clock)
    world.sites[SCHOOL].link.set(carrying=False)
    for reading in await _look_twice(watchers, clock):
        assert counters(reading).oper_up is False
        assert counters(reading).in_bps == 0
        assert probe(reading).loss_ratio == 1.0
        assert probe(reading).rtt_seconds is None
    world.sites[SCHOOL].link.set(carrying=True)
    for reading in await _look_twice(watchers, clock):
        assert counters(reading).oper_up is True
        assert (counters(reading).in_bps or 0) > 0
        assert probe(reading).loss_ratio == 0
        assert not any(event.type.startswith("counter.") for event in reading.events)


async def _look_twice(watchers: Sequence[Watcher], clock: HandClock) -> list[Reading]:
    readings = []
    for _ in range(2):
        clock.seconds += INTERVAL_SECONDS
        readings = [await watcher.look() for watcher in watchers]
    return readings


async def test_a_cut_is_told_once_as_a_change_of_the_port(world: World, clock: HandClock) -> None:
    watcher = Watcher(world, clock, Vantage.CENTRE)
    await _look_twice([watcher], clock)
    world.sites[SCHOOL].link.set(carrying=False)
    clock.seconds += INTERVAL_SECONDS
    assert [event.type for event in (await watcher.look()).events] == ["port.changed"]
    clock.seconds += INTERVAL_SECONDS
    assert (await watcher.look()).events == ()


async def test_a_degraded_line_loses_some_packets(world: World, clock: HandClock) -> None:
    world.sites[SCHOOL].link.degrade(0.3)
    losses = [probe(await Watcher(world, clock, Vantage.SCHOOL).look()).loss_ratio or 0.0 for _ in range(30)]
    assert 0 < sum(losses) / len(losses) < 1


async def test_every_port_of_a_school_gets_a_rate_and_none_a_false_event(world: World, clock: HandClock) -> None:
    devices = world.sites[SCHOOL].devices
    collector = DeviceCollector(Conversations(SimulatedSnmp(devices), clock), clock)
    targets = [DeviceTarget(name, "10.7.0.1", CommunityV2c("simulated")) for name in devices]
    deadline = asyncio.get_running_loop().time() + 30
    for _ in range(2):
        clock.seconds += 60
        readings = [await collector.collect(target, deadline) for target in targets]
    samples = [sample for reading in readings for sample in reading.samples]
    ports = [sample for sample in samples if isinstance(sample, PortSample)]
    assert len(ports) == sum(len(device.ports) for device in devices.values())
    assert all(port.in_bps is not None and port.out_bps is not None for port in ports)
    assert {port.oper_up for port in ports} == {True, False}
    assert [event for reading in readings for event in reading.events] == []
    assert all(sample.reachable for sample in samples if isinstance(sample, DeviceSample))


async def test_a_device_that_is_switched_off_is_silent(world: World, clock: HandClock) -> None:
    device = next(iter(world.sites[SCHOOL].devices.values()))
    device.answering = False
    collector = DeviceCollector(Conversations(SimulatedSnmp({device.name: device}), clock), clock)
    target = DeviceTarget(device.name, "10.7.0.1", CommunityV2c("simulated"), timeout_seconds=0.01, retries=0)
    reading = await collector.collect(target, asyncio.get_running_loop().time() + 1)
    assert [sample.reachable for sample in reading.samples if isinstance(sample, DeviceSample)] == [False]
