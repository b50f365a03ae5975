"""Devices and their ports: recorded switches and snmpd for real, a scripted device for what none does on cue."""

from __future__ import annotations

import asyncio
import dataclasses
import socket

import pytest

from edge_agent.clock import SystemClock
from edge_agent.collectors.reading import Reading
from edge_agent.collectors.snmp.breaker import Condition
from edge_agent.collectors.snmp.conversation import Conversations
from edge_agent.collectors.snmp.device import DeviceCollector
from edge_agent.collectors.snmp.drivers import SnmpLibrary, open_driver
from edge_agent.collectors.snmp.oids import IF_NAME
from edge_agent.collectors.snmp.session import Failure
from edge_agent.collectors.targets import CommunityV2c, DeviceTarget, PrivProtocol, UserV3
from ops.simulator.snmp_agents import LocalSnmpd, RecordedDevices
from protocols.samples import DeviceSample, Kind, PortSample
from tests.edge_agent.collectors.scripted import ScriptedDevice, ScriptedPort
from tests.fixtures.snmp_agents import SNMP_USERS, local_target, recorded_target

TARGET = DeviceTarget("s07-sw01", "192.0.2.7", CommunityV2c("public"), interval_seconds=60.0)


def soon() -> float:
    return asyncio.get_running_loop().time() + 90.0


def ports(reading: Reading) -> dict[str, PortSample]:
    return {sample.thing.partition("/")[2]: sample for sample in reading.samples if isinstance(sample, PortSample)}


def device(reading: Reading) -> DeviceSample:
    (sample,) = [one for one in reading.samples if isinstance(one, DeviceSample)]
    return sample


def told(reading: Reading) -> list[tuple[str, str]]:
    return [(one.type, one.thing) for one in reading.events]


class TestRecordedDevices:
    """What the recordings of real hardware say, through each library."""

    @pytest.fixture(params=[SnmpLibrary.GUFO, SnmpLibrary.PYSNMP])
    def library(self, request: pytest.FixtureRequest) -> SnmpLibrary:
        library: SnmpLibrary = request.param
        return library

    async def poll_until(self, library: SnmpLibrary, target: DeviceTarget, count: int) -> Reading:
        """Poll until the rates of `count` ports are known; a poll that comes too soon after another adds nothing."""
        rated: dict[str, PortSample] = {}
        clock = SystemClock()
        conversations = Conversations(open_driver(library), clock)
        collector = DeviceCollector(conversations, clock)
        try:
            while True:
                reading = await collector.collect(target, soon())
                assert told(reading) == []
                rated |= {name: one for name, one in ports(reading).items() if one.in_bps is not None}
                if len(rated) >= count:
                    return Reading((device(reading), *rated.values()))
        finally:
            await collector.close()
            await conversations.close()

    @pytest.mark.parametrize(
        ("community", "port", "physical_ports"),
        [
            ("huawei-s5720", "GigabitEthernet0/0/1", 33),
            ("ruijie-s5750", "Gi0/24", 24),
            ("h3c-e528", "GigabitEthernet1/0/28", 28),
        ],
    )
    async def test_ports_and_rates(
        self,
        recorded_devices: RecordedDevices,
        library: SnmpLibrary,
        community: str,
        port: str,
        physical_ports: int,
    ):
        # Short, but long against the hundredths of a second in which the device's clock counts.
        target = recorded_target(recorded_devices, community, interval_seconds=1.0, neighbours=False)
        reading = await self.poll_until(library, target, physical_ports)
        found = ports(reading)
        assert len(found) == physical_ports
        busy = found[port]
        # On a busy machine snmpsim takes its time between two values of one answer, so figures are not exact; the
        # arithmetic is proved in test_counters. Here: the right counters of the right port, in the right direction.
        assert busy.in_bps is not None
        assert busy.out_bps is not None
        assert 1_000_000_000 > busy.in_bps > busy.out_bps > 0
        assert busy.speed_bps == 1_000_000_000
        assert busy.oper_up is True
        assert busy.in_octets_total is not None
        quiet = [one for name, one in found.items() if name != port]
        assert {one.in_bps for one in quiet} == {0}
        assert device(reading).reachable
        assert device(reading).uptime_seconds == pytest.approx(86_400, abs=3600)


