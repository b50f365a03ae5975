"""Makers: their files, what is refused in one, and what a recording of each says through the real collector."""

from __future__ import annotations

import asyncio

import pytest

from edge_agent.clock import SystemClock
from edge_agent.collectors.snmp import vendor_files
from edge_agent.collectors.snmp.conversation import Conversations
from edge_agent.collectors.snmp.device import DeviceCollector
from edge_agent.collectors.snmp.drivers import open_driver
from edge_agent.collectors.snmp.vendor_files import VendorFilesWrong, read
from edge_agent.collectors.snmp.vendors import Vitals, vendor_of, vitals_of
from ops.simulator.snmp_agents import RecordedDevices
from protocols.samples import DeviceSample
from tests.fixtures.snmp_agents import recorded_target


@pytest.mark.parametrize(
    ("community", "vitals"),
    [
        ("huawei-s5720", (0.38, 0.07, 42.0)),
        ("ruijie-s5750", (0.39, 0.5, None)),
        ("h3c-e528", (None, None, None)),  # the table is there, and zero throughout
        ("h3c-comware7", (0.24, 0.55, 49.0)),  # a chassis: more rows than one question holds
        ("zte-5250", (0.101, 0.825, None)),
        ("cisco-c3560", (0.28, 0.3034, 61.0)),
    ],
)
async def test_a_recorded_device_tells_its_health_where_its_maker_keeps_it(
    recorded_devices: RecordedDevices, community: str, vitals: tuple[float | None, ...]
):
    clock = SystemClock()
    conversations = Conversations(open_driver(), clock)
    collector = DeviceCollector(conversations, clock)
    target = recorded_target(recorded_devices, community, ports=(), neighbours=False)
    deadline = asyncio.get_running_loop().time() + 60
    await collector.collect(target, deadline)
    (found,) = (await collector.collect(target, deadline)).samples
    assert isinstance(found, DeviceSample)
    assert (found.cpu_ratio, found.memory_used_ratio, found.temperature_celsius) == vitals
    await conversations.close()


def test_a_device_is_its_maker_s_by_sys_object_id_and_nobody_s_else():
    assert vendor_of("1.3.6.1.4.1.9.1.617").name == "cisco"
    assert vendor_of("1.3.6.1.4.1.99.1").name == "generic"
    assert vendor_of("1.3.6.1.4.1.11863.5.1").name == "tp-link"
    assert {one for one in vendor_files.shipped() if one != "generic"} == {
        "cisco", "h3c", "huawei", "net-snmp", "ruijie", "tp-link", "zte",
    }  # fmt: skip


def test_tp_link_by_its_mib_alone():
    # No recording: the row as TPLINK-SYSMONITOR-MIB describes it.
    values = {"1.3.6.1.4.1.11863.6.4.1.1.1.1.3.1": 12, "1.3.6.1.4.1.11863.6.4.1.2.1.1.2.1": 64}
    assert vitals_of(vendor_of("1.3.6.1.4.1.11863.5.1"), values) == Vitals(0.12, 0.64, None)


def test_everything_wrong_with_the_files_is_said_at_once():
    wrong = {
        "acme.toml": 'name = "acne"\nsys_object_id = [".1.3.6.1"]\ncpu = ["1.3.6.1.4"]\nmemory_total = ["1.3.6.1.4"]\n',
        "blank.toml": 'name = "blank"\nsys_object_id = []\n',
        "broken.toml": "name = \n",
        "good.toml": 'name = "good"\nsys_object_id = ["1.3.6.1.4.1.7"]\ncpu_percent = ["1.3.6.1.4.1.7.1"]\n',
        "twin.toml": 'name = "twin"\nsys_object_id = ["1.3.6.1.4.1.7"]\ncpu_percent = ["1.3.6.1.4.1.7.1"]\n',
    }
    with pytest.raises(VendorFilesWrong) as refused:
        read(wrong)
    lines = str(refused.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["acme.toml"] * 4 + ["blank.toml"] * 2 + [
        "broken.toml",
        "twin.toml",
    ]
    assert 'acme.toml: name: must be the file\'s own, name = "acme"' in lines
    assert "twin.toml: sys_object_id: 1.3.6.1.4.1.7 stands already in good.toml" in lines
