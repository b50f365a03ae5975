"""One conversation per device, shared by all collectors of an agent: whose turn it is, when to ask, what changed.

Here meet the limits that keep a sick device from harming others: one exchange at a time per device, at most
`CONCURRENCY` in the whole agent, a breaker with back-off, and at most half an interval of asking per turn. A change
between answering, silent and refusing is said once, by whichever collector was asking.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from edge_agent.clock import Clock
from edge_agent.collectors.reading import event, stamp
from edge_agent.collectors.snmp.breaker import Breaker, Condition
from edge_agent.collectors.snmp.oids import SYS_UP_TIME
from edge_agent.collectors.snmp.ports import Interfaces
from edge_agent.collectors.snmp.session import Answer, Failure, SnmpDriver, SnmpSession, TableAnswer
from edge_agent.collectors.targets import DeviceTarget, UserV3
from protocols.events import Event
from protocols.samples import Kind

CONCURRENCY = 32
BUDGET_RATIO = 0.5
SMALLEST_BUDGET_SECONDS = 5.0
WRONG_PRIVACY_KEY = "encrypted requests stay unanswered: the privacy key is wrong"

_log = structlog.get_logger(__name__)

_EVENT_OF = {
    Condition.ANSWERS: "device.reachable",
    Condition.SILENT: "device.unreachable",
    Condition.REFUSES: "device.refused",
}


class Conversations:
    """All devices of one agent. `driver` decides which SNMP library, or simulation, answers."""

    def __init__(self, driver: SnmpDriver, clock: Clock, chance: Callable[[], float] = random.random) -> None:
        self._driver = driver
        self._clock = clock
        self._chance = chance
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._by_device: dict[tuple[object, ...], Conversation] = {}

    def of(self, target: DeviceTarget) -> Conversation:
        """Return the conversation with a device, the same for every target that names it alike."""
        key = (target.device, target.address, target.udp_port, target.credentials)
        if key not in self._by_device:
            self._by_device[key] = Conversation(target, self._driver, self._clock, self._chance, self._slots)
        return self._by_device[key]

    def port_of(self, device: str, if_index: int) -> str | None:
        """Return the key of the port that has an ifIndex, as far as the device's table has been read."""
        tables = [one.interfaces.by_key for one in self._by_device.values() if one.target.device == device]
        return next((port.key for table in tables for port in table.values() if port.if_index == if_index), None)

    async def close(self) -> None:
        """End all conversations."""
        for conversation in self._by_device.values():
            await conversation.close()
        self._by_device.clear()
        await self._driver.close()


class Conversation:
    """What passes between this agent and one device, and what is remembered of it."""

    def __init__(
        self,
        target: DeviceTarget,
        driver: SnmpDriver,
        clock: Clock,
        chance: Callable[[], float],
        slots: asyncio.Semaphore,
    ) -> None:
        self.target = target
        self.breaker = Breaker()
        self.interfaces = Interfaces()
        self.rtt_seconds: float | None = None
        self._driver = driver
        self._clock = clock
        self._chance = chance
        self._slots = slots
        self._turn = asyncio.Lock()
        self._session: SnmpSession | None = None
        self._ever_answered = False
        self._events: list[Event] = []

    @asynccontextmanager
    async def turn(self, deadline: float) -> AsyncIterator[float]:
        """Wait for the device to be free; yields the deadline that the device's budget leaves.

        Raises:
            TimeoutError: others were busy with the device until `deadline`.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout_at(deadline):
            await self._turn.acquire()
        try:
            budget = max(SMALLEST_BUDGET_SECONDS, BUDGET_RATIO * self.target.interval_seconds)
            yield min(deadline, loop.time() + budget)
        finally:
            self._turn.release()

    async def get(self, oids: Sequence[str], deadline: float) -> Answer:
        """One GET, if the breaker allows; call it within a turn."""
        if not self._allowed():
            return Answer(failure=Failure.NOT_ASKED, reason=self.breaker.condition.value)
        async with self._slots:
            answer = await self._open().get(oids, deadline)
        if answer.failure is Failure.TIMEOUT and await self._refuses_privacy(deadline):
            answer = dataclasses.replace(answer, failure=Failure.REFUSED, reason=WRONG_PRIVACY_KEY)
        self._note(answer.failure, answer.reason, answer.rtt_seconds)
        return answer

    async def get_table(self, columns: Sequence[str], deadline: float) -> TableAnswer:
        """Walk columns, if the breaker allows; call it within a turn."""
        if not self._allowed():
            return TableAnswer(failure=Failure.NOT_ASKED, reason=self.breaker.condition.value)
        async with self._slots:
            answer = await self._open().get_table(columns, deadline)
        if answer.failure is Failure.TIMEOUT and await self._refuses_privacy(deadline):
            answer = dataclasses.replace(answer, failure=Failure.REFUSED, reason=WRONG_PRIVACY_KEY)
        self._note(answer.failure, answer.reason, answer.rtt_seconds)
        return answer

    async def get_optional_table(self, columns: Sequence[str], deadline: float) -> TableAnswer:
        """Walk columns whose silence says nothing of the device: some answer all but these. Call it within a turn."""
        if not self._allowed():
            return TableAnswer(failure=Failure.NOT_ASKED, reason=self.breaker.condition.value)
        async with self._slots:
            return await self._open().get_table(columns, deadline)

    def drain_events(self) -> tuple[Event, ...]:
        """Return what changed since the last call."""
        events, self._events = tuple(self._events), []
        return events

    async def close(self) -> None:
        """Release the session."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> SnmpSession:
        if self._session is None:
            self._session = self._driver.open(self.target)
        return self._session

    def _allowed(self) -> bool:
        return self.breaker.allows(asyncio.get_running_loop().time())

    def _note(self, failure: Failure | None, reason: str, rtt_seconds: float | None) -> None:
        if failure is Failure.NOT_ASKED:
            return
        now = asyncio.get_running_loop().time()
        before, self.breaker = self.breaker, self.breaker.after(failure, now, self._chance())
        self.rtt_seconds = rtt_seconds
        self._ever_answered = self._ever_answered or failure is None
        after = self.breaker
        first_answer = before.condition is Condition.UNKNOWN and after.condition is Condition.ANSWERS
        if after.condition is before.condition or first_answer:
            return
        _log.log(
            logging.INFO if after.condition is Condition.ANSWERS else logging.WARNING,
            "device_condition_changed",
            device=self.target.device,
            condition=after.condition.value,
            was=before.condition.value,
            reason=reason or None,
        )
        lasted = round(now - before.since, 3) if before.condition is not Condition.UNKNOWN else None
        self._events.append(
            event(
                _EVENT_OF[after.condition],
                Kind.DEVICE,
                self.target.device,
                stamp(self._clock),
                reason=reason or None,
                was=before.condition.value,
                lasted_seconds=lasted,
            )
        )

    async def _refuses_privacy(self, deadline: float) -> bool:
        """Tell a wrong privacy key from a silent device.

        AES turns a wrong key into garbage that devices drop without a word. The same user asking without privacy is
        answered by any living device, be it with a refusal.
        """
        credentials = self.target.credentials
        if self._ever_answered or not isinstance(credentials, UserV3) or credentials.priv_protocol is None:
            return False
        plain = dataclasses.replace(credentials, priv_protocol=None, priv_key="")
        session = self._driver.open(dataclasses.replace(self.target, credentials=plain, retries=0))
        try:
            async with self._slots:
                answer = await session.get([SYS_UP_TIME], deadline)
        finally:
            await session.close()
        return answer.failure in (None, Failure.REFUSED)
