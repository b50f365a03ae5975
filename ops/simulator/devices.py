"""Simulated routers, switches and access points: what they would answer to SNMP, computed when they are asked.

Values are those of IF-MIB, SNMPv2-MIB and HOST-RESOURCES-MIB as bytes, integers and text, exactly as an SNMP library
hands them to the real collector behind its session seam. Counters only grow, sysUpTime runs with them, and an
interface's state is what its cable says. Nothing here knows about agents.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edge_agent.collectors.snmp.session import Answer, Failure, SnmpSession, TableAnswer, Value
from edge_agent.collectors.targets import DeviceTarget
from ops.simulator.traffic import Traffic, unit

UPTIME_MODULUS = 2**32
ETHERNET_CSMACD = 6

SYS_DESCR = "1.3.6.1.2.1.1.1.0"
SYS_OBJECT_ID = "1.3.6.1.2.1.1.2.0"
SYS_UP_TIME = "1.3.6.1.2.1.1.3.0"
SYS_NAME = "1.3.6.1.2.1.1.5.0"
IF_NUMBER = "1.3.6.1.2.1.2.1.0"
SNMP_ENGINE_BOOTS = "1.3.6.1.6.3.10.2.1.2.0"
HR_PROCESSOR_LOAD = "1.3.6.1.2.1.25.3.3.1.2"
_IF_ENTRY = "1.3.6.1.2.1.2.2.1"
_IF_X_ENTRY = "1.3.6.1.2.1.31.1.1.1"


@dataclass(slots=True, eq=False)
class SimulatedPort:
    """One interface. `downwards` says whether its *in* direction is the traffic's direction towards the terminals."""

    if_index: int
    if_name: str
    alias: str
    speed_bps: int
    traffic: Traffic | None
    downwards: bool
    share: float = 1.0

    @property
    def oper_up(self) -> bool:
        """Whether there is light on the cable."""
        return self.traffic is not None and self.traffic.carrying

    def octets(self, inwards: bool) -> int:
        """Return ifHCInOctets or ifHCOutOctets as of the traffic's last advance."""
        if self.traffic is None:
            return 0
        flow = self.traffic.down if inwards == self.downwards else self.traffic.up
        return int(flow.octets * self.share)

    def errors(self, inwards: bool) -> int:
        """Return ifInErrors or ifOutErrors; only receivers notice errors."""
        if self.traffic is None or not inwards:
            return 0
        flow = self.traffic.down if self.downwards else self.traffic.up
        return int(flow.errors * self.share)


class SimulatedDevice:
    """One device with its interfaces; `now()` is the world's clock in seconds."""

    def __init__(
        self, name: str, vendor: str, model: str, ports: Sequence[SimulatedPort], now: Callable[[], float]
    ) -> None:
        self.name = name
        self.ports = {port.if_index: port for port in ports}
        self.answering = True
        self.now = now
        self._booted_at = now() - 86_400 * (2 + 300 * unit(f"{name}/uptime"))
        self._description = f"{vendor} {model} (simulated)".encode()
        self._boots = 1 + int(20 * unit(f"{name}/boots"))
        self._cpu_base = 4 + 20 * unit(f"{name}/cpu")
        self._traffics = tuple({id(port.traffic): port.traffic for port in ports if port.traffic is not None}.values())
        self._carrying = tuple(traffic.carrying for traffic in self._traffics)
        self._changes = dict.fromkeys(self.ports, 0)
        self._scalars: dict[str, Callable[[], Value]] = {
            SYS_DESCR: lambda: self._description,
            SYS_OBJECT_ID: lambda: "1.3.6.1.4.1.99999.1",
            SYS_UP_TIME: self.up_time_cs,
            SYS_NAME: self.name.encode,
            IF_NUMBER: lambda: len(self.ports),
            SNMP_ENGINE_BOOTS: lambda: self._boots,
        }

    def up_time_cs(self) -> int:
        """Return sysUpTime now."""
        return int((self.now() - self._booted_at) * 100) % UPTIME_MODULUS

    def refresh(self) -> None:
        """Bring counters and interface states up to now."""
        now = self.now()
        for traffic in self._traffics:
            traffic.advance(now)
        carrying = tuple(traffic.carrying for traffic in self._traffics)
        if carrying != self._carrying:
            changed = {
                id(traffic)
                for traffic, before, after in zip(self._traffics, self._carrying, carrying, strict=True)
                if before != after
            }
            self._carrying = carrying
            for port in self.ports.values():
                if id(port.traffic) in changed:
                    self._changes[port.if_index] = self.up_time_cs()

    def scalar(self, oid: str) -> Value | None:
        """Return the value of a scalar or of one table cell, None where the device has no such object."""
        read = self._scalars.get(oid)
        if read is not None:
            return read()
        column, _, index = oid.rpartition(".")
        return self.cell(column, int(index)) if index.isdigit() else None

    def cell(self, column: str, index: int) -> Value | None:
        """Return one cell of ifTable, ifXTable or hrProcessorTable."""
        if column == HR_PROCESSOR_LOAD:
            return int(self._cpu_base) if index == 1 else None
        read = _COLUMNS.get(column)
        port = self.ports.get(index)
        if read is None or port is None:
            return None
        if column == f"{_IF_ENTRY}.9":
            return self._changes[index]
        return read(port)

    def indexes(self, column: str) -> Sequence[int]:
        """Return the rows that a walk of the column would show."""
        if column == HR_PROCESSOR_LOAD:
            return (1,)
        return tuple(self.ports) if column in _COLUMNS else ()


