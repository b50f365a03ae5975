"""An edge as an agent wires it, for the delivery tests, with waiting times that tests can afford."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

from edge_agent.clock import SystemClock
from edge_agent.spool import Spool, SpoolLimits
from edge_agent.uplink import Broker, Phase, Speaker, Timing, Uplink
from protocols.samples import HostSample
from protocols.status import Role
from tests.edge_agent.uplink.model_cloud import ModelCloud

AGENT = "s07-gw"
QUICK = Timing(
    reconnect_first=0.2,
    birth_first=0.5,
    birth_most=1.0,
    heartbeat=2.0,
    connect=30.0,
    subscribe=30.0,
    puback=30.0,
    receipt=20.0,
    resend_first=1.0,
    resend_most=3.0,
    tick=0.2,
)


async def eventually(condition: Callable[[], bool], what: str, seconds: float = 120.0) -> None:
    """Wait until something is so; fail with words when it never is."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not condition():
        assert loop.time() < deadline, f"did not happen in {seconds} s: {what}"
        await asyncio.sleep(0.02)


class Edge:
    """A spool and an uplink, as an agent wires them."""

    def __init__(
        self,
        folder: Path,
        port: int,
        *,
        password: str | None = None,
        broker: Broker | None = None,
        timing: Timing = QUICK,
    ) -> None:
        self.agent = agent = AGENT
        self.clock = SystemClock()
        self.executor = ThreadPoolExecutor(4)
        self.limits = SpoolLimits(seal_seconds=0.05, min_free_bytes=0)
        self.spool = Spool(
            folder / "spool.db", agent=agent, clock=self.clock, executor=self.executor, limits=self.limits
        )
        self.uplink = Uplink(
            spool=self.spool,
            speaker=Speaker(agent, secrets.token_hex(8), Role.GATEWAY, "test", "test-host"),
            broker=broker
            or Broker("127.0.0.1", port, password=password, connect_timeout_seconds=30.0, reconnect_most_seconds=1.0),
            clock=self.clock,
            executor=self.executor,
            random=Random(7),
            timing=timing,
        )
        self.made = 0

    async def start(self) -> None:
        await self.spool.start()
        await self.uplink.start()

    async def stop(self, flush_seconds: float = 60.0) -> None:
        await self.uplink.stop(flush_seconds)
        await self.spool.stop()
        self.executor.shutdown()

    def sample(self) -> HostSample:
        self.made += 1
        return HostSample(
            thing=self.agent, observed_at_ms=1_700_000_000_000 + self.made, monotonic_ms=self.made, cpu_ratio=0.5
        )

    async def measure(self, segments: int, per_segment: int = 3) -> None:
        """Store so many segments of samples, each committed on its own."""
        for _ in range(segments):
            await self.spool.append([self.sample() for _ in range(per_segment)])

    def held_items(self) -> int:
        return self.spool.books().held_items

    @property
    def phase(self) -> Phase:
        return self.uplink.snapshot().phase

    @property
    def reason(self) -> str:
        return self.uplink.snapshot().reason


def closes(edge: Edge, cloud: ModelCloud) -> None:
    """The books close: everything produced is stored once, nothing is held, nothing was twice."""
    known, books = cloud[edge.agent], edge.spool.books()
    assert books.held_items == 0
    assert books.produced_items == books.confirmed_items == known.stored_items == edge.made
    assert max(known.items.values()) == 1
    assert known.conflicts == 0
