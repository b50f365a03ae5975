"""A device's health from its maker's objects: who made it (sysObjectID), what to ask, what the values mean. Pure.

Where makers keep it stands in `makers/*.toml`, a file each. Tables (Huawei, H3C) have a row per part of the device,
zero where the part has no such sensor: the busiest part counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest

from edge_agent.collectors.snmp import vendor_files
from edge_agent.collectors.snmp.session import Value
from edge_agent.collectors.snmp.vendor_files import VendorObjects

BELIEVABLE_CELSIUS = range(-40, 151)
"""Sensors that are not there report 0, 255, 65535 or 2^31 - 1."""
ABSENT = frozenset({65_535, 2**31 - 1})


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a device says of its health; None where it says nothing."""

    cpu_ratio: float | None = None
    memory_used_ratio: float | None = None
    temperature_celsius: float | None = None


def vendor_of(sys_object_id: str) -> VendorObjects:
    """Return where to look on a device of this sysObjectID; the longest beginning that fits counts."""
    vendors = vendor_files.shipped()
    fitting = [
        (len(prefix), vendor.name)
        for vendor in vendors.values()
        for prefix in vendor.sys_object_id
        if sys_object_id == prefix or sys_object_id.startswith(prefix + ".")
    ]
    return vendors[max(fitting)[1] if fitting else vendor_files.GENERIC]


def sensors_of(columns: Mapping[str, Mapping[str, Value]]) -> tuple[str, ...]:
    """Return the OIDs worth asking again: rows that hold something, and whatever has a single row.

    A row of each column in turn and the highest first, so that of a large chassis, whose list is cut, the busiest and
    hottest parts stay.
    """
    worth = [
        [
            f"{column}.{index}"
            for index, value in sorted(rows.items(), key=lambda row: -(_number(row[1]) or 0))
            if (_number(value) and value not in ABSENT) or len(rows) == 1
        ]
        for column, rows in columns.items()
    ]
    return tuple(oid for turn in zip_longest(*worth) for oid in turn if oid is not None)


def vitals_of(vendor: VendorObjects, values: Mapping[str, Value]) -> Vitals:
    """Read the health from polled values."""
    temperatures = [one for one in _first(vendor.temperature_celsius, values) if int(one) in BELIEVABLE_CELSIUS]
    cpu = _percent(vendor.cpu_percent, values)
    idle = _percent(vendor.cpu_idle_percent, values)
    memory = _percent(vendor.memory_percent, values)
    used, free = _sum(vendor.memory_used, values), _sum(vendor.memory_free, values)
    total = used + free if vendor.memory_used else _sum(vendor.memory_total, values)
    if memory is None and total:
        memory = 1 - free / total
    if cpu is None and idle is not None:
        cpu = 1 - idle
    return Vitals(
        cpu_ratio=None if cpu is None else round(min(max(cpu, 0.0), 1.0), 4),
        memory_used_ratio=None if memory is None else round(min(max(memory, 0.0), 1.0), 4),
        temperature_celsius=float(max(temperatures)) if temperatures else None,
    )


def _percent(columns: tuple[str, ...], values: Mapping[str, Value]) -> float | None:
    rows = [one for one in _first(columns, values) if 0 <= one <= 100]
    return max(rows) / 100 if rows else None


def _first(columns: tuple[str, ...], values: Mapping[str, Value]) -> list[float]:
    """Return the rows of the first column that has any."""
    return next((rows for column in columns if (rows := _rows(column, values))), [])


def _sum(columns: tuple[str, ...], values: Mapping[str, Value]) -> float:
    return sum(sum(_rows(column, values)) for column in columns)


def _rows(column: str, values: Mapping[str, Value]) -> list[float]:
    found = (_number(value) for oid, value in values.items() if oid.startswith(column + "."))
    return [one for one in found if one is not None]


def _number(value: Value | None) -> float | None:
    """Return a number, also one written as text (ZTE: "10.1"); whatever else stands there is none."""
    if isinstance(value, bytes) and len(value) <= 8 and value.replace(b".", b"", 1).isdigit():
        return float(value)
    return value if isinstance(value, int) else None
