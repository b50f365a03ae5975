"""Asks devices, then the neighbours they tell, and so on; reads only. A device that does not answer is a finding.

Addresses come from what neighbours tell of themselves, else from the ARP tables of those that answered; with `arp` all
addresses of these tables are asked too.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from edge_agent.collectors.snmp.neighbours import (
    CDP_COLUMNS,
    FIRST_COLUMNS,
    LLDP_COLUMNS,
    Neighbourhood,
    neighbourhood,
)
from edge_agent.collectors.snmp.oids import SYS_OBJECT_ID
from edge_agent.collectors.snmp.ports import Interface, Interfaces, text
from edge_agent.collectors.snmp.session import SnmpDriver, SnmpSession
from edge_agent.collectors.targets import DeviceTarget

SYS_DESCR, SYS_NAME, SYS_SERVICES = "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.5.0", "1.3.6.1.2.1.1.7.0"
IP_NET_TO_MEDIA_PHYS_ADDRESS = "1.3.6.1.2.1.4.22.1.2"
IP_NET_TO_PHYSICAL_PHYS_ADDRESS = "1.3.6.1.2.1.4.35.1.4"
AT_ONCE = 16
MOST_ADDRESSES = 1024
LONGEST_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A device that answered, and what it says of itself and of those around it."""

    address: str
    system_name: str = ""
    description: str = ""
    sys_object_id: str = ""
    sys_services: int = 0
    ports: tuple[Interface, ...] = ()
    around: Neighbourhood = field(default_factory=lambda: Neighbourhood(()))
    arp: tuple[tuple[str, str], ...] = ()
    """Hardware address and IP address of every row of its ARP table."""

    @property
    def signature(self) -> object:
        """The same for one device under several addresses."""
        own = frozenset(one.if_phys_address for one in self.ports if one.if_phys_address)
        return self.around.chassis or own or self.address


@dataclass(slots=True)
class Found:
    """Devices in the order they were found, each once, and why the other addresses asked gave nothing."""

    answered: list[Answered] = field(default_factory=list)
    silent: dict[str, str] = field(default_factory=dict)
    left_out: int = 0
    """Addresses not asked, beyond the most that one run asks."""


async def walk(
    starts: Sequence[DeviceTarget], driver: SnmpDriver, *, depth: int, arp: bool, told: Callable[[str], None]
) -> Found:
    """Ask the starts, then what they lead to, `depth` steps far; with the first start's credentials."""
    found, seen, signatures = Found(), set[str](), set[object]()
    slots = asyncio.Semaphore(AT_ONCE)
    waiting = list(starts)
    for step in range(depth + 1):
        waiting = list({one.address: one for one in waiting if one.address not in seen}.values())
        seen |= {one.address for one in waiting}
        room = max(0, MOST_ADDRESSES - len(found.answered) - len(found.silent))
        found.left_out += len(waiting[room:])
        waiting = waiting[:room]
        if not waiting:
            break
        told(f"step {step}: asking {len(waiting)} address{'es' if len(waiting) > 1 else ''}")
        answers = await asyncio.gather(*(_ask(one, driver, slots) for one in waiting))
        for target, answer in zip(waiting, answers, strict=True):
            if isinstance(answer, str):
                found.silent[target.address] = answer
            elif answer.signature not in signatures:
                signatures.add(answer.signature)
                found.answered.append(answer)
                told(f"{answer.address}: {answer.system_name or 'without a name'}, {len(answer.ports)} ports")
        waiting = [replace(starts[0], device=one, address=one) for one in _next(found.answered, arp=arp)]
    return found


def addresses_by_hardware(answered: Iterable[Answered]) -> dict[str, str]:
    """Return the IP address of each hardware address that any ARP table holds."""
    return {hardware: address for one in answered for hardware, address in one.arp}


def _next(answered: Sequence[Answered], *, arp: bool) -> list[str]:
    by_hardware = addresses_by_hardware(answered)
    near = [
        neighbour.address or by_hardware.get(neighbour.chassis, "")
        for one in answered
        for neighbour in one.around.neighbours
    ]
    return list(dict.fromkeys([*filter(None, near), *(by_hardware.values() if arp else ())]))


async def _ask(target: DeviceTarget, driver: SnmpDriver, slots: asyncio.Semaphore) -> Answered | str:
    async with slots:
        session = driver.open(target)
        try:
            return await _read(target, session, asyncio.get_running_loop().time() + LONGEST_SECONDS)
        finally:
            await session.close()


async def _read(target: DeviceTarget, session: SnmpSession, deadline: float) -> Answered | str:
    system = await session.get([SYS_DESCR, SYS_OBJECT_ID, SYS_NAME, SYS_SERVICES], deadline)
    if system.failure is not None:
        return system.reason or system.failure.value
    interfaces = Interfaces()
    await interfaces.refresh(session, asyncio.get_running_loop().time(), deadline)
    around = Neighbourhood(())
    # One table after another: what one of them does not give must not cost the rest.
    first = await session.get_table(FIRST_COLUMNS, deadline)
    if first.failure is None:
        rest = await session.get_table((*LLDP_COLUMNS, *CDP_COLUMNS), deadline)
        around = neighbourhood({**first.columns, **rest.columns}, interfaces)
    arp = await session.get_table((IP_NET_TO_MEDIA_PHYS_ADDRESS, IP_NET_TO_PHYSICAL_PHYS_ADDRESS), deadline)
    services = system.values.get(SYS_SERVICES)
    return Answered(
        address=target.address,
        system_name=text(system.values.get(SYS_NAME)),
        description=text(system.values.get(SYS_DESCR)),
        sys_object_id=str(system.values.get(SYS_OBJECT_ID, "")),
        sys_services=services if isinstance(services, int) else 0,
        ports=tuple(one for one in interfaces.by_key.values() if one.physical),
        around=around,
        arp=tuple(
            (hardware.hex(":"), address)
            for column, rows in arp.columns.items()
            for index, hardware in rows.items()
            if isinstance(hardware, bytes)
            and len(hardware) == 6
            and (address := _address_in(index, media=column == IP_NET_TO_MEDIA_PHYS_ADDRESS))
        ),
    )


def _address_in(index: str, *, media: bool) -> str:
    """Return the unicast IP address in an index: ifIndex and address, or ifIndex, type, length and address."""
    parts = index.split(".")[1 if media else 3 :]
    try:
        address = ipaddress.ip_address(bytes(int(part) for part in parts))
    except ValueError:
        return ""
    unusable = address.is_multicast or address.is_unspecified or address.is_loopback or address.is_link_local
    return "" if unusable else str(address)
