"""The terminals of a running agent: drives the presence engine by the agent's clock and hands on what it finds.

`check_in` is plain and quick (a few microseconds), callable from the LAN API and from the simulator alike. One timer
per agent wakes when something is due, at most once per second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

import structlog

from edge_agent.clock import Clock
from edge_agent.collectors.reading import Reading, event, stamp
from edge_agent.terminals import memory
from edge_agent.terminals.presence import Findings, Heard, Presence
from edge_agent.terminals.values import CheckIn, PresenceRules
from protocols.desired import ReportedTerminal
from protocols.events import Event
from protocols.samples import ClassroomSample, Kind, Sample, TerminalSample

MIN_TICK_SECONDS = 1.0
Listener = Callable[[str, str | None], None]
REMEMBER_SECONDS = 60.0


class Terminals:
    """Check-ins in, readings out. `deliver` must not block."""

    def __init__(
        self,
        rules: PresenceRules,
        clock: Clock,
        deliver: Callable[[Reading], None],
        *,
        classroom: str | None = None,
        memory_folder: Path | None = None,
        executor: Executor | None = None,
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._deliver = deliver
        self._classroom = classroom
        self._memory_folder = memory_folder
        self._executor = executor
        self._presence = Presence(rules, clock.monotonic_ms(), classroom)
        self._timer: asyncio.TimerHandle | None = None
        self._remembering: asyncio.Task[None] | None = None
        self._changed = False
        self._listeners: list[Listener] = []
        self._log = structlog.get_logger("terminals")
        self.checkins_total = 0

    async def start(self) -> None:
        """Recall who was there before the restart and begin to watch the time."""
        loop = asyncio.get_running_loop()
        recalled = None
        if self._memory_folder is not None:
            recalled = await loop.run_in_executor(self._executor, memory.recall, self._memory_folder)
            self._remembering = loop.create_task(self._remember_for_ever(self._memory_folder))
        self._presence = Presence(self._rules, self._clock.monotonic_ms(), self._classroom, recalled or ())
        self._set_timer()

    async def stop(self) -> None:
        """Stop watching and remember who is there."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._remembering is not None:
            self._remembering.cancel()
            await asyncio.gather(self._remembering, return_exceptions=True)
            self._remembering = None
        if self._memory_folder is not None and self._changed:
            await self._remember(self._memory_folder)

    def check_in(self, checkin: CheckIn) -> None:
        """Take a check-in at this moment.

        Raises:
            TooManyTerminals: the terminal is unknown and there is no room for it.
        """
        known = self._presence.known()
        findings = self._presence.check_in(checkin, self._clock.monotonic_ms())
        self.checkins_total += 1
        self._changed = self._changed or bool(findings.changes) or self._presence.known() != known
        self._tell(findings)
        self._told(checkin.terminal, checkin.body.holder)

    def listen(self, listener: Listener) -> None:
        """Have `listener` called with terminal and holder after each check-in and absence; it must be quick."""
        self._listeners.append(listener)

    def reported(self) -> list[ReportedTerminal]:
        """Return what every terminal last said, except those that were never heard."""
        found = (self._reported(one) for one in self._presence.all_heard())
        return [one for one in found if one is not None]

    def said(self, terminal: str) -> tuple[ReportedTerminal, bool | None] | None:
        """Return what one terminal last said, and whether it charges; None when it was never heard."""
        heard = self._presence.heard(terminal)
        if heard is None or (reported := self._reported(heard)) is None:
            return None
        return reported, heard.body.charging

    def _reported(self, heard: Heard) -> ReportedTerminal | None:
        seen_at_ms = heard.seen_at_ms if heard.said_ms is None else heard.said_ms + self._wall_minus_monotonic_ms()
        if seen_at_ms is None:
            return None
        body = heard.body
        return ReportedTerminal(
            terminal=heard.terminal,
            seen_at_ms=max(0, seen_at_ms),
            present=heard.present,
            holder=body.holder,
            app_version=body.app_version,
            content_token=body.content_token,
            configuration_token=body.configuration_token,
            roster_token=body.roster_token,
            missing_bytes=body.missing_bytes,
            unsent=body.unsent,
            oldest_unsent_at_ms=body.oldest_unsent_at_ms,
            battery_ratio=body.battery_ratio,
            storage_free_bytes=body.storage_free_bytes,
        )

    def _wall_minus_monotonic_ms(self) -> int:
        return self._clock.wall_ms() - self._clock.monotonic_ms()

    def _told(self, terminal: str, holder: str | None) -> None:
        for listener in self._listeners:
            listener(terminal, holder)

    @property
    def known(self) -> int:
        """How many terminals are remembered."""
        return self._presence.known()

    @property
    def present(self) -> int:
        """How many terminals are there."""
        return self._presence.present()

    def _set_timer(self) -> None:
        wait_seconds = (self._presence.next_due_ms() - self._clock.monotonic_ms()) / 1000
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(MIN_TICK_SECONDS, wait_seconds), self._tick)

    def _tick(self) -> None:
        findings = self._presence.advance(self._clock.monotonic_ms())
        self._changed = self._changed or bool(findings.changes)
        self._tell(findings)
        for one in findings.changes:
            heard = self._presence.heard(one.terminal)
            self._told(one.terminal, None if heard is None else heard.body.holder)
        self._set_timer()

    def _tell(self, findings: Findings) -> None:
        if not (findings.changes or findings.observations or findings.summaries):
            return
        at = stamp(self._clock)
        samples: list[Sample] = [
            TerminalSample(
                thing=one.terminal,
                observed_at_ms=at.observed_at_ms,
                monotonic_ms=at.monotonic_ms,
                present=one.present,
                battery_ratio=one.body.battery_ratio,
                charging=one.body.charging,
                storage_free_bytes=one.body.storage_free_bytes,
                wifi_rssi_dbm=one.body.wifi_rssi_dbm,
                app_version=one.body.app_version,
                content_token=one.body.content_token,
            )
            for one in findings.observations
        ]
        samples += [
            ClassroomSample(
                thing=one.classroom,
                observed_at_ms=at.observed_at_ms,
                monotonic_ms=at.monotonic_ms,
                terminals_present=one.present,
                terminals_known=one.known,
                checkins=one.checkins,
                battery_low=one.battery_low,
                wifi_weak=one.wifi_weak,
            )
            for one in findings.summaries
        ]
        events: list[Event] = [
            event(
                "terminal.present" if one.present else "terminal.absent",
                Kind.TERMINAL,
                one.terminal,
                at,
                silent_seconds=round(one.silent_ms / 1000, 1),
            )
            for one in findings.changes
        ]
        self._deliver(Reading(tuple(samples), tuple(events)))

    async def _remember_for_ever(self, folder: Path) -> None:
        while True:
            await asyncio.sleep(REMEMBER_SECONDS)
            if self._changed:
                await self._remember(folder)

    async def _remember(self, folder: Path) -> None:
        self._changed = False
        loop = asyncio.get_running_loop()
        remembered = self._presence.to_remember(self._wall_minus_monotonic_ms())
        try:
            await loop.run_in_executor(self._executor, memory.remember, folder, remembered)
        except OSError as error:
            self._log.warning("terminals_not_remembered", reason=str(error), folder=str(folder))
