"""The terminals of the district: when they are on, what they say of themselves, and in which order they say it.

A room's tablets wake together, as they do when a teacher says so; a large gateway's are spread in groups over the
interval, so that no second carries a school's whole load. Pure apart from each tablet's battery.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edge_agent.terminals import CheckIn, CheckInBody
from ops.simulator.records import Terminal
from ops.simulator.school_day import Phase
from ops.simulator.traffic import unit

CHECKIN_SECONDS = 30.0
GROUP = 48
ABSENT_SHARE = 0.02
WEAK_SIGNAL_SHARE = 0.04
APP_VERSIONS = ("4.2.0", "4.2.1", "4.1.9")
USE_PER_HOUR = 0.09
CHARGE_PER_HOUR = 0.6


class Tablet:
    """One terminal."""

    __slots__ = ("_at_home", "_rssi_dbm", "_storage_bytes", "app_version", "battery", "charging", "terminal")

    def __init__(self, terminal: str) -> None:
        self.terminal = terminal
        self.battery = 0.35 + 0.65 * unit(f"{terminal}/battery")
        self.charging = False
        self._at_home = unit(f"{terminal}/absent") < ABSENT_SHARE
        weak = unit(f"{terminal}/weak") < WEAK_SIGNAL_SHARE
        self._rssi_dbm = round((-82.0 if weak else -48.0) - 14 * unit(f"{terminal}/rssi"))
        self._storage_bytes = int(unit(f"{terminal}/storage") * 40e9)
        self.app_version = APP_VERSIONS[int(unit(f"{terminal}/version") ** 3 * len(APP_VERSIONS))]

    def is_on(self, phase: Phase) -> bool:
        """Whether it checks in at this time of the school day; some stay at home."""
        return phase is not Phase.CLOSED and not self._at_home

    def check_in(self, hours_since_last: float) -> CheckIn:
        """Return what it says now, its battery drained or charged since the last time."""
        if self.charging:
            self.battery = min(1.0, self.battery + CHARGE_PER_HOUR * hours_since_last)
            self.charging = self.battery < 0.95
        else:
            self.battery = max(0.02, self.battery - USE_PER_HOUR * hours_since_last)
            self.charging = self.battery < 0.15
        return CheckIn(
            self.terminal,
            CheckInBody(
                battery_ratio=round(self.battery, 3),
                charging=self.charging,
                storage_free_bytes=self._storage_bytes,
                wifi_rssi_dbm=float(self._rssi_dbm),
                app_version=self.app_version,
                content_token="",
            ),
        )


@dataclass(frozen=True, slots=True)
class Group:
    """Tablets that check in together at `offset_seconds` of every round of `CHECKIN_SECONDS`."""

    offset_seconds: float
    agent: str
    tablets: tuple[Tablet, ...]


def groups(terminals: Iterable[Terminal]) -> list[Group]:
    """Return the round of check-ins of these terminals, in the order of time."""
    by_agent: dict[str, list[Tablet]] = defaultdict(list)
    for terminal in terminals:
        by_agent[terminal.agent].append(Tablet(terminal.terminal))
    return sorted(
        (group for agent, tablets in by_agent.items() for group in _groups_of(agent, tablets)),
        key=lambda group: (group.offset_seconds, group.agent),
    )


def _groups_of(agent: str, tablets: list[Tablet]) -> Iterator[Group]:
    count = -(-len(tablets) // GROUP)
    first = unit(f"{agent}/round")
    for number in range(count):
        offset = (first + number / count) % 1 * CHECKIN_SECONDS
        yield Group(offset, agent, tuple(tablets[number::count]))
