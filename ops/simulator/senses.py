"""What simulated agents measure with: pings, host figures and checks that tell the state of the simulated world.

They stand behind the same seams as the real ones in `edge_agent/collectors`; everything above the seam is real code.
A ping or check towards the centre crosses the school's link and fails with it; what is inside the school does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from edge_agent.collectors.host_reading import HostFigures
from edge_agent.collectors.pinger import PingResult
from edge_agent.collectors.probe import Outcome
from edge_agent.collectors.targets import DnsTarget, HttpTarget, IcmpTarget, TcpTarget
from ops.simulator.traffic import ripple, unit
from ops.simulator.world import SimulatedLink, World

METHOD = "simulated"
LAN_RTT_SECONDS = 0.0006
GIBIBYTE = 2**30


class Path:
    """How one agent's packets travel: which links they cross to an address."""

    def __init__(self, world: World, school: str) -> None:
        self._world = world
        self._school = school

    def link_to(self, address: str) -> SimulatedLink | None:
        """Return the link on the way, or None inside the same place.

        From a school, all else lies behind its link; from the centre (no school), each school behind its own.
        """
        there = self._world.addresses.get(address, "")
        if there == self._school:
            return None
        return self._world.sites[self._school or there].link

    @property
    def to_centre(self) -> SimulatedLink | None:
        """The link between this agent and the centre's services; None for an agent that is there."""
        return self._world.sites[self._school].link if self._school else None


class SimulatedPinger:
    """Loss and delay as the links on the way have them."""

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._random = Random(key)

    async def ping(
        self, address: str, *, count: int, interval_seconds: float, timeout_seconds: float, deadline: float
    ) -> PingResult:
        """Answer at once; a dead link loses every request."""
        await asyncio.sleep(0)
        link = self._path.link_to(address)
        if link is None:
            return PingResult(tuple(LAN_RTT_SECONDS for _ in range(count)), METHOD)
        return PingResult(tuple(self._one(link) for _ in range(count)), METHOD)

    def _one(self, link: SimulatedLink) -> float | None:
        if not link.carrying or self._random.random() < link.loss_ratio:
            return None
        rtt, jitter = link.delay()
        return max(0.0002, self._random.gauss(rtt, jitter))

    async def close(self) -> None:
        """Nothing is open."""


class SimulatedChecks:
    """TCP, DNS and HTTP checks of services at the centre; they work as long as the link does."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def icmp(self, target: IcmpTarget, deadline: float) -> Outcome:
        """Ping the centre once."""
        return self._outcome(lambda rtt: Outcome(success=True, reason=METHOD, loss_ratio=0.0, rtt_seconds=rtt))

    async def tcp(self, target: TcpTarget, deadline: float) -> Outcome:
        """Connect: one round trip."""
        return self._outcome(lambda rtt: Outcome(success=True, rtt_seconds=rtt, connect_seconds=rtt))

    async def dns(self, target: DnsTarget, deadline: float) -> Outcome:
        """Ask: one round trip and a lookup."""
        return self._outcome(lambda rtt: Outcome(success=True, rtt_seconds=rtt + 0.0004, resolve_seconds=rtt + 0.0004))

    async def http(self, target: HttpTarget, deadline: float) -> Outcome:
        """Resolve, connect, shake hands, wait for the first byte."""
        return self._outcome(
            lambda rtt: Outcome(
                success=True,
                rtt_seconds=5 * rtt + 0.012,
                resolve_seconds=rtt,
                connect_seconds=rtt,
                tls_seconds=2 * rtt if target.url.startswith("https") else None,
                first_byte_seconds=rtt + 0.012,
                status_code=200,
            )
        )

    def _outcome(self, reached: Callable[[float], Outcome]) -> Outcome:
        link = self._path.to_centre
        if link is None:
            return reached(LAN_RTT_SECONDS)
        if not link.carrying:
            return Outcome(success=False, reason="timeout")
        return reached(link.delay()[0])


class SimulatedHost:
    """A machine that works harder in lessons. The agent's own memory is not told: it shares a process with hundreds."""

    def __init__(self, world: World, agent: str, stage: str) -> None:
        self._world = world
        self._agent = agent
        self._stage = stage
        self._up_for = 3600 + 86_400 * 40 * unit(f"{agent}/uptime")
        self._disk_bytes = (128 if unit(f"{agent}/disk") < 0.5 else 256) * GIBIBYTE
        self._disk_used = 0.2 + 0.4 * unit(f"{agent}/used")
        self._started = world.now()

    def read(self, path: str) -> HostFigures:
        """Return the figures now."""
        now = self._world.now()
        cpu = min(1.0, (0.04 + 0.35 * self._world.load(self._stage, now)) * ripple(self._agent, now))
        return HostFigures(
            cpu_ratio=cpu,
            memory_used_ratio=0.3 + 0.2 * unit(f"{self._agent}/memory") + 0.1 * cpu,
            disk_used_ratio=self._disk_used,
            disk_free_bytes=int(self._disk_bytes * (1 - self._disk_used)),
            temperature_celsius=round(36 + 22 * cpu + 6 * unit(f"{self._agent}/heat"), 1),
            uptime_seconds=self._up_for + now - self._started,
            clock_offset_seconds=round(0.004 * (unit(f"{self._agent}/clock") - 0.5), 6),
            clock_synchronised=True,
        )
