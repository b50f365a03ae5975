"""Host names to numeric addresses, without blocking the loop and without asking anybody about numeric ones."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """A numeric address, and whether a name had to be looked up for it."""

    family: socket.AddressFamily
    text: str
    looked_up: bool


async def resolve(host: str) -> list[Address]:
    """Return the addresses of a host in the order the system prefers, IPv4 or IPv6.

    Raises:
        OSError: the name is not known, or nobody could be asked.
    """
    try:
        version = ipaddress.ip_address(host.strip("[]")).version
    except ValueError:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return [Address(socket.AddressFamily(one[0]), str(one[4][0]), looked_up=True) for one in found]
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    return [Address(family, host.strip("[]"), looked_up=False)]
