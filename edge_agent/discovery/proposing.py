"""From what was found to rows of `devices.csv` and `ports.csv`, for a person to review. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

from edge_agent.collectors.snmp.neighbours import Neighbour
from edge_agent.collectors.snmp.ports import UNKNOWN_GAUGE32
from edge_agent.collectors.snmp.vendor_files import GENERIC
from edge_agent.collectors.snmp.vendors import vendor_of
from edge_agent.discovery.walking import Answered, addresses_by_hardware

_BRIDGES, _ROUTES = 0x02, 0x04  # sysServices, RFC 3418: datalink and internet
_LONGEST_ID = 60


@dataclass(frozen=True, slots=True)
class ProposedDevice:
    """One row of `devices.csv`; `answers` is not written: whether it answered SNMP, or is known by its neighbour."""

    device: str
    school: str
    name: str
    kind: str
    vendor: str
    model: str
    address: str
    agent: str
    parent: str
    parent_port: str
    answers: bool


@dataclass(frozen=True, slots=True)
class ProposedPort:
    """One row of `ports.csv`."""

    device: str
    port: str
    alias: str
    speed_bps: int | None


@dataclass(slots=True)
class Proposal:
    """What may be imported once somebody has looked at it."""

    devices: list[ProposedDevice] = field(default_factory=list)
    ports: list[ProposedPort] = field(default_factory=list)


DEVICE_COLUMNS = tuple(name for name in ProposedDevice.__slots__ if name != "answers")
PORT_COLUMNS = tuple(ProposedPort.__slots__)


def propose(answered: Sequence[Answered], *, school: str = "", agent: str = "") -> Proposal:
    """Return the rows; who was found first stands above who was found from it."""
    proposal, ids = Proposal(), _Ids(school)
    by_hardware = addresses_by_hardware(answered)
    named = {id(one): ids.new(one.system_name or one.around.system_name, one.address) for one in answered}
    placed: dict[int, tuple[str, str, str]] = {}
    strangers: dict[str, tuple[Neighbour, str]] = {}
    for number, one in enumerate(answered):
        for neighbour in one.around.neighbours:
            other = _same(neighbour, answered, by_hardware)
            if other is None:
                key = (neighbour.system_name or neighbour.chassis or neighbour.address).casefold()
                strangers.setdefault(key, (neighbour, named[id(one)]))
            elif other > number and other not in placed:
                placed[other] = (named[id(one)], neighbour.port, neighbour.capabilities)
    for number, one in enumerate(answered):
        device = named[id(one)]
        parent, parent_port, capabilities = placed.get(number, ("", "", ""))
        maker = vendor_of(one.sys_object_id).name
        proposal.devices.append(
            ProposedDevice(
                device=device,
                school=school,
                name=one.system_name or device,
                kind=_kind(capabilities, one.sys_services, top=number == 0),
                vendor="" if maker == GENERIC else maker,
                model=one.description[:80],
                address=one.address,
                agent=agent,
                parent=parent,
                parent_port=parent_port,
                answers=True,
            )
        )
        proposal.ports += [ProposedPort(device, port.key, port.alias, _speed(port.if_speed_bps)) for port in one.ports]
    for neighbour, parent in strangers.values():
        address = neighbour.address or by_hardware.get(neighbour.chassis, "")
        device = ids.new(neighbour.system_name, address or neighbour.chassis)
        proposal.devices.append(
            ProposedDevice(
                device=device,
                school=school,
                name=neighbour.system_name or device,
                kind=_kind(neighbour.capabilities, 0, top=False),
                vendor="",
                model=neighbour.platform[:80],
                address=address,
                agent=agent,
                parent=parent,
                parent_port=neighbour.port,
                answers=False,
            )
        )
    return proposal


def sheets(proposal: Proposal) -> dict[str, str]:
    """Return the files by name, in the format of `bellwether inventory import`."""
    return {
        "devices.csv": _csv(DEVICE_COLUMNS, [asdict(one) for one in proposal.devices]),
        "ports.csv": _csv(PORT_COLUMNS, [asdict(one) for one in proposal.ports]),
    }


class _Ids:
    """Device ids made from names, each once."""

    def __init__(self, school: str) -> None:
        self._prefix = f"{school}-" if school else ""
        self._taken: set[str] = set()

    def new(self, name: str, otherwise: str) -> str:
        slug = _slug(name.partition(".")[0]) or _slug(otherwise) or "device"
        base = (slug if slug.startswith(self._prefix) else self._prefix + slug)[:_LONGEST_ID].strip("-")
        made = next(one for one in _numbered(base) if one not in self._taken)
        self._taken.add(made)
        return made


def _numbered(base: str) -> Iterator[str]:
    yield base
    number = 2
    while True:
        yield f"{base[: _LONGEST_ID - 4]}-{number}"
        number += 1


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _same(neighbour: Neighbour, answered: Sequence[Answered], by_hardware: dict[str, str]) -> int | None:
    """Return which of those that answered a neighbour is: by chassis, by address, by a name that only one has."""
    address = neighbour.address or by_hardware.get(neighbour.chassis, "")
    name = neighbour.system_name.casefold()
    wanted = ((neighbour.chassis, _chassis), (address, _address), (name, _name))
    for value, of in wanted:
        found = [number for number, one in enumerate(answered) if value and value == of(one)]
        if len(found) == 1:
            return found[0]
    return None


def _chassis(one: Answered) -> str:
    return one.around.chassis


def _address(one: Answered) -> str:
    return one.address


def _name(one: Answered) -> str:
    return one.system_name.casefold()


def _kind(capabilities: str, sys_services: int, *, top: bool) -> str:
    said = set(capabilities.split(","))
    if "ap" in said:
        return "ap"
    if "bridge" in said:
        return "switch"
    if "router" in said or (top and sys_services & _ROUTES):
        return "router"
    return "switch" if sys_services & _BRIDGES else "other"


def _speed(if_speed_bps: int | None) -> int | None:
    return if_speed_bps if if_speed_bps and if_speed_bps < UNKNOWN_GAUGE32 else None


def _csv(columns: Sequence[str], rows: Sequence[dict[str, object]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
