"""A device behind the session seam whose every value and mood a test sets: for what no real device does on request."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from edge_agent.collectors.snmp.oids import (
    IF_ADMIN_STATUS,
    IF_ALIAS,
    IF_COUNTER_DISCONTINUITY_TIME,
    IF_DESCR,
    IF_HC_IN_OCTETS,
    IF_HC_OUT_OCTETS,
    IF_HIGH_SPEED,
    IF_IN_DISCARDS,
    IF_IN_ERRORS,
    IF_IN_OCTETS,
    IF_LAST_CHANGE,
    IF_NAME,
    IF_OPER_STATUS,
    IF_OUT_DISCARDS,
    IF_OUT_ERRORS,
    IF_OUT_OCTETS,
    IF_PHYS_ADDRESS,
    IF_TYPE,
    SNMP_ENGINE_BOOTS,
    SYS_OBJECT_ID,
    SYS_UP_TIME,
)
from edge_agent.collectors.snmp.session import Answer, Failure, TableAnswer, Value
from edge_agent.collectors.targets import DeviceTarget

ETHERNET = 6


class SteppedClock:
    """Both clocks of an agent, moved by the test."""

    boot = "test-boot"

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def wall_ms(self) -> int:
        return round(1_760_000_000_000 + self.seconds * 1000)

    def monotonic_ms(self) -> int:
        return round(self.seconds * 1000)


@dataclass
class ScriptedPort:
    """One interface."""

    name: str
    in_octets: int = 1_000_000
    out_octets: int = 2_000_000
    speed_mbps: int = 1000
    oper_status: int = 1
    admin_status: int = 1
    last_change_cs: int = 500
    in_errors: int = 0
    alias: str = ""
    wide: bool = True


@dataclass
class ScriptedDevice:
    """What a device answers; it is its own driver, and every session of it shows the same values.

    `clock` is what answers carry as the poller's time; `advance` lets device and poller get older together.
    """

    clock: SteppedClock = field(default_factory=SteppedClock)
    up_time_cs: int = 10_000_000
    engine_boots: int = 3
    ports: dict[int, ScriptedPort] = field(default_factory=dict)
    failure: Failure | None = None
    most_varbinds: int = 1000
    asked: list[list[str]] = field(default_factory=list)
    tables_read: int = 0
    at_once: int = 0
    most_at_once: int = 0

    def advance(self, seconds: float, bps: int = 0) -> None:
        """Let time pass, with this much traffic into every port."""
        self.clock.seconds += seconds
        self.up_time_cs = (self.up_time_cs + round(seconds * 100)) % 2**32
        for port in self.ports.values():
            port.in_octets += round(bps * seconds / 8)

    def open(self, target: DeviceTarget) -> ScriptedSession:
        return ScriptedSession(self)

    async def close(self) -> None:
        """Nothing is open."""

    def values(self) -> dict[str, Value]:
        found: dict[str, Value] = {
            SYS_UP_TIME: self.up_time_cs,
            SYS_OBJECT_ID: "1.3.6.1.4.1.99999.1",
            SNMP_ENGINE_BOOTS: self.engine_boots,
        }
        for index, port in self.ports.items():
            found |= {
                f"{IF_DESCR}.{index}": f"description of {port.name}".encode(),
                f"{IF_NAME}.{index}": port.name.encode(),
                f"{IF_ALIAS}.{index}": port.alias.encode(),
                f"{IF_TYPE}.{index}": ETHERNET,
                f"{IF_PHYS_ADDRESS}.{index}": port.name.encode()[-6:].rjust(6, b"0"),
                f"{IF_HIGH_SPEED}.{index}": port.speed_mbps,
                f"{IF_OPER_STATUS}.{index}": port.oper_status,
                f"{IF_ADMIN_STATUS}.{index}": port.admin_status,
                f"{IF_LAST_CHANGE}.{index}": port.last_change_cs,
                f"{IF_COUNTER_DISCONTINUITY_TIME}.{index}": 0,
                f"{IF_IN_ERRORS}.{index}": port.in_errors,
                f"{IF_OUT_ERRORS}.{index}": 0,
                f"{IF_IN_DISCARDS}.{index}": 0,
                f"{IF_OUT_DISCARDS}.{index}": 0,
                f"{IF_IN_OCTETS}.{index}": port.in_octets % 2**32,
                f"{IF_OUT_OCTETS}.{index}": port.out_octets % 2**32,
            }
            if port.wide:
                found[f"{IF_HC_IN_OCTETS}.{index}"] = port.in_octets
                found[f"{IF_HC_OUT_OCTETS}.{index}"] = port.out_octets
        return found


class ScriptedSession:
    """One session with a scripted device."""

    def __init__(self, device: ScriptedDevice) -> None:
        self._device = device

    async def get(self, oids: Sequence[str], deadline: float) -> Answer:
        device = self._device
        device.asked.append(list(oids))
        device.at_once += 1
        device.most_at_once = max(device.most_at_once, device.at_once)
        await asyncio.sleep(0)
        device.at_once -= 1
        if device.failure is not None:
            return Answer(at=device.clock.seconds, failure=device.failure, reason=device.failure.value)
        if len(oids) > device.most_varbinds:
            return Answer(at=device.clock.seconds, failure=Failure.TOO_BIG, reason="tooBig")
        values = device.values()
        return Answer({oid: values[oid] for oid in oids if oid in values}, device.clock.seconds, 0.001)

    async def get_table(self, columns: Sequence[str], deadline: float) -> TableAnswer:
        device = self._device
        device.tables_read += 1
        if device.failure is not None:
            return TableAnswer(failure=device.failure)
        values = device.values()
        found = {
            column: {oid[len(column) + 1 :]: value for oid, value in values.items() if oid.startswith(column + ".")}
            for column in columns
        }
        return TableAnswer(found, device.clock.seconds, 0.001)

    async def close(self) -> None:
        """Nothing is open."""
