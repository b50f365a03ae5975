"""Whose message it is: source addresses to the devices of the config.

Host names are looked up at the start and again every ten minutes; a name that cannot be looked up keeps its last
address. An address that two devices share (behind address translation) names neither.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from edge_agent.collectors.addresses import resolve
from edge_agent.collectors.targets import DeviceTarget


def plain_address(text: str) -> str:
    """Return an address as `Sources` keeps it: no zone, IPv4 not wrapped in IPv6."""
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


class Sources:
    """The devices by address."""

    def __init__(self, devices: Iterable[DeviceTarget]) -> None:
        self.devices = tuple(devices)
        self._addresses: dict[str, set[str]] = {}
        self._by_address: dict[str, DeviceTarget] = {}

    async def refresh(self) -> None:
        """Look all devices' addresses up."""
        for device in self.devices:
            try:
                found = {plain_address(one.text) for one in await resolve(device.address)}
            except OSError:
                continue
            self._addresses[device.device] = found
        shared: dict[str, list[DeviceTarget]] = {}
        for device in self.devices:
            for address in self._addresses.get(device.device, ()):
                shared.setdefault(address, []).append(device)
        self._by_address = {address: devices[0] for address, devices in shared.items() if len(devices) == 1}

    def of(self, address: str) -> DeviceTarget | None:
        """Return the device that sends from an address (`plain_address`)."""
        return self._by_address.get(address)
