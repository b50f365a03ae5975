"""Where vendors keep a device's CPU, memory and temperature: a table to add to, found by sysObjectID.

Tables (Huawei, H3C) have a row per part of the device, zero where the part has no such sensor: the busiest part counts.
Sources: HUAWEI-ENTITY-EXTENT-MIB, HH3C-ENTITY-EXT-MIB, RUIJIE-PROCESS-MIB and RUIJIE-MEMORY-MIB, UCD-SNMP-MIB,
HOST-RESOURCES-MIB; checked against recordings of Huawei S5720, Ruijie S5750, H3C E528 and a Linux snmpd.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge_agent.collectors.snmp.session import Value


@dataclass(frozen=True, slots=True)
class VendorObjects:
    """Columns in percent and degrees (the highest row counts), and for Linux: idle percent, total and free memory."""

    name: str
    cpu_percent: str | None = None
    memory_percent: str | None = None
    temperature_celsius: str | None = None
    cpu_idle_percent: str | None = None
    memory_total: str | None = None
    memory_free: tuple[str, ...] = ()

    def columns(self) -> tuple[str, ...]:
        """Everything to look for, as columns (a scalar is a column with the index 0)."""
        single = (
            self.cpu_percent,
            self.memory_percent,
            self.temperature_celsius,
            self.cpu_idle_percent,
            self.memory_total,
        )
        return tuple(column for column in single if column) + self.memory_free


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a device says of its health; None where it says nothing."""

    cpu_ratio: float | None = None
    memory_used_ratio: float | None = None
    temperature_celsius: float | None = None


VENDORS: dict[str, VendorObjects] = {
    "1.3.6.1.4.1.2011": VendorObjects(
        "huawei",
        cpu_percent="1.3.6.1.4.1.2011.5.25.31.1.1.1.1.5",
        memory_percent="1.3.6.1.4.1.2011.5.25.31.1.1.1.1.7",
        temperature_celsius="1.3.6.1.4.1.2011.5.25.31.1.1.1.1.11",
    ),
    "1.3.6.1.4.1.25506": VendorObjects(
        "h3c",
        cpu_percent="1.3.6.1.4.1.25506.2.6.1.1.1.1.6",
        memory_percent="1.3.6.1.4.1.25506.2.6.1.1.1.1.8",
        temperature_celsius="1.3.6.1.4.1.25506.2.6.1.1.1.1.12",
    ),
    "1.3.6.1.4.1.4881": VendorObjects(
        "ruijie",
        cpu_percent="1.3.6.1.4.1.4881.1.1.10.2.36.1.1.2",
        memory_percent="1.3.6.1.4.1.4881.1.1.10.2.35.1.1.1.3",
    ),
    "1.3.6.1.4.1.8072": VendorObjects(
        "net-snmp",
        cpu_idle_percent="1.3.6.1.4.1.2021.11.11",
        memory_total="1.3.6.1.4.1.2021.4.5",
        memory_free=("1.3.6.1.4.1.2021.4.6", "1.3.6.1.4.1.2021.4.14", "1.3.6.1.4.1.2021.4.15"),
    ),
}
"""By the beginning of sysObjectID."""

GENERIC = VendorObjects("generic", cpu_percent="1.3.6.1.2.1.25.3.3.1.2")

BELIEVABLE_CELSIUS = range(-40, 151)
"""Sensors that are not there report 0, 255, 65535 or 2^31 - 1."""


def vendor_of(sys_object_id: str) -> VendorObjects:
    """Return where to look on a device of this sysObjectID."""
    for prefix, vendor in VENDORS.items():
        if sys_object_id == prefix or sys_object_id.startswith(prefix + "."):
            return vendor
    return GENERIC


def sensors_of(columns: Mapping[str, Mapping[str, Value]]) -> tuple[str, ...]:
    """Return the OIDs worth asking again: rows that hold something, and whatever has a single row."""
    return tuple(
        f"{column}.{index}"
        for column, rows in columns.items()
        for index, value in rows.items()
        if _number(value) or len(rows) == 1
    )


def vitals_of(vendor: VendorObjects, values: Mapping[str, Value]) -> Vitals:
    """Read the health from polled values."""
    temperatures = [one for one in _rows(vendor.temperature_celsius, values) if one in BELIEVABLE_CELSIUS]
    cpu = _percent(vendor.cpu_percent, values)
    idle = _percent(vendor.cpu_idle_percent, values)
    memory = _percent(vendor.memory_percent, values)
    total = sum(_rows(vendor.memory_total, values))
    if memory is None and total:
        memory = 1 - sum(sum(_rows(column, values)) for column in vendor.memory_free) / total
    if cpu is None and idle is not None:
        cpu = 1 - idle
    return Vitals(
        cpu_ratio=None if cpu is None else round(min(max(cpu, 0.0), 1.0), 4),
        memory_used_ratio=None if memory is None else round(min(max(memory, 0.0), 1.0), 4),
        temperature_celsius=float(max(temperatures)) if temperatures else None,
    )


def _percent(column: str | None, values: Mapping[str, Value]) -> float | None:
    rows = [one for one in _rows(column, values) if 0 <= one <= 100]
    return max(rows) / 100 if rows else None


def _rows(column: str | None, values: Mapping[str, Value]) -> list[int]:
    if column is None:
        return []
    found = (_number(value) for oid, value in values.items() if oid.startswith(column + "."))
    return [one for one in found if one is not None]


def _number(value: Value | None) -> int | None:
    return value if isinstance(value, int) else None
