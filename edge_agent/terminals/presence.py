"""Who is there: the pure engine behind terminal check-ins. No clock, no I/O; every call is told the time.

Times are milliseconds of a clock that never goes back (the agent's time since boot), so wall-clock jumps do nothing.

Invariants:
- a terminal is present from a check-in until `absent_after_ms` without one; each change is told exactly once;
- the first sight of a terminal is a sample and no event: nothing is known of before;
- a present terminal is sampled once per `sample_seconds` at its own phase (a hash of its id), so that 700 never fall
  into one second, also not after a restart; and at once when a fact changes that somebody acts on;
- an absent terminal is sampled once, when it becomes absent, and then remembered but silent;
- at most `max_terminals` are remembered; a new one takes the place of the one that is absent longest.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from zlib import crc32

from edge_agent.terminals.values import SILENT, CheckIn, CheckInBody, PresenceRules, TooManyTerminals

BATTERY_LOW = (0.20, 0.25)
"""Below the first a battery is low, above the second it is so no more."""
WIFI_WEAK = (-75.0, -70.0)
"""Below the first a signal is weak (dBm), above the second it is so no more."""
STORAGE_LOW = (1_000_000_000, 1_500_000_000)
"""Below the first storage is short (bytes), above the second it is so no more."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A terminal became present or absent; `silent_ms` is how long nothing was heard of it before."""

    terminal: str
    present: bool
    silent_ms: int


@dataclass(frozen=True, slots=True)
class Observed:
    """A terminal's facts are due as a sample."""

    terminal: str
    present: bool
    body: CheckInBody


@dataclass(frozen=True, slots=True)
class Summary:
    """A classroom's terminals in sum; `checkins` since the summary before."""

    classroom: str
    present: int
    known: int
    checkins: int
    battery_low: int
    wifi_weak: int


@dataclass(frozen=True, slots=True)
class Findings:
    """What one call found out, to be told by whoever called."""

    changes: tuple[Changed, ...] = ()
    observations: tuple[Observed, ...] = ()
    summaries: tuple[Summary, ...] = ()


NOTHING_FOUND = Findings()


@dataclass(frozen=True, slots=True)
class Remembered:
    """What outlives a restart. `seen_at_ms` is the wall clock of the last check-in, where one is known of."""

    terminal: str
    present: bool
    classroom: str | None = None
    seen_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """What a terminal last said and when.

    `said_ms` counts like every time here; None for a terminal that has said nothing since the agent's start, of which
    only `seen_at_ms` (wall clock, if even that) is remembered.
    """

    terminal: str
    present: bool
    body: CheckInBody
    said_ms: int | None
    seen_at_ms: int | None


@dataclass(slots=True)
class _Terminal:
    """`heard_ms` is the last check-in; for one remembered over a restart, the start.

    `watch` numbers its present stretch of presence; what was scheduled for an earlier one is void.
    """

    id: str
    classroom: str | None
    heard_ms: int
    present: bool
    body: CheckInBody = SILENT
    battery_low: bool = False
    wifi_weak: bool = False
    storage_low: bool = False
    checkins: int = 0
    watch: int = 0
    said: bool = False
    seen_at_ms: int | None = None

    def heard(self) -> Heard:
        """Return what it last said."""
        return Heard(self.id, self.present, self.body, self.heard_ms if self.said else None, self.seen_at_ms)


