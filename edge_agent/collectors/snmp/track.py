"""What is remembered of one port between polls, and what is said of it: metrics each time, events once per change.

The rules are in `counters.py`; here is their memory. A port that is missing from one answer keeps its memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edge_agent.collectors.reading import Stamp, event
from edge_agent.collectors.snmp.counters import (
    DEVICE_WIDE,
    ClockReading,
    Implausible,
    Merged,
    PortReading,
    Rates,
    Refused,
    Reset,
    clock_drift,
    compare,
    device_reset,
)
from protocols.events import AttributeValue, Event
from protocols.samples import Kind

LARGEST_TOTAL = 2**63 - 1


@dataclass(frozen=True, slots=True)
class PortMetrics:
    """The catalogue's port metrics of one reading; rates are None over a reset, and the totals stay."""

    in_bps: int | None
    out_bps: int | None
    in_errors_per_second: float | None
    out_errors_per_second: float | None
    in_discards_per_second: float | None
    out_discards_per_second: float | None
    in_octets_total: int | None
    out_octets_total: int | None
    speed_bps: int | None
    oper_up: bool | None

    def as_fields(self) -> dict[str, Any]:
        """Return the fields that port and link samples share, for their constructors."""
        return {name: getattr(self, name) for name in self.__slots__}


class PortTrack:
    """The memory of one port (or of a link's port): `kind` and `thing` name it in events.

    `device_wide` says whether it also tells of what concerns its whole device; not where a `ClockTrack` does that.
    """

    def __init__(self, kind: Kind, thing: str, interval_seconds: float, *, device_wide: bool) -> None:
        self._kind = kind
        self._thing = thing
        self._interval_seconds = interval_seconds
        self._device_wide = device_wide
        self._base: PortReading | None = None
        self._state: PortReading | None = None
        self._troubles: set[str] = set()
        self.missed_polls = 0

    def missing(self) -> None:
        """Note that an answer did not hold this port; its memory stays."""
        self.missed_polls += 1

    def update(self, now: PortReading, at: Stamp) -> tuple[PortMetrics | None, list[Event]]:
        """Take in a reading; no metrics when it is merged with the one before."""
        self.missed_polls = 0
        outcome = compare(self._base, now, self._interval_seconds)
        events = self._state_change(now, at)
        self._state = now
        if isinstance(outcome, Merged):
            return None, events
        base, self._base = self._base, now
        rates = None
        if isinstance(outcome, Reset) and (self._device_wide or outcome.reason not in DEVICE_WIDE):
            events.append(self._event("counter.reset", at, reason=outcome.reason.value, if_index=now.if_index))
        elif isinstance(outcome, Refused):
            rates = outcome.rates
            attributes: dict[str, AttributeValue] = {"reason": outcome.reason.value, "speed_bps": now.speed_bps}
            events += self._trouble("counter.refused", at, True, attributes)
        elif isinstance(outcome, Rates):
            rates = outcome
            events += self._trouble("counter.refused", at, False, {})
        if rates is not None and base is not None:
            events += self._trouble(
                "counter.implausible", at, bool(rates.implausible), _raw(base, now, rates.implausible)
            )
            if self._device_wide:
                drift: dict[str, AttributeValue] = {"drift_ratio": rates.drift_ratio}
                events += self._trouble("counter.clock_drift", at, rates.drift_ratio is not None, drift)
        return _metrics(now, rates), events

    def _state_change(self, now: PortReading, at: Stamp) -> list[Event]:
        before = self._state
        if before is None:
            return []
        oper = _differs(before.oper_up, now.oper_up)
        admin = _differs(before.admin_up, now.admin_up)
        # ifLastChange moved while the state looks the same: the port went down and came back between two polls.
        # After a restart the stamp starts anew and says nothing.
        flapped = (
            not oper
            and now.oper_up is not None
            and _differs(before.if_last_change_cs, now.if_last_change_cs)
            and now.sys_up_time_cs >= before.sys_up_time_cs
            and (now.if_last_change_cs or 0) >= before.sys_up_time_cs
            and now.if_index == before.if_index
        )
        if not (oper or admin or flapped):
            return []
        return [
            self._event("port.changed", at, oper_up=now.oper_up, admin_up=now.admin_up, between_polls=flapped),
        ]

    def _trouble(self, name: str, at: Stamp, present: bool, attributes: dict[str, AttributeValue]) -> list[Event]:
        """Say a lasting trouble once when it begins and once when it ends."""
        if present == (name in self._troubles):
            return []
        self._troubles.symmetric_difference_update({name})
        return [self._event(name, at, begins=present, **(attributes if present else {}))]

    def _event(self, name: str, at: Stamp, **attributes: AttributeValue) -> Event:
        return event(name, self._kind, self._thing, at, **attributes)


