"""Which collector measures which target; each is made, and its libraries are loaded, when the first such target comes.

An agent makes one `Collectors` and hands it any target; tests and simulations bring drivers of their own. Nothing is
shared between two of them.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from edge_agent.clock import Clock, SystemClock
from edge_agent.collectors.host_reading import HostReader
from edge_agent.collectors.pinger import Pinger
from edge_agent.collectors.probe import Measure, ProbeCollector
from edge_agent.collectors.probe_icmp import icmp_measure
from edge_agent.collectors.reading import Collector, Reading
from edge_agent.collectors.snmp.conversation import Conversations
from edge_agent.collectors.snmp.drivers import SnmpLibrary, open_driver
from edge_agent.collectors.snmp.session import SnmpDriver
from edge_agent.collectors.targets import (
    DeviceTarget,
    DnsTarget,
    HostTarget,
    HttpTarget,
    IcmpTarget,
    LinkTarget,
    Target,
    TcpTarget,
)

SECOND_READING_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Drivers:
    """What touches the world. None means the real one, made when first needed."""

    snmp: SnmpDriver | None = None
    snmp_library: SnmpLibrary = SnmpLibrary.AUTO
    pinger: Pinger | None = None
    host: HostReader | None = None
    tcp: Measure[TcpTarget] | None = None
    dns: Measure[DnsTarget] | None = None
    http: Measure[HttpTarget] | None = None


@dataclass(slots=True)
class _Made:
    conversations: Conversations | None = None
    pinger: Pinger | None = None
    collectors: dict[type[Target], Collector[Any]] = field(default_factory=dict)


class Collectors:
    """All collectors of one agent behind the one signature."""

    def __init__(self, clock: Clock, drivers: Drivers | None = None) -> None:
        self._clock = clock
        self._drivers = drivers or Drivers()
        self._made = _Made()
        self._makers: dict[type[Target], Callable[[], Collector[Any]]] = {
            DeviceTarget: self._device,
            LinkTarget: self._link,
            IcmpTarget: self._icmp,
            TcpTarget: self._tcp,
            DnsTarget: self._dns,
            HttpTarget: self._http,
            HostTarget: self._host,
        }

    async def collect(self, target: Target, deadline: float) -> Reading:
        """Measure any target once; see `Collector.collect`."""
        collector = self._made.collectors.get(type(target))
        if collector is None:
            collector = self._made.collectors[type(target)] = self._makers[type(target)]()
        return await collector.collect(target, deadline)

    def port_of(self, device: str, if_index: int) -> str | None:
        """Return the name of a port as the last look at the device's table found it; None before that."""
        return None if self._made.conversations is None else self._made.conversations.port_of(device, if_index)

    async def close(self) -> None:
        """Close every collector made, the conversations and the pinger."""
        made, self._made = self._made, _Made()
        for collector in made.collectors.values():
            await collector.close()
        if made.conversations is not None:
            await made.conversations.close()
        if made.pinger is not None:
            await made.pinger.close()

    def _conversations(self) -> Conversations:
        if self._made.conversations is None:
            driver = self._drivers.snmp or open_driver(self._drivers.snmp_library)
            self._made.conversations = Conversations(driver, self._clock)
        return self._made.conversations

    def _pinger(self) -> Pinger:
        if self._made.pinger is None:
            from edge_agent.collectors.ping_methods import AutomaticPinger

            self._made.pinger = self._drivers.pinger or AutomaticPinger()
        return self._made.pinger

    def _device(self) -> Collector[DeviceTarget]:
        from edge_agent.collectors.snmp.device import DeviceCollector

        return DeviceCollector(self._conversations(), self._clock)

    def _link(self) -> Collector[LinkTarget]:
        from edge_agent.collectors.snmp.link import LinkCollector

        return LinkCollector(self._conversations(), self._pinger(), self._clock)

    def _icmp(self) -> Collector[IcmpTarget]:
        return ProbeCollector(icmp_measure(self._pinger()), self._clock)

    def _tcp(self) -> Collector[TcpTarget]:
        from edge_agent.collectors.probe_tcp import measure_tcp

        return ProbeCollector(self._drivers.tcp or measure_tcp, self._clock)

    def _dns(self) -> Collector[DnsTarget]:
        if self._drivers.dns is not None:
            return ProbeCollector(self._drivers.dns, self._clock)
        from edge_agent.collectors.probe_dns import measure_dns

        return ProbeCollector(measure_dns, self._clock)

    def _http(self) -> Collector[HttpTarget]:
        from edge_agent.collectors.probe_http import http_measure

        return ProbeCollector(self._drivers.http or http_measure(), self._clock)

    def _host(self) -> Collector[HostTarget]:
        from edge_agent.collectors.host import HostCollector, SystemHostReader

        return HostCollector(self._drivers.host or SystemHostReader(), self._clock)


async def probe_once(target: Target, library: SnmpLibrary = SnmpLibrary.AUTO, timeout_seconds: float = 20.0) -> Reading:
    """Measure one target as the agent would, for a person at a terminal.

    Rates and ratios over time (counters, CPU) need two readings: those targets are measured twice, two seconds apart,
    and the second reading is returned together with the events of both.
    """
    if isinstance(target, (DeviceTarget, LinkTarget)):
        target = dataclasses.replace(target, interval_seconds=SECOND_READING_SECONDS)
    clock = SystemClock()
    collectors = Collectors(clock, Drivers(snmp_library=library))
    loop = asyncio.get_running_loop()
    try:
        first = await collectors.collect(target, loop.time() + timeout_seconds)
        if not isinstance(target, (DeviceTarget, LinkTarget, HostTarget)) or not first.samples:
            return first
        await asyncio.sleep(SECOND_READING_SECONDS)
        second = await collectors.collect(target, loop.time() + timeout_seconds)
        return Reading(second.samples or first.samples, first.events + second.events)
    finally:
        await collectors.close()