async def test_only_the_ports_asked_for_are_polled(recorded_devices: RecordedDevices):
    clock = SystemClock()
    conversations = Conversations(open_driver(), clock)
    collector = DeviceCollector(conversations, clock)
    target = recorded_target(recorded_devices, "huawei-s5720", ports=("GigabitEthernet0/0/1", "Vlanif200"))
    reading = await collector.collect(target, soon())
    assert set(ports(reading)) == {"GigabitEthernet0/0/1", "Vlanif200"}
    await conversations.close()


class TestRefusals:
    async def told_of(self, target: DeviceTarget) -> tuple[Reading, Reading, Conversations]:
        clock = SystemClock()
        conversations = Conversations(open_driver(), clock)
        collector = DeviceCollector(conversations, clock)
        first = await collector.collect(target, soon())
        second = await collector.collect(target, soon())
        await conversations.close()
        return first, second, conversations

    async def test_wrong_keys_are_told_once_and_the_device_is_left_alone(self, snmpd: LocalSnmpd):
        wrong = dataclasses.replace(SNMP_USERS[4], auth_key="wrong horse")
        first, second, _ = await self.told_of(local_target(snmpd, wrong))
        assert told(first) == [("device.refused", "local")]
        assert device(first).reachable, "it answers, if only to refuse"
        assert second == Reading()

    async def test_a_wrong_privacy_key_is_told_from_silence(self, snmpd: LocalSnmpd):
        wrong = dataclasses.replace(SNMP_USERS[4], priv_key="wrong staple")
        first, _, _ = await self.told_of(local_target(snmpd, wrong, timeout_seconds=3.0))
        assert told(first) == [("device.refused", "local")]
        assert first.events[0].attributes["reason"] == ("encrypted requests stay unanswered: the privacy key is wrong")

    async def test_a_silent_device_with_a_privacy_key_is_silent_and_not_refusing(self, snmpd: LocalSnmpd):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
            deaf.bind(("127.0.0.1", 0))
            port = deaf.getsockname()[1]
            target = dataclasses.replace(local_target(snmpd, SNMP_USERS[4], timeout_seconds=0.2), udp_port=port)
            first, _, _ = await self.told_of(target)
        assert told(first) == [("device.unreachable", "local")]

    async def test_a_wrong_community_is_an_unreachable_device(self, snmpd: LocalSnmpd):
        first, second, _ = await self.told_of(local_target(snmpd, CommunityV2c("wrong"), timeout_seconds=0.2))
        assert told(first) == [("device.unreachable", "local")]
        assert not device(first).reachable
        assert second == Reading(), "the breaker leaves it alone for a while"


