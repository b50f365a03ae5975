"""Finding the agent by mDNS: service `_bellwether._tcp` (RFC 6762, RFC 6763); the room's agent before the school's.

Where the network lets no multicast through, the app is told the address instead.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_agent.errors import EdgeError

if TYPE_CHECKING:
    from zeroconf import Zeroconf

SERVICE = "_bellwether._tcp.local."
WAIT_SECONDS = 3.0
_INFO_MILLISECONDS = 1500


class NoAgentFound(EdgeError):
    """Nobody on this network answers as a Bellwether agent."""

    hint = "name the agent with --agent http://ADDRESS:8740; some Wi-Fi networks keep multicast from terminals"


@dataclass(frozen=True, slots=True)
class Found:
    """An agent that announced itself."""

    agent: str
    role: str
    url: str


def nearest(found: list[Found], classroom: str | None = None) -> Found:
    """Return the agent to use: that of the room, else a gateway, else the first by name.

    Raises:
        NoAgentFound: there is none.
    """
    if not found:
        raise NoAgentFound("no agent was found on this network")
    order = {"gateway": 1, "classroom": 2}
    return min(found, key=lambda one: (0 if one.agent == classroom else order.get(one.role, 3), one.agent))


async def browse(wait_seconds: float = WAIT_SECONDS) -> list[Found]:
    """Return the agents that answer within the wait."""
    from zeroconf import ServiceStateChange
    from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

    names: set[str] = set()

    def heard(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if state_change is not ServiceStateChange.Removed:
            names.add(name)

    async with AsyncZeroconf() as zeroconf:
        browser = AsyncServiceBrowser(zeroconf.zeroconf, SERVICE, handlers=[heard])
        try:
            await asyncio.sleep(wait_seconds)
            found = []
            for name in sorted(names):
                info = AsyncServiceInfo(SERVICE, name)
                if not await info.async_request(zeroconf.zeroconf, _INFO_MILLISECONDS):
                    continue
                said = {key.decode(): (value or b"").decode() for key, value in info.properties.items()}
                for address in info.parsed_scoped_addresses():
                    host = f"[{address}]" if ":" in address else address
                    found.append(Found(said.get("agent", ""), said.get("role", ""), f"http://{host}:{info.port}"))
                    break
        finally:
            await browser.async_cancel()
    return found
