"""How an agent is: the values it shows of itself, and the watch over its wall clock.

The values are what `GET /v1/status`, the local page and `bellwether agent status` show; no I/O in here.
"""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct, structs

from edge_agent.collectors.reading import Reading
from edge_agent.receivers.books import ReceiverState
from edge_agent.scheduler import Course
from edge_agent.spool import SpoolStats
from edge_agent.uplink.values import UplinkSnapshot
from protocols.desired import DocumentKind, Validity
from protocols.samples import DeviceSample
from protocols.status import Role

CLOCK_STEP_SECONDS = 2.0
"""Two seconds: below it, NTP slews; the cloud corrects times beyond it from the monotonic clock."""


_DEVICE_EVENTS = {
    "device.reachable": (True, False),
    "device.unreachable": (False, False),
    "device.refused": (True, True),
}
"""What a device's events say of it: reachable, refused."""


class DeviceState(Struct, frozen=True, kw_only=True):
    """A device as last heard of; `reachable` is None before the first answer or silence.

    Polls and events both tell: whichever collector meets the change says it once, and while the device's breaker
    holds the polls back there is no sample to say it again.
    """

    device: str
    reachable: bool | None = None
    refused: bool = False
    since_ms: int | None = None
    polled_at_ms: int | None = None

    def after(self, reading: Reading) -> DeviceState:
        """Return the state after a reading; of one poll the events came last."""
        state = self
        for sample in reading.samples:
            if isinstance(sample, DeviceSample) and sample.thing == self.device:
                state = state._turned(sample.reachable, state.refused and sample.reachable, sample.observed_at_ms)
                state = structs.replace(state, polled_at_ms=sample.observed_at_ms)
        for one in reading.events:
            if one.thing == self.device and one.type in _DEVICE_EVENTS:
                state = state._turned(*_DEVICE_EVENTS[one.type], one.observed_at_ms)
        return state

    def _turned(self, reachable: bool, refused: bool, at_ms: int) -> DeviceState:
        if (reachable, refused) == (self.reachable, self.refused):
            return self
        return structs.replace(self, reachable=reachable, refused=refused, since_ms=at_ms)


class TerminalsState(Struct, frozen=True, kw_only=True):
    """The terminals that check in here."""

    known: int
    present: int
    checkins_total: int


class DesiredDocumentState(Struct, frozen=True, kw_only=True):
    """One kind of desired state: the token in force, when the centre made it, and whether it is what is desired."""

    kind: DocumentKind
    token: str | None
    made_at_ms: int | None
    validity: Validity
    reason: str = ""


class CentreState(Struct, frozen=True, kw_only=True):
    """The centre's HTTP API as last met; `reachable` is None before the first answer or failure."""

    url: str
    reachable: bool | None
    reason: str
    since_ms: int
    documents: list[DesiredDocumentState]
    reported_at_ms: int | None = None


class AgentStatus(Struct, frozen=True, kw_only=True):
    """Everything an agent knows of itself at one moment (`at_ms`, its own wall clock)."""

    agent: str
    role: Role
    software: str
    instance: str
    boot: str
    at_ms: int
    started_at_ms: int
    uplink: UplinkSnapshot
    spool: SpoolStats
    spool_max_bytes: int
    devices: list[DeviceState]
    terminals: TerminalsState
    collectors: list[Course]
    receivers: list[ReceiverState] = []
    centre: CentreState | None = None
    agent_rss_bytes: int | None = None
    agent_cpu_ratio: float | None = None
    given_up_events: int = 0
    faults: list[str] = []


@dataclass(slots=True)
class ClockWatch:
    """Notices when the wall clock jumps against the clock since boot. Pure: it is told both.

    A slow drift is followed without a word; a step is told once, and the new difference is the normal one from then on.
    """

    _difference_ms: int | None = None

    def look(self, wall_ms: int, monotonic_ms: int) -> float | None:
        """Return by how many seconds the wall clock has stepped since the last look, or None."""
        difference_ms = wall_ms - monotonic_ms
        before_ms, self._difference_ms = self._difference_ms, difference_ms
        if before_ms is None:
            return None
        step_seconds = (difference_ms - before_ms) / 1000
        return step_seconds if abs(step_seconds) >= CLOCK_STEP_SECONDS else None
