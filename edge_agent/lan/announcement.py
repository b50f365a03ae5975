"""Makes the LAN API findable: mDNS service `_bellwether._tcp` (RFC 6762, RFC 6763), where the network lets it.

A convenience: terminals may as well be told the address. A machine without a multicast interface, or without the
package zeroconf, says so once and goes on.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from zeroconf.asyncio import AsyncZeroconf

SERVICE = "_bellwether._tcp.local."
PATH = "/v1"


class Announcement:
    """One agent's entry in the network's mDNS."""

    def __init__(self, agent: str, role: str, host: str, port: int) -> None:
        self._agent = agent
        self._role = role
        self._host = host
        self._port = port
        self._zeroconf: AsyncZeroconf | None = None
        self._log = structlog.get_logger("mdns").bind(agent=agent)

    async def start(self) -> None:
        """Announce; a network that has no room for it is logged, not raised."""
        try:
            from zeroconf import InterfaceChoice
            from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf
        except ImportError:
            self._log.info("mdns_left_out", reason="the package zeroconf is not installed")
            return
        addresses = _addresses(self._host)
        if not addresses:
            self._log.info("mdns_left_out", reason=f"{self._host} cannot be reached by others")
            return
        everywhere = self._host in {"0.0.0.0", "::"}
        if not everywhere and not _is_ours(self._host):
            # zeroconf would find out as well, but leave a socket open.
            self._log.warning("mdns_unavailable", reason=f"this machine has no address {self._host}")
            return
        service = AsyncServiceInfo(
            SERVICE,
            f"{self._agent}.{SERVICE}",
            port=self._port,
            addresses=addresses,
            server=f"{self._agent}.local.",
            properties={"agent": self._agent, "role": self._role, "path": PATH},
        )
        try:
            announcing = AsyncZeroconf(interfaces=InterfaceChoice.Default if everywhere else [self._host])
            self._zeroconf = announcing
            await announcing.async_register_service(service, allow_name_change=True)
        except (OSError, RuntimeError, ValueError) as error:
            self._log.warning("mdns_unavailable", reason=str(error) or type(error).__name__)
            await self.stop()
        else:
            self._log.info("mdns_announced", service=f"{self._agent}.{SERVICE}", port=self._port)

    async def stop(self) -> None:
        """Take the entry back."""
        announcing, self._zeroconf = self._zeroconf, None
        if announcing is not None:
            await announcing.async_close()


def _is_ours(host: str) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as trying:
        try:
            trying.bind((host, 0))
        except OSError:
            return False
    return True


def _addresses(host: str) -> list[bytes]:
    """Return what to announce for a listen address; nothing for the loopback."""
    if host not in {"0.0.0.0", "::"}:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return [] if host in {"127.0.0.1", "::1", "localhost"} else [socket.inet_pton(family, host)]
    # No packet is sent: connecting a datagram socket only asks the routing table which of our addresses would be used.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        try:
            route.connect(("224.0.0.251", 5353))
        except OSError:
            return []
        address: str = route.getsockname()[0]
    return [] if address.startswith("127.") else [socket.inet_aton(address)]