_COLUMNS: Mapping[str, Callable[[SimulatedPort], Value]] = {
    f"{_IF_ENTRY}.1": lambda port: port.if_index,
    f"{_IF_ENTRY}.2": lambda port: port.if_name.encode(),
    f"{_IF_ENTRY}.3": lambda port: ETHERNET_CSMACD,
    f"{_IF_ENTRY}.5": lambda port: min(port.speed_bps, 2**32 - 1),
    f"{_IF_ENTRY}.6": lambda port: b"\x02\x00" + port.if_index.to_bytes(4, "big"),
    f"{_IF_ENTRY}.7": lambda port: 1,
    f"{_IF_ENTRY}.8": lambda port: 1 if port.oper_up else 2,
    f"{_IF_ENTRY}.9": lambda port: 0,
    f"{_IF_ENTRY}.10": lambda port: port.octets(inwards=True) % 2**32,
    f"{_IF_ENTRY}.13": lambda port: 0,
    f"{_IF_ENTRY}.14": lambda port: port.errors(inwards=True) % 2**32,
    f"{_IF_ENTRY}.16": lambda port: port.octets(inwards=False) % 2**32,
    f"{_IF_ENTRY}.19": lambda port: 0,
    f"{_IF_ENTRY}.20": lambda port: port.errors(inwards=False) % 2**32,
    f"{_IF_X_ENTRY}.1": lambda port: port.if_name.encode(),
    f"{_IF_X_ENTRY}.6": lambda port: port.octets(inwards=True),
    f"{_IF_X_ENTRY}.10": lambda port: port.octets(inwards=False),
    f"{_IF_X_ENTRY}.15": lambda port: port.speed_bps // 1_000_000,
    f"{_IF_X_ENTRY}.17": lambda port: 1,
    f"{_IF_X_ENTRY}.18": lambda port: port.alias.encode(),
    f"{_IF_X_ENTRY}.19": lambda port: 0,
}


class SimulatedSession:
    """The SNMP session of one device: a LAN's delay, then its answer, or silence until the deadline."""

    def __init__(self, device: SimulatedDevice | None, timeout_seconds: float) -> None:
        self._device = device
        self._timeout_seconds = timeout_seconds

    async def get(self, oids: Sequence[str], deadline: float) -> Answer:
        """Answer from the device's state now."""
        loop = asyncio.get_running_loop()
        device = self._device
        if device is None or not device.answering:
            await _silence(loop, deadline, self._timeout_seconds)
            return Answer(at=loop.time(), failure=Failure.TIMEOUT, reason="no answer")
        device.refresh()
        values = {oid: value for oid in oids if (value := device.scalar(oid)) is not None}
        return Answer(values=values, at=device.now(), rtt_seconds=_lan_rtt(device))

    async def get_table(self, columns: Sequence[str], deadline: float) -> TableAnswer:
        """Answer all rows of the columns."""
        loop = asyncio.get_running_loop()
        device = self._device
        if device is None or not device.answering:
            await _silence(loop, deadline, self._timeout_seconds)
            return TableAnswer(at=loop.time(), failure=Failure.TIMEOUT, reason="no answer")
        device.refresh()
        table = {
            column: {
                str(index): value
                for index in device.indexes(column)
                if (value := device.cell(column, index)) is not None
            }
            for column in columns
        }
        return TableAnswer(columns=table, at=device.now(), rtt_seconds=_lan_rtt(device))

    async def close(self) -> None:
        """Nothing is open."""


class SimulatedSnmp:
    """The SNMP driver of one agent: finds the simulated device that a target names."""

    def __init__(self, devices: Mapping[str, SimulatedDevice]) -> None:
        self._devices = devices

    def open(self, target: DeviceTarget) -> SnmpSession:
        """Return a session; a device nobody simulates stays silent, as an address without a machine would."""
        return SimulatedSession(self._devices.get(target.device), target.timeout_seconds)

    async def close(self) -> None:
        """Nothing is shared."""


def _lan_rtt(device: SimulatedDevice) -> float:
    return 0.0008 + 0.002 * unit(f"{device.name}/rtt")


async def _silence(loop: asyncio.AbstractEventLoop, deadline: float, timeout_seconds: float) -> None:
    await asyncio.sleep(max(0.0, min(deadline - loop.time(), timeout_seconds)))
