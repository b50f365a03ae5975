"""The seam to an SNMP library: ask for OIDs, get plain values and the story of the exchange. No library in here.

Numeric OIDs without a leading dot, plain values out: integers for INTEGER, counters, gauges and TimeTicks, bytes for
octet strings, dotted text for OIDs and IP addresses. What the device does not have (noSuchObject, noSuchInstance,
endOfMibView) is absent from the values, never 0. A device that does not answer is an `Answer` with a `failure`, not
an exception.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from edge_agent.collectors.targets import DeviceTarget

Value = int | bytes | str


class Failure(StrEnum):
    """Why there is no answer."""

    TIMEOUT = "timeout"
    REFUSED = "refused"  # wrong user, key or security level: asking again cannot help
    NETWORK = "network"  # no route, name not resolved, port unreachable
    TOO_BIG = "too_big"  # the answer does not fit the agent's message: ask for less
    ERROR = "error"  # any other error-status, or an answer that cannot be read
    NOT_ASKED = "not_asked"  # it is left alone for a while, or there was no time for a fair try: says nothing of it


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one GET (one PDU).

    `at` is the loop time half way between the last request and its answer: the best guess of when the device read its
    counters. `rtt_seconds` is of that attempt alone; `retries` counts the attempts before it.
    """

    values: Mapping[str, Value] = field(default_factory=dict)
    at: float = 0.0
    rtt_seconds: float | None = None
    retries: int = 0
    failure: Failure | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TableAnswer:
    """Columns of a table: column OID → index (the OID's rest, dotted) → value. Complete, or `failure` says why not."""

    columns: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    at: float = 0.0
    rtt_seconds: float | None = None
    retries: int = 0
    failure: Failure | None = None
    reason: str = ""


class SnmpSession(Protocol):
    """A conversation with one device. Not concurrent: the caller keeps one exchange per device in flight."""

    async def get(self, oids: Sequence[str], deadline: float) -> Answer:
        """Ask for `oids` in one PDU; answers `TOO_BIG` rather than splitting it."""
        ...

    async def get_table(self, columns: Sequence[str], deadline: float) -> TableAnswer:
        """Walk several columns side by side with GETBULK, to their ends; smaller steps when the answer is tooBig."""
        ...

    async def close(self) -> None:
        """Release the socket."""
        ...


class SnmpDriver(Protocol):
    """Opens sessions: one driver per agent (and event loop)."""

    def open(self, target: DeviceTarget) -> SnmpSession:
        """Return a session for `target`; nothing is sent yet."""
        ...

    async def close(self) -> None:
        """Close what the sessions share."""
        ...