class TestScriptedDevice:
    """One switch with three ports, and what may befall it."""

    @pytest.fixture
    def switch(self) -> ScriptedDevice:
        return ScriptedDevice(ports={1: ScriptedPort("Gi0/1"), 2: ScriptedPort("Gi0/2"), 3: ScriptedPort("Gi0/3")})

    @pytest.fixture
    def conversations(self, switch: ScriptedDevice) -> Conversations:
        return Conversations(switch, switch.clock, chance=lambda: 0.0)

    @pytest.fixture
    def collector(self, switch: ScriptedDevice, conversations: Conversations) -> DeviceCollector:
        return DeviceCollector(conversations, switch.clock)

    async def test_the_first_poll_has_no_rates_the_second_has_and_nothing_is_zero_that_was_not_measured(
        self, switch: ScriptedDevice, collector: DeviceCollector
    ):
        first = ports(await collector.collect(TARGET, soon()))
        assert {one.in_bps for one in first.values()} == {None}
        assert first["Gi0/1"].in_octets_total == 1_000_000
        switch.advance(60, bps=100_000_000)
        second = ports(await collector.collect(TARGET, soon()))
        assert {one.in_bps for one in second.values()} == {100_000_000}
        assert second["Gi0/1"].observed_at_ms == 1_760_000_000_000 + 1_060_000

    async def test_a_reboot_is_told_once_for_the_device_and_makes_no_rate(
        self, switch: ScriptedDevice, collector: DeviceCollector
    ):
        await collector.collect(TARGET, soon())
        switch.advance(60, bps=100_000_000)
        switch.up_time_cs = 1_500
        reading = await collector.collect(TARGET, soon())
        assert told(reading) == [("counter.reset", "s07-sw01")]
        assert reading.events[0].attributes == {"reason": "restarted"}
        assert {one.in_bps for one in ports(reading).values()} == {None}
        switch.advance(60, bps=100_000_000)
        reading = await collector.collect(TARGET, soon())
        assert told(reading) == []
        assert {one.in_bps for one in ports(reading).values()} == {100_000_000}

    async def test_reshuffled_if_indexes_are_followed_by_name_without_a_false_rate(
        self, switch: ScriptedDevice, collector: DeviceCollector
    ):
        switch.ports[1].in_octets = 900_000_000_000
        await collector.collect(TARGET, soon())
        switch.advance(60, bps=100_000_000)
        switch.ports = {1: switch.ports[2], 2: switch.ports[1], 3: switch.ports[3]}
        moved = await collector.collect(TARGET, soon())
        assert sorted(told(moved)) == [("counter.reset", "s07-sw01/Gi0/1"), ("counter.reset", "s07-sw01/Gi0/2")]
        assert {name: one.in_bps for name, one in ports(moved).items()} == {
            "Gi0/1": None,
            "Gi0/2": None,
            "Gi0/3": 100_000_000,
        }
        assert ports(moved)["Gi0/1"].in_octets_total == 900_750_000_000
        switch.advance(60, bps=100_000_000)
        after = await collector.collect(TARGET, soon())
        assert told(after) == []
        assert {one.in_bps for one in ports(after).values()} == {100_000_000}
        assert switch.tables_read == 4, "interfaces, the vendor columns, neighbours, and the interfaces again"

    async def test_a_port_that_vanishes_for_one_poll_keeps_its_state(
        self, switch: ScriptedDevice, collector: DeviceCollector
    ):
        await collector.collect(TARGET, soon())
        switch.advance(60, bps=100_000_000)
        gone = switch.ports.pop(2)
        reading = await collector.collect(TARGET, soon())
        assert set(ports(reading)) == {"Gi0/1", "Gi0/3"}
        switch.ports[2] = gone
        switch.advance(60)
        reading = await collector.collect(TARGET, soon())
        assert told(reading) == []
        assert ports(reading)["Gi0/2"].in_bps == 50_000_000  # over both intervals

    async def test_a_double_poll_is_merged_and_the_next_rate_spans_both(
        self, switch: ScriptedDevice, collector: DeviceCollector
    ):
        await collector.collect(TARGET, soon())
        switch.advance(60, bps=8_000)
        await collector.collect(TARGET, soon())
        switch.advance(2, bps=8_000)
        assert ports(await collector.collect(TARGET, soon())) == {}
        switch.advance(58, bps=8_000)
        assert {one.in_bps for one in ports(await collector.collect(TARGET, soon())).values()} == {8_000}

    async def test_a_port_that_changes_is_told_once_each_way_also_when_it_came_back_between_polls(
        self, switch: ScriptedDevice, collector: DeviceCollector
    ):
        await collector.collect(TARGET, soon())
        switch.advance(60)
        switch.ports[2].oper_status, switch.ports[2].last_change_cs = 2, switch.up_time_cs - 100
        down = await collector.collect(TARGET, soon())
        assert [(one.thing, one.kind, one.attributes) for one in down.events] == [
            ("s07-sw01/Gi0/2", Kind.PORT, {"oper_up": False, "admin_up": True, "between_polls": False})
        ]
        switch.advance(60)
        assert told(await collector.collect(TARGET, soon())) == []
        switch.ports[2].oper_status = 1
        switch.ports[2].last_change_cs = switch.up_time_cs
        switch.ports[3].last_change_cs = switch.up_time_cs + 100
        switch.advance(60)
        back = await collector.collect(TARGET, soon())
        assert [(one.thing, one.attributes["between_polls"]) for one in back.events] == [
            ("s07-sw01/Gi0/2", False),
            ("s07-sw01/Gi0/3", True),
        ]

    async def test_a_wrong_speed_is_told_once_with_the_raw_counters_and_again_when_it_ends(
        self, switch: ScriptedDevice, collector: DeviceCollector
    ):
        switch.ports = {1: ScriptedPort("Gi0/1", speed_mbps=10)}
        await collector.collect(TARGET, soon())
        switch.advance(60, bps=100_000_000)
        first = await collector.collect(TARGET, soon())
        assert ports(first)["Gi0/1"].in_bps is None
        assert ports(first)["Gi0/1"].in_octets_total == 751_000_000, "the raw counter is kept"
        (event,) = first.events
        assert (event.type, event.thing) == ("counter.implausible", "s07-sw01/Gi0/1")
        assert event.attributes == {
            "begins": True,
            "speed_bps": 10_000_000,
            "sys_up_time_before_cs": 10_000_000,
            "sys_up_time_cs": 10_006_000,
            "in_bps": 100_000_000,
            "in_octets_before": "1000000",
            "in_octets": "751000000",
        }
        switch.advance(60, bps=100_000_000)
        assert told(await collector.collect(TARGET, soon())) == []
        switch.ports[1].speed_mbps = 1000
        switch.advance(60, bps=100_000_000)
        last = await collector.collect(TARGET, soon())
        assert ports(last)["Gi0/1"].in_bps == 100_000_000
        assert [one.attributes for one in last.events] == [{"begins": False}]

    async def test_32_bit_counters_at_gigabit_speed_are_refused_in_plain_words(
        self, switch: ScriptedDevice, collector: DeviceCollector
    ):
        switch.ports = {1: ScriptedPort("Gi0/1", wide=False), 2: ScriptedPort("Fa0/2", speed_mbps=100, wide=False)}
        await collector.collect(TARGET, soon())
        switch.advance(60, bps=8_000_000)
        reading = await collector.collect(TARGET, soon())
        assert {name: one.in_bps for name, one in ports(reading).items()} == {"Gi0/1": None, "Fa0/2": 8_000_000}
        (event,) = reading.events
        assert (event.type, event.thing) == ("counter.refused", "s07-sw01/Gi0/1")
        assert event.attributes == {"begins": True, "reason": "32_bit_above_650_mbps", "speed_bps": 1_000_000_000}
        switch.advance(60, bps=8_000_000)
        assert told(await collector.collect(TARGET, soon())) == []

    async def test_a_clock_that_drifts_is_told_once_for_the_device(
        self, switch: ScriptedDevice, collector: DeviceCollector
    ):
        await collector.collect(TARGET, soon())
        for expected in (["counter.clock_drift"], []):
            switch.advance(60)
            switch.up_time_cs += 600  # ten percent fast
            reading = await collector.collect(TARGET, soon())
            assert [one.type for one in reading.events] == expected
        switch.advance(60)
        reading = await collector.collect(TARGET, soon())
        assert [(one.type, one.attributes) for one in reading.events] == [("counter.clock_drift", {"begins": False})]

    async def test_pdus_shrink_when_the_device_says_too_big(self, switch: ScriptedDevice, collector: DeviceCollector):
        switch.most_varbinds = 14  # one port's worth
        switch.ports = {index: ScriptedPort(f"Gi0/{index}") for index in range(1, 9)}
        assert len(ports(await collector.collect(TARGET, soon()))) == 8
        switch.asked.clear()
        switch.advance(60)
        assert len(ports(await collector.collect(TARGET, soon()))) == 8
        assert max(len(oids) for oids in switch.asked) <= 14

    async def test_repeated_port_names_stay_apart(self, switch: ScriptedDevice, collector: DeviceCollector):
        switch.ports = {1: ScriptedPort("eth"), 2: ScriptedPort("eth", in_octets=5)}
        assert set(ports(await collector.collect(TARGET, soon()))) == {"eth", "eth#2"}

    async def test_a_device_without_names_in_if_x_table_is_known_by_if_descr(
        self, switch: ScriptedDevice, collector: DeviceCollector
    ):
        plain = switch.values

        def without_names() -> dict[str, int | bytes | str]:
            return {oid: value for oid, value in plain().items() if not oid.startswith(IF_NAME)}

        switch.values = without_names  # type: ignore[method-assign]
        reading = await collector.collect(TARGET, soon())
        assert "description of Gi0/1" in ports(reading)

    async def test_silence_is_told_once_and_return_once_and_asking_backs_off(
        self, switch: ScriptedDevice, collector: DeviceCollector, conversations: Conversations
    ):
        await collector.collect(TARGET, soon())
        switch.failure = Failure.TIMEOUT
        silent = await collector.collect(TARGET, soon())
        assert told(silent) == [("device.unreachable", "s07-sw01")]
        assert device(silent).reachable is False
        assert ports(silent) == {}
        switch.asked.clear()
        assert await collector.collect(TARGET, soon()) == Reading()
        assert switch.asked == [], "it is left alone"
        switch.failure = None
        conversation = conversations.of(TARGET)
        conversation.breaker = dataclasses.replace(conversation.breaker, not_before=0.0)  # its time has come
        switch.advance(60, bps=8_000)
        back = await collector.collect(TARGET, soon())
        assert told(back) == [("device.reachable", "s07-sw01")]
        assert {one.in_bps for one in ports(back).values()} == {8_000}, "the counters ran on: no reset, no gap in sums"

    async def test_a_poll_without_time_for_a_fair_try_proves_nothing(
        self, switch: ScriptedDevice, collector: DeviceCollector, conversations: Conversations
    ):
        await collector.collect(TARGET, soon())
        switch.failure = Failure.NOT_ASKED
        assert await collector.collect(TARGET, soon()) == Reading()
        assert conversations.of(TARGET).breaker.condition is Condition.ANSWERS

    async def test_an_agent_asks_at_most_32_devices_at_once(self, switch: ScriptedDevice, collector: DeviceCollector):
        targets = [dataclasses.replace(TARGET, device=f"s07-sw{number}", ports=()) for number in range(50)]
        await asyncio.gather(*(collector.collect(target, soon()) for target in targets))
        assert switch.most_at_once == 32

    async def test_calls_for_one_device_wait_for_each_other(self, switch: ScriptedDevice, collector: DeviceCollector):
        await asyncio.gather(*(collector.collect(TARGET, soon()) for _ in range(5)))
        assert switch.most_at_once == 1

    async def test_two_agents_in_one_process_do_not_meet(self, switch: ScriptedDevice):
        one = DeviceCollector(Conversations(switch, switch.clock), switch.clock)
        two = DeviceCollector(Conversations(switch, switch.clock), switch.clock)
        await one.collect(TARGET, soon())
        switch.advance(60, bps=8_000)
        assert {port.in_bps for port in ports(await one.collect(TARGET, soon())).values()} == {8_000}
        assert {port.in_bps for port in ports(await two.collect(TARGET, soon())).values()} == {None}


def test_secrets_do_not_show():
    user = UserV3("ops", priv_protocol=PrivProtocol.AES128, auth_key="secret-a", priv_key="secret-b")
    shown = repr(DeviceTarget("d", "a", user)) + repr(DeviceTarget("d", "a", CommunityV2c("secret-c")))
    assert "secret" not in shown