class ClockTrack:
    """The memory of one device's clock: says restarts and drift once for all ports of the device."""

    def __init__(self, device: str, interval_seconds: float) -> None:
        self._device = device
        self._interval_seconds = interval_seconds
        self._before: ClockReading | None = None
        self._drifts = False

    def update(self, now: ClockReading, at: Stamp) -> list[Event]:
        """Take in a reading of the device's clock."""
        before = self._before
        if before is None:
            self._before = now
            return []
        if (reason := device_reset(before, now)) is not None:
            self._before = now
            return [event("counter.reset", Kind.DEVICE, self._device, at, reason=reason.value)]
        if now.at_seconds - before.at_seconds < self._interval_seconds / 2:
            return []
        self._before = now
        drift_ratio = clock_drift(before, now)
        if (drift_ratio is not None) == self._drifts:
            return []
        self._drifts = not self._drifts
        attributes: dict[str, AttributeValue] = {"drift_ratio": drift_ratio} if self._drifts else {}
        return [event("counter.clock_drift", Kind.DEVICE, self._device, at, begins=self._drifts, **attributes)]


def _differs(before: bool | int | None, now: bool | int | None) -> bool:
    return before is not None and now is not None and before != now


def _metrics(now: PortReading, rates: Rates | None) -> PortMetrics:
    return PortMetrics(
        in_bps=rates.in_bps if rates else None,
        out_bps=rates.out_bps if rates else None,
        in_errors_per_second=rates.in_errors_per_second if rates else None,
        out_errors_per_second=rates.out_errors_per_second if rates else None,
        in_discards_per_second=rates.in_discards_per_second if rates else None,
        out_discards_per_second=rates.out_discards_per_second if rates else None,
        in_octets_total=_total(now.in_octets),
        out_octets_total=_total(now.out_octets),
        speed_bps=now.speed_bps,
        oper_up=now.oper_up,
    )


def _total(octets: int | None) -> int | None:
    return octets if octets is not None and octets <= LARGEST_TOTAL else None


def _raw(before: PortReading, now: PortReading, found: tuple[Implausible, ...]) -> dict[str, AttributeValue]:
    """Everything needed to judge an implausible rate later; 64-bit values as text, for readers with float64 numbers."""
    attributes: dict[str, AttributeValue] = {
        "speed_bps": now.speed_bps,
        "sys_up_time_before_cs": before.sys_up_time_cs,
        "sys_up_time_cs": now.sys_up_time_cs,
    }
    for one in found:
        attributes[one.metric] = one.rate
        counter = _COUNTER_OF[one.metric]
        attributes[f"{counter}_before"] = str(getattr(before, counter))
        attributes[counter] = str(getattr(now, counter))
    return attributes


_COUNTER_OF = {
    "in_bps": "in_octets",
    "out_bps": "out_octets",
    "in_errors_per_second": "in_errors",
    "out_errors_per_second": "out_errors",
    "in_discards_per_second": "in_discards",
    "out_discards_per_second": "out_discards",
}
