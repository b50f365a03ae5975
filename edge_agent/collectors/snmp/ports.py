"""A device's interfaces: which there are (hourly), and how an answer becomes a `PortReading` (each poll).

A port's identity is its name: ifIndex is only where it was found last, so each poll asks for the name along with the
counters, in the same PDU as sysUpTime. When another name comes back the table is read anew. Pure but for `refresh`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from edge_agent.collectors.snmp.counters import PortReading
from edge_agent.collectors.snmp.oids import (
    FAST_COLUMNS,
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
    IF_SPEED,
    IF_TYPE,
    SLOW_COLUMNS,
    SNMP_ENGINE_BOOTS,
    SYS_UP_TIME,
)
from edge_agent.collectors.snmp.session import Answer, Failure, TableAnswer, Value

SLOW_SECONDS = 3600.0
RETRY_SLOW_SECONDS = 60.0
KEY_LENGTH = 100
UNKNOWN_GAUGE32 = 2**32 - 1

PHYSICAL_TYPES = frozenset({6, 23, 62, 69, 71, 117, 161})
"""ethernetCsmacd, ppp (a WAN's PPPoE), fastEther, fastEtherFX, ieee80211, gigabitEthernet, ieee8023adLag."""

_UP, _TESTING_TO_LOWER_LAYER_DOWN = 1, frozenset({2, 3, 5, 6, 7})


class Table(Protocol):
    """What is needed of a conversation to read tables."""

    async def get_table(self, columns: Sequence[str], deadline: float) -> TableAnswer:
        """Walk columns."""
        ...


@dataclass(frozen=True, slots=True)
class Interface:
    """What changes seldom of one interface. `key` is its name, made unique where a device repeats names."""

    if_index: int
    key: str
    name: bytes
    name_column: str
    alias: str
    if_descr: str
    physical: bool
    octets_bits: int
    if_speed_bps: int | None
    if_phys_address: bytes | None

    def oids(self) -> list[str]:
        """What to ask for in each poll."""
        counters = (IF_HC_IN_OCTETS, IF_HC_OUT_OCTETS) if self.octets_bits == 64 else (IF_IN_OCTETS, IF_OUT_OCTETS)
        return [f"{column}.{self.if_index}" for column in (self.name_column, *counters, *FAST_COLUMNS)]


class Interfaces:
    """The interface table of one device as last read."""

    def __init__(self) -> None:
        self.by_key: dict[str, Interface] = {}
        self._by_name: dict[bytes, str] = {}
        self._next_at: float | None = None

    async def refresh(self, device: Table, now: float, deadline: float) -> Failure | None:
        """Read the table when its hour has come or `forget` was called; the old one stays if that fails."""
        if self._next_at is not None and now < self._next_at:
            return None
        answer = await device.get_table(SLOW_COLUMNS, deadline)
        if answer.failure is not None:
            self._next_at = now + RETRY_SLOW_SECONDS if self.by_key else None
            return answer.failure
        self.by_key = {interface.key: interface for interface in _interfaces(answer.columns)}
        names = [interface.name for interface in self.by_key.values()]
        self._by_name = {one.name: one.key for one in self.by_key.values() if names.count(one.name) == 1}
        self._next_at = now + SLOW_SECONDS
        return None

    def forget(self) -> None:
        """Have the table read again at the next poll: something moved."""
        self._next_at = None

    def find(self, port: str) -> Interface | None:
        """Return the interface that an operator means by `port`: ifName, else ifDescr, else an ifAlias of its own."""
        if port in self.by_key:
            return self.by_key[port]
        for name in ("if_descr", "alias"):
            found = [one for one in self.by_key.values() if getattr(one, name) == port]
            if len(found) == 1:
                return found[0]
        return None

    def key_of(self, asked: Interface, name: bytes) -> str | None:
        """Return whose reading an answer is, given the name it came with; None when nobody's we know."""
        return asked.key if name == asked.name else self._by_name.get(name)


def port_reading(
    asked: Interface, key: str, answer: Answer, snmp_engine_boots: int | None, speed_bps: int | None = None
) -> PortReading | None:
    """Read one port from an answer; None when the answer lacks the device's clock. `speed_bps` outranks the device."""
    sys_up_time = _integer(answer.values.get(SYS_UP_TIME))
    if sys_up_time is None:
        return None

    def number(column: str) -> int | None:
        return _integer(answer.values.get(f"{column}.{asked.if_index}"))

    wide = asked.octets_bits == 64
    return PortReading(
        if_name=key,
        if_index=asked.if_index,
        sys_up_time_cs=sys_up_time,
        at_seconds=answer.at,
        uncertainty_seconds=(answer.rtt_seconds or 0.0) / 2,
        if_phys_address=asked.if_phys_address if key == asked.key else None,
        snmp_engine_boots=snmp_engine_boots,
        if_counter_discontinuity_time_cs=number(IF_COUNTER_DISCONTINUITY_TIME),
        if_last_change_cs=number(IF_LAST_CHANGE),
        speed_bps=speed_bps or _speed_bps(number(IF_HIGH_SPEED), asked.if_speed_bps),
        octets_bits=asked.octets_bits,
        in_octets=number(IF_HC_IN_OCTETS if wide else IF_IN_OCTETS),
        out_octets=number(IF_HC_OUT_OCTETS if wide else IF_OUT_OCTETS),
        in_errors=number(IF_IN_ERRORS),
        out_errors=number(IF_OUT_ERRORS),
        in_discards=number(IF_IN_DISCARDS),
        out_discards=number(IF_OUT_DISCARDS),
        oper_up=_state(number(IF_OPER_STATUS)),
        admin_up=_state(number(IF_ADMIN_STATUS)),
    )


def name_in(asked: Interface, answer: Answer) -> bytes | None:
    """Return the name that now belongs to the ifIndex asked for; None when the ifIndex is gone."""
    value = answer.values.get(f"{asked.name_column}.{asked.if_index}")
    return value if isinstance(value, bytes) else None


def engine_boots_in(answer: Answer) -> int | None:
    """Return snmpEngineBoots, where the device shows it."""
    return _integer(answer.values.get(SNMP_ENGINE_BOOTS))


def _interfaces(columns: Mapping[str, Mapping[str, Value]]) -> Iterable[Interface]:
    indexes = sorted({int(index) for index in columns.get(IF_DESCR, {}) if index.isdecimal()})
    taken: set[str] = set()
    for if_index in indexes:
        row = {column: values.get(str(if_index)) for column, values in columns.items()}
        if_name, if_descr = row.get(IF_NAME), row.get(IF_DESCR)
        # Devices without ifXTable, or with empty names in it, are known by ifDescr.
        name_column = IF_NAME if isinstance(if_name, bytes) and text(if_name) else IF_DESCR
        name = if_name if name_column == IF_NAME else if_descr
        if not isinstance(name, bytes):
            continue
        key = text(name)[:KEY_LENGTH] or str(if_index)
        if key in taken:
            key = f"{key}#{if_index}"
        taken.add(key)
        address = row.get(IF_PHYS_ADDRESS)
        yield Interface(
            if_index=if_index,
            key=key,
            name=name,
            name_column=name_column,
            alias=text(row.get(IF_ALIAS)),
            if_descr=text(if_descr),
            physical=row.get(IF_TYPE) in PHYSICAL_TYPES,
            octets_bits=64 if isinstance(row.get(IF_HC_IN_OCTETS), int) else 32,
            if_speed_bps=_integer(row.get(IF_SPEED)),
            if_phys_address=address if isinstance(address, bytes) and address else None,
        )


def text(value: Value | None) -> str:
    """Return an octet string as text: UTF-8, or the GB18030 that older devices here store; control characters go."""
    if not isinstance(value, bytes):
        return "" if value is None else str(value)
    try:
        decoded = value.decode()
    except UnicodeDecodeError:
        decoded = value.decode("gb18030", errors="replace")
    return "".join(character for character in decoded if character.isprintable()).strip()


def _integer(value: Value | None) -> int | None:
    return value if isinstance(value, int) else None


def _speed_bps(if_high_speed: int | None, if_speed_bps: int | None) -> int | None:
    """Prefer ifHighSpeed (Mbit/s) to ifSpeed, which ends at 4.29 Gbit/s; 0 means that the device does not know."""
    if if_high_speed:
        return if_high_speed * 1_000_000
    return if_speed_bps if if_speed_bps and if_speed_bps < UNKNOWN_GAUGE32 else None


def _state(status: int | None) -> bool | None:
    """Read ifOperStatus or ifAdminStatus: up, not up, or unknown(4)."""
    if status == _UP:
        return True
    return False if status in _TESTING_TO_LOWER_LAYER_DOWN else None
