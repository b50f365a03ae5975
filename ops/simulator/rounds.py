"""Rounds of check-ins: every tablet once per 30 s, handed to agents in this process or sent as real HTTP requests.

One task walks the round in order of time; a group that is late is taken at once, so a busy machine falls behind in
time but never in number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count

import httpx
import msgspec

from edge_agent.terminals import CheckIn
from ops.simulator.tablets import CHECKIN_SECONDS, Group
from ops.simulator.world import World

REQUEST_SECONDS = 10.0


class CheckInRounds:
    """Walks groups round after round; `deliver` takes one agent's group of check-ins."""

    def __init__(
        self,
        groups: Sequence[Group],
        stage_of: Mapping[str, str],
        world: World,
        deliver: Callable[[str, list[CheckIn]], Awaitable[None]],
    ) -> None:
        self._groups = groups
        self._stage_of = stage_of
        self._world = world
        self._deliver = deliver
        self.checkins_total = 0

    async def run(self) -> None:
        """Walk for ever."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        for number in count():
            await asyncio.sleep(max(0.0, started + number * CHECKIN_SECONDS - loop.time()))
            for group in self._groups:
                due = started + number * CHECKIN_SECONDS + group.offset_seconds
                if (wait := due - loop.time()) > 0:
                    await asyncio.sleep(wait)
                phase = self._world.phase(self._stage_of[group.agent])
                checkins = [tablet.check_in(CHECKIN_SECONDS / 3600) for tablet in group.tablets if tablet.is_on(phase)]
                if checkins:
                    await self._deliver(group.agent, checkins)
                    self.checkins_total += len(checkins)


class HttpCheckIns:
    """The real school's tablets: a keep-alive client per agent, one request after the other as by radio."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = ports
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._sending: set[asyncio.Task[None]] = set()
        self.accepted_total = 0
        self.failed_total = 0

    async def deliver(self, agent: str, checkins: list[CheckIn]) -> None:
        """Begin to send a group; an agent that does not answer costs its tablets this round, nobody else."""
        sending = asyncio.create_task(self._send(agent, checkins), name=f"check-ins {agent}")
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    async def stop(self) -> None:
        """Drop what is being sent and close the connections."""
        for sending in self._sending:
            sending.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        for client in self._clients.values():
            await client.aclose()

    async def _send(self, agent: str, checkins: list[CheckIn]) -> None:
        client = self._clients.get(agent)
        if client is None:
            client = self._clients[agent] = httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{self._ports[agent]}", timeout=REQUEST_SECONDS, trust_env=False
            )
        for checkin in checkins:
            try:
                answer = await client.post(
                    f"/v1/terminals/{checkin.terminal}/checkin",
                    content=msgspec.json.encode(checkin.body),
                    headers={"content-type": "application/json"},
                )
            except httpx.TransportError:
                self.failed_total += 1
                return
            if answer.is_success:
                self.accepted_total += 1
            else:
                self.failed_total += 1
