"""All agents that share the simulator's process: the real `Agent`, one per config, on one event loop.

Each gets the senses of the simulated world as its drivers; spool, uplink, scheduler, presence engine and counter rules
are the product's own. Threads for disk and for connecting are shared.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor

import structlog

from edge_agent.agent import Agent
from edge_agent.clock import Clock
from edge_agent.errors import EdgeError
from edge_agent.jobs import Drivers
from edge_agent.terminals import CheckIn, TooManyTerminals
from ops.simulator.configs import ConfigMaker
from ops.simulator.devices import SimulatedSnmp
from ops.simulator.district import CORE_AGENT, CORE_DEVICE
from ops.simulator.records import Agent as AgentRecord
from ops.simulator.report import Held
from ops.simulator.senses import Path, SimulatedChecks, SimulatedHost, SimulatedPinger
from ops.simulator.world import World
from protocols.records import RecordBody
from protocols.status import LaneHeld

STARTING_AT_ONCE = 16
STOPPING_AT_ONCE = 256
STOP_SECONDS = 15.0
"""Longest stop of one agent: a flush of three seconds on a slow disk. What it holds is on disk either way."""

_log = structlog.get_logger(__name__)


class Roster:
    """The agents of this process, by id."""

    def __init__(
        self,
        records: Sequence[AgentRecord],
        maker: ConfigMaker,
        world: World,
        clock: Clock,
        disk: Executor,
        connector: Executor,
    ) -> None:
        order = {"core": 0, "gateway": 1, "classroom": 2}
        self._records = sorted(records, key=lambda record: (order[record.role], record.agent))
        self._maker = maker
        self._world = world
        self._clock = clock
        self._disk = disk
        self._connector = connector
        self._agents: dict[str, Agent] = {}
        self._of_school: dict[str, list[Agent]] = {}
        self.failures: list[str] = []

    @property
    def started(self) -> int:
        """How many agents run."""
        return len(self._agents)

    async def start(self, over_seconds: float) -> None:
        """Start all agents, evenly spread over a time; centre first, then gateways, then classrooms."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        slots = asyncio.Semaphore(STARTING_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for number, record in enumerate(self._records):
                due = began + number * over_seconds / max(1, len(self._records))
                await asyncio.sleep(max(0.0, due - loop.time()))
                await slots.acquire()
                group.create_task(self._start_one(record, slots), name=f"start {record.agent}")

    async def _start_one(self, record: AgentRecord, slots: asyncio.Semaphore) -> None:
        try:
            agent = Agent(self._maker.config(record), self._drivers(record))
            await agent.start()
        except EdgeError as error:
            self.failures.append(f"{record.agent}: {error}")
            _log.error("agent_did_not_start", agent=record.agent, reason=str(error), hint=error.hint)
        else:
            self._agents[record.agent] = agent
            self._of_school.setdefault(record.school, []).append(agent)
        finally:
            slots.release()

    async def stop(self) -> None:
        """Stop all agents, some at a time: each seals what it has and says goodbye."""
        agents, self._agents = list(self._agents.values()), {}
        slots = asyncio.Semaphore(STOPPING_AT_ONCE)

        async def stop_one(agent: Agent) -> None:
            async with slots:
                async with asyncio.timeout(STOP_SECONDS):
                    await agent.stop()
                    # Without a LAN the agent itself never opens what `hand_in` has used.
                    await agent.records.stop()

        for outcome in await asyncio.gather(*(stop_one(agent) for agent in agents), return_exceptions=True):
            if isinstance(outcome, Exception):
                _log.error("agent_did_not_stop_cleanly", exc_info=outcome)

    def check_in(self, agent: str, checkins: Iterable[CheckIn]) -> None:
        """Hand check-ins to an agent, as its LAN API would; one that does not run yet misses them."""
        running = self._agents.get(agent)
        if running is None:
            return
        for checkin in checkins:
            try:
                running.check_in(checkin)
            except TooManyTerminals as error:
                _log.warning("checkin_refused", agent=agent, terminal=checkin.terminal, reason=str(error))

    async def hand_in(self, agent: str, bodies: Sequence[RecordBody]) -> bool:
        """Hand records to an agent, as its LAN API would; False when it does not run yet.

        Raises:
            SpoolError: none was taken.
        """
        running = self._agents.get(agent)
        if running is None:
            return False
        await running.records.take([running.records.stamped(body) for body in bodies])
        return True

    async def held(self, schools: Iterable[str]) -> dict[str, Held]:
        """Return what the agents of these schools hold; the schools may change meanwhile."""
        return {school: await self._held(self._of_school.get(school, [])) for school in tuple(schools)}

    async def _held(self, agents: Sequence[Agent]) -> Held:
        return in_sum([lane for agent in agents for lane in (await agent.status()).spool.held])

    def _drivers(self, record: AgentRecord) -> Drivers:
        world = self._world
        path = Path(world, record.school)
        checks = SimulatedChecks(path)
        site = world.sites.get(record.school)
        if record.agent == CORE_AGENT:
            devices = {CORE_DEVICE: world.centre}
        else:
            devices = site.devices if site is not None else {}
        return Drivers(
            clock=self._clock,
            snmp=SimulatedSnmp(devices),
            pinger=SimulatedPinger(path, record.agent),
            host=SimulatedHost(world, record.agent, site.stage if site is not None else "primary"),
            tcp=checks.tcp,
            dns=checks.dns,
            http=checks.http,
            executor=self._disk,
            connector=self._connector,
            rng=random.Random(),
        )


def in_sum(held: Sequence[LaneHeld]) -> Held:
    """Return what these lanes hold together."""
    now_ms = time.time_ns() // 1_000_000
    oldest = min((lane.oldest_at_ms for lane in held if lane.oldest_at_ms is not None), default=now_ms)
    return Held(
        segments=sum(lane.segments for lane in held),
        items=sum(lane.items for lane in held),
        oldest_age_seconds=round(max(0, now_ms - oldest) / 1000, 1),
    )
