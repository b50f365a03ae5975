"""What a device says of its neighbours (LLDP, CDP), and which of it is news. Pure: no I/O, no clock.

Only equipment counts: a neighbour that says it is a station or a telephone alone is counted and not named, since a
laptop's name can be a person's. A device's first reading is told whole under a new `reading`, then only changes are;
once a day it is said that the reading still holds. Sources: IEEE 802.1AB (LLDP-MIB), CISCO-CDP-MIB.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from edge_agent.collectors.reading import Stamp, event
from edge_agent.collectors.snmp.ports import KEY_LENGTH, Interfaces, text
from edge_agent.collectors.snmp.session import Value
from protocols.events import Event
from protocols.samples import Kind

PROOF_SECONDS = 86_400.0
MOST = 500
LONGEST_TEXT = 200

_LOCAL, _REMOTE = "1.0.8802.1.1.2.1.3", "1.0.8802.1.1.2.1.4.1.1"
_CDP = "1.3.6.1.4.1.9.9.23.1.2.1.1"
LLDP_LOC_CHASSIS_ID_SUBTYPE, LLDP_LOC_CHASSIS_ID, LLDP_LOC_SYS_NAME = (f"{_LOCAL}.{one}" for one in (1, 2, 3))
LLDP_LOC_PORT_ID_SUBTYPE, LLDP_LOC_PORT_ID, LLDP_LOC_PORT_DESC = (f"{_LOCAL}.7.1.{one}" for one in (2, 3, 4))
LLDP_REM_CHASSIS_ID_SUBTYPE, LLDP_REM_CHASSIS_ID = f"{_REMOTE}.4", f"{_REMOTE}.5"
LLDP_REM_PORT_ID_SUBTYPE, LLDP_REM_PORT_ID, LLDP_REM_PORT_DESC = f"{_REMOTE}.6", f"{_REMOTE}.7", f"{_REMOTE}.8"
LLDP_REM_SYS_NAME, LLDP_REM_SYS_DESC, LLDP_REM_SYS_CAP_ENABLED = f"{_REMOTE}.9", f"{_REMOTE}.10", f"{_REMOTE}.12"
LLDP_REM_MAN_ADDR_IF_SUBTYPE = "1.0.8802.1.1.2.1.4.2.1.3"
CDP_ADDRESS, CDP_DEVICE_ID, CDP_DEVICE_PORT, CDP_PLATFORM, CDP_CAPABILITIES = (
    f"{_CDP}.{one}" for one in (4, 6, 7, 8, 9)
)
CDP_GLOBAL_DEVICE_ID = "1.3.6.1.4.1.9.9.23.1.3.4"

FIRST_COLUMNS = (
    LLDP_LOC_CHASSIS_ID_SUBTYPE,
    LLDP_LOC_CHASSIS_ID,
    LLDP_LOC_SYS_NAME,
    LLDP_REM_CHASSIS_ID,
    CDP_GLOBAL_DEVICE_ID,
    CDP_DEVICE_ID,
)
"""Enough to tell whether a device speaks LLDP or CDP, and whether it sees anybody."""
LLDP_COLUMNS = (
    LLDP_LOC_PORT_ID_SUBTYPE,
    LLDP_LOC_PORT_ID,
    LLDP_LOC_PORT_DESC,
    LLDP_REM_CHASSIS_ID_SUBTYPE,
    LLDP_REM_PORT_ID_SUBTYPE,
    LLDP_REM_PORT_ID,
    LLDP_REM_PORT_DESC,
    LLDP_REM_SYS_NAME,
    LLDP_REM_SYS_DESC,
    LLDP_REM_SYS_CAP_ENABLED,
    LLDP_REM_MAN_ADDR_IF_SUBTYPE,
)
CDP_COLUMNS = (CDP_ADDRESS, CDP_DEVICE_PORT, CDP_PLATFORM, CDP_CAPABILITIES)

_LLDP_CAPABILITIES = ("other", "repeater", "bridge", "ap", "router", "phone", "cable_modem", "station")
_CDP_CAPABILITIES = {0x01: "router", 0x02: "bridge", 0x08: "bridge", 0x10: "station", 0x40: "repeater", 0x80: "phone"}
_ENDPOINT = frozenset({"station", "phone", "other"})

_CHASSIS_MAC, _CHASSIS_ADDRESS = 4, 5
_PORT_MAC, _PORT_ADDRESS, _PORT_NAME, _PORT_LOCAL = 3, 4, 5, 7

Columns = Mapping[str, Mapping[str, Value]]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One neighbour at one port; texts are empty where it says nothing. `port` is our own port's key."""

    port: str
    protocol: str
    chassis: str
    remote_port: str
    port_description: str = ""
    system_name: str = ""
    address: str = ""
    platform: str = ""
    capabilities: str = ""

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes it the same neighbour at the same place."""
        return (self.port, self.protocol, self.chassis, self.remote_port)

    @property
    def endpoint(self) -> bool:
        """Whether it says that it is a station or a telephone and nothing that others hang on."""
        said = set(self.capabilities.split(",")) - {""}
        return bool(said) and said <= _ENDPOINT


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """All that one device says at one moment: itself, the protocols it speaks, its neighbours that are equipment."""

    protocols: tuple[str, ...]
    chassis: str = ""
    system_name: str = ""
    neighbours: tuple[Neighbour, ...] = ()
    endpoints: int = 0


def neighbourhood(columns: Columns, interfaces: Interfaces) -> Neighbourhood:
    """Read a device's tables."""
    protocols = []
    if columns.get(LLDP_LOC_CHASSIS_ID) or columns.get(LLDP_REM_CHASSIS_ID):
        protocols.append("lldp")
    if columns.get(CDP_GLOBAL_DEVICE_ID) or columns.get(CDP_DEVICE_ID):
        protocols.append("cdp")
    found = {one.identity: one for one in (*_lldp(columns, interfaces), *_cdp(columns, interfaces))}
    equipment = sorted((one for one in found.values() if not one.endpoint), key=lambda one: one.identity)
    subtype = columns.get(LLDP_LOC_CHASSIS_ID_SUBTYPE, {}).get("0")
    return Neighbourhood(
        protocols=tuple(protocols),
        chassis=_identifier(columns.get(LLDP_LOC_CHASSIS_ID, {}).get("0"), subtype, _CHASSIS_MAC, _CHASSIS_ADDRESS),
        system_name=_short(
            columns.get(LLDP_LOC_SYS_NAME, {}).get("0") or columns.get(CDP_GLOBAL_DEVICE_ID, {}).get("0")
        ),
        neighbours=tuple(equipment[:MOST]),
        endpoints=_endpoints(one for one in found.values() if one.endpoint),
    )