@dataclass(slots=True)
class Presence:
    """The terminals of one agent. `classroom` is the room of those that name none."""

    rules: PresenceRules
    started_ms: int
    classroom: str | None = None
    remembered: Iterable[Remembered] = ()
    _terminals: dict[str, _Terminal] = field(default_factory=dict, init=False)
    _due: list[tuple[int, int, int, str]] = field(default_factory=list, init=False)
    _summary_due_ms: int = field(default=0, init=False)
    _present: int = field(default=0, init=False)
    _watches: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        for one in self.remembered:
            if len(self._terminals) == self.rules.max_terminals:
                break
            terminal = _Terminal(one.terminal, one.classroom or self.classroom, self.started_ms, one.present)
            terminal.seen_at_ms = one.seen_at_ms
            self._terminals[terminal.id] = terminal
            if terminal.present:
                self._present += 1
                self._watch(terminal)
        self.remembered = ()
        period_ms = round(self.rules.summary_seconds * 1000)
        self._summary_due_ms = self.started_ms + period_ms - self.started_ms % period_ms

    def check_in(self, checkin: CheckIn, now_ms: int) -> Findings:
        """Take a check-in; return what it changed.

        Raises:
            TooManyTerminals: an unknown terminal, and no absent one whose place it could take.
        """
        terminal = self._terminals.get(checkin.terminal)
        if terminal is None:
            return self._first_sight(checkin, now_ms)
        silent_ms = now_ms - terminal.heard_ms
        terminal.heard_ms = now_ms
        terminal.checkins += 1
        news = self._take(terminal, checkin.body)
        if terminal.present:
            return Findings(observations=(_observed(terminal),)) if news else NOTHING_FOUND
        terminal.present = True
        self._present += 1
        self._watch(terminal)
        return Findings((Changed(terminal.id, True, silent_ms),), (_observed(terminal),))

    def advance(self, now_ms: int) -> Findings:
        """Return everything that became due up to now: absences, samples, summaries."""
        changes: list[Changed] = []
        observations: list[Observed] = []
        while self._due and self._due[0][0] <= now_ms:
            due_ms, watch, task, terminal_id = heapq.heappop(self._due)
            terminal = self._terminals.get(terminal_id)
            if terminal is None or not terminal.present or terminal.watch != watch:
                continue
            if task == _SAMPLE:
                observations.append(_observed(terminal))
                self._schedule(terminal, _SAMPLE, self._next_sample_ms(terminal_id, max(due_ms, now_ms)))
            elif (silent_ms := now_ms - terminal.heard_ms) < self.rules.absent_after_ms:
                self._schedule(terminal, _ABSENCE, terminal.heard_ms + self.rules.absent_after_ms)
            else:
                self._present -= 1
                terminal.present = False
                changes.append(Changed(terminal_id, False, silent_ms))
                observations.append(_observed(terminal))
        return Findings(tuple(changes), tuple(observations), tuple(self._summaries(now_ms)))

    def next_due_ms(self) -> int:
        """Return when `advance` has something to do at the earliest."""
        return min(self._due[0][0], self._summary_due_ms) if self._due else self._summary_due_ms

    def known(self) -> int:
        """Return how many terminals are remembered."""
        return len(self._terminals)

    def present(self) -> int:
        """Return how many terminals are there."""
        return self._present

    def heard(self, terminal: str) -> Heard | None:
        """Return what a terminal last said, or None when it is not known."""
        known = self._terminals.get(terminal)
        return None if known is None else known.heard()

    def all_heard(self) -> list[Heard]:
        """Return what every known terminal last said."""
        return [one.heard() for one in self._terminals.values()]

    def to_remember(self, wall_minus_monotonic_ms: int) -> list[Remembered]:
        """Return what a restarted agent should know; the difference of the clocks turns times into wall clock."""
        return [
            Remembered(
                one.id,
                one.present,
                one.classroom,
                one.heard_ms + wall_minus_monotonic_ms if one.said else one.seen_at_ms,
            )
            for one in self._terminals.values()
        ]

    def _first_sight(self, checkin: CheckIn, now_ms: int) -> Findings:
        if len(self._terminals) >= self.rules.max_terminals:
            self._forget_one()
        terminal = _Terminal(checkin.terminal, self.classroom, now_ms, present=True, checkins=1)
        self._take(terminal, checkin.body)
        self._terminals[terminal.id] = terminal
        self._present += 1
        self._watch(terminal)
        return Findings(observations=(_observed(terminal),))

    def _forget_one(self) -> None:
        absent = [one for one in self._terminals.values() if not one.present]
        if not absent:
            raise TooManyTerminals(f"{len(self._terminals)} terminals are present, more are not taken")
        del self._terminals[min(absent, key=lambda one: one.heard_ms).id]

    def _watch(self, terminal: _Terminal) -> None:
        self._watches += 1
        terminal.watch = self._watches
        self._schedule(terminal, _ABSENCE, terminal.heard_ms + self.rules.absent_after_ms)
        self._schedule(terminal, _SAMPLE, self._next_sample_ms(terminal.id, terminal.heard_ms))

    def _schedule(self, terminal: _Terminal, task: int, due_ms: int) -> None:
        heapq.heappush(self._due, (due_ms, terminal.watch, task, terminal.id))

    def _next_sample_ms(self, terminal_id: str, after_ms: int) -> int:
        period_ms = round(self.rules.sample_seconds * 1000)
        phase_ms = crc32(terminal_id.encode()) % period_ms
        return after_ms + period_ms - (after_ms - phase_ms) % period_ms

    def _take(self, terminal: _Terminal, body: CheckInBody) -> bool:
        """Take over what a terminal says; return whether somebody would act on the difference."""
        before = (
            terminal.body.charging,
            terminal.body.app_version,
            terminal.body.content_token,
            terminal.classroom,
            terminal.battery_low,
            terminal.wifi_weak,
            terminal.storage_low,
        )
        terminal.body = body
        terminal.said = True
        terminal.classroom = body.classroom or terminal.classroom or self.classroom
        terminal.battery_low = _below(body.battery_ratio, BATTERY_LOW, terminal.battery_low)
        terminal.wifi_weak = _below(body.wifi_rssi_dbm, WIFI_WEAK, terminal.wifi_weak)
        terminal.storage_low = _below(body.storage_free_bytes, STORAGE_LOW, terminal.storage_low)
        return before != (
            body.charging,
            body.app_version,
            body.content_token,
            terminal.classroom,
            terminal.battery_low,
            terminal.wifi_weak,
            terminal.storage_low,
        )

    def _summaries(self, now_ms: int) -> Iterator[Summary]:
        if now_ms < self._summary_due_ms:
            return
        period_ms = round(self.rules.summary_seconds * 1000)
        self._summary_due_ms = now_ms + period_ms - now_ms % period_ms
        rooms: dict[str, list[_Terminal]] = {} if self.classroom is None else {self.classroom: []}
        for terminal in self._terminals.values():
            if terminal.classroom is not None:
                rooms.setdefault(terminal.classroom, []).append(terminal)
        for classroom, terminals in rooms.items():
            there = [one for one in terminals if one.present]
            yield Summary(
                classroom=classroom,
                present=len(there),
                known=len(terminals),
                checkins=sum(one.checkins for one in terminals),
                battery_low=sum(one.battery_low for one in there),
                wifi_weak=sum(one.wifi_weak for one in there),
            )
            for one in terminals:
                one.checkins = 0


_ABSENCE, _SAMPLE = 0, 1


def _observed(terminal: _Terminal) -> Observed:
    return Observed(terminal.id, terminal.present, terminal.body)


def _below(value: float | None, band: tuple[float, float], was: bool) -> bool:
    """Tell whether a value is low, without flapping between the edges of the band; an unknown value changes nothing."""
    if value is None:
        return was
    return value < (band[1] if was else band[0])