def _endpoints(neighbours: Iterable[Neighbour]) -> int:
    """Count stations and telephones once, though a port may tell them by both protocols."""
    counts = Counter((one.port, one.protocol) for one in neighbours)
    return sum(max(counts[port, protocol] for protocol in ("lldp", "cdp")) for port in {port for port, _ in counts})


class NeighbourTrack:
    """What was told of one device's neighbours."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._reading = ""
        self._said_at = 0.0
        self._told: Neighbourhood | None = None

    def update(self, now: Neighbourhood, at: Stamp, now_seconds: float, new_reading: str) -> list[Event]:
        """Return what is to be told: all of it under `new_reading` at first, then changes, or that it still holds."""
        before = self._told
        if before is None and not now.protocols:
            return []  # it speaks neither: nothing is known, which is no news
        whole = before is None
        if whole:
            self._reading = new_reading
        elif before == now and now_seconds - self._said_at < PROOF_SECONDS:
            return []
        self._told, self._said_at = now, now_seconds
        known = {} if before is None else {one.identity: one for one in before.neighbours}
        present = {one.identity for one in now.neighbours}
        events = [
            self._port_event("neighbour.gone", one, at) for identity, one in known.items() if identity not in present
        ]
        news = [one for one in now.neighbours if known.get(one.identity) != one]
        events += [self._port_event("neighbour.seen", one, at) for one in news]
        said = event(
            "neighbours.read",
            Kind.DEVICE,
            self._device,
            at,
            reading=self._reading,
            whole=whole,
            protocols=",".join(now.protocols),
            chassis=now.chassis,
            system_name=now.system_name,
            neighbours=len(now.neighbours),
            endpoints=now.endpoints,
        )
        # Last, so that a reading counts only when all of it is there.
        return [*events, said]

    def _port_event(self, name: str, one: Neighbour, at: Stamp) -> Event:
        said = {key: value for key, value in asdict(one).items() if key != "port"}
        return event(name, Kind.PORT, f"{self._device}/{one.port}", at, reading=self._reading, **said)


def _lldp(columns: Columns, interfaces: Interfaces) -> Iterator[Neighbour]:
    addresses = _management_addresses(columns.get(LLDP_REM_MAN_ADDR_IF_SUBTYPE, {}))
    for index, raw in columns.get(LLDP_REM_CHASSIS_ID, {}).items():
        row = {column: values.get(index) for column, values in columns.items()}
        parts = index.split(".")
        if len(parts) != 3:  # lldpRemTimeMark, lldpRemLocalPortNum, lldpRemIndex
            continue
        subtype, port_subtype = row.get(LLDP_REM_CHASSIS_ID_SUBTYPE), row.get(LLDP_REM_PORT_ID_SUBTYPE)
        yield Neighbour(
            port=_local_port(parts[1], columns, interfaces),
            protocol="lldp",
            chassis=_identifier(raw, subtype, _CHASSIS_MAC, _CHASSIS_ADDRESS),
            remote_port=_identifier(row.get(LLDP_REM_PORT_ID), port_subtype, _PORT_MAC, _PORT_ADDRESS),
            port_description=_short(row.get(LLDP_REM_PORT_DESC)),
            system_name=_short(row.get(LLDP_REM_SYS_NAME)),
            address=addresses.get(index, ""),
            platform=_short(row.get(LLDP_REM_SYS_DESC)),
            capabilities=",".join(_lldp_capabilities(row.get(LLDP_REM_SYS_CAP_ENABLED))),
        )


def _cdp(columns: Columns, interfaces: Interfaces) -> Iterator[Neighbour]:
    for index, raw in columns.get(CDP_DEVICE_ID, {}).items():
        if_index = index.partition(".")[0]  # cdpCacheIfIndex, cdpCacheDeviceIndex
        row = {column: values.get(index) for column, values in columns.items()}
        name = _short(raw)
        yield Neighbour(
            port=_by_index(if_index, interfaces) or if_index,
            protocol="cdp",
            chassis=name,
            remote_port=_short(row.get(CDP_DEVICE_PORT)),
            system_name=name,
            address=_address(row.get(CDP_ADDRESS)),
            platform=_short(row.get(CDP_PLATFORM)),
            capabilities=",".join(_cdp_capabilities(row.get(CDP_CAPABILITIES))),
        )


def _local_port(number: str, columns: Columns, interfaces: Interfaces) -> str:
    """Return the key of the port that lldpRemLocalPortNum means; by name, by address, else taken for its ifIndex."""
    port_id = columns.get(LLDP_LOC_PORT_ID, {}).get(number)
    description = text(columns.get(LLDP_LOC_PORT_DESC, {}).get(number))
    subtype = columns.get(LLDP_LOC_PORT_ID_SUBTYPE, {}).get(number)
    if subtype == _PORT_MAC:
        owners = [one.key for one in interfaces.by_key.values() if one.if_phys_address == port_id]
        if len(owners) == 1:
            return owners[0]
    else:
        found = interfaces.find(text(port_id))
        if found is not None:
            return found.key
        if subtype == _PORT_LOCAL and (key := _by_index(text(port_id), interfaces)) is not None:
            return key
    found = interfaces.find(description) if description else None
    if found is not None:
        return found.key
    return _by_index(number, interfaces) or (text(port_id) if subtype == _PORT_NAME else "")[:KEY_LENGTH] or number


def _by_index(number: str, interfaces: Interfaces) -> str | None:
    return next((one.key for one in interfaces.by_key.values() if str(one.if_index) == number), None)


def _identifier(value: Value | None, subtype: Value | None, mac_subtype: int, address_subtype: int) -> str:
    """Return a chassis or port id as people write it; what is no text is written in hex like a hardware address."""
    if not isinstance(value, bytes):
        return _short(value)
    if subtype == address_subtype and len(value) > 1:
        return _address(value[1:])  # after the address family of IANA
    if subtype == mac_subtype or not value.rstrip(b"\0").isascii() or any(octet < 32 for octet in value.rstrip(b"\0")):
        return value[: LONGEST_TEXT // 3].hex(":")
    return _short(value)


def _management_addresses(rows: Mapping[str, Value]) -> dict[str, str]:
    """Read the addresses out of the indexes of lldpRemManAddrTable: the neighbour's three, family, length, octets."""
    found: dict[str, str] = {}
    for index in rows:
        parts = index.split(".")
        try:
            octets = bytes(int(part) for part in parts[5:])
        except ValueError:
            continue
        if address := _address(octets):
            found.setdefault(".".join(parts[:3]), address)
    return found


def _address(value: Value | None) -> str:
    if not isinstance(value, bytes) or len(value) not in (4, 16):
        return ""
    return str(ipaddress.ip_address(value))


def _lldp_capabilities(value: Value | None) -> Iterator[str]:
    bits = value[0] if isinstance(value, bytes) and value else 0
    return (name for place, name in enumerate(_LLDP_CAPABILITIES) if bits & (0x80 >> place))


def _cdp_capabilities(value: Value | None) -> list[str]:
    bits = int.from_bytes(value, "big") if isinstance(value, bytes) else 0
    return list(dict.fromkeys(name for bit, name in _CDP_CAPABILITIES.items() if bits & bit))


def _short(value: Value | None) -> str:
    return text(value)[:LONGEST_TEXT]
