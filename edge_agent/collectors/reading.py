"""What a collector gives back, and the one signature that all collectors share.

A collector measures one target once. It knows neither spool nor schedule; whoever calls it brings the deadline. It
keeps only what it needs to compare a measurement with the one before (counters, up or down), per target, inside
itself, so that two agents in one process never meet. A target that does not answer is data: a sample that says so,
not an exception.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Protocol, TypeVar

from edge_agent.clock import Clock
from protocols.events import EVENT_TYPES, MAX_TEXT_LENGTH, AttributeValue, Event
from protocols.samples import Kind, Sample

TargetT_contra = TypeVar("TargetT_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Reading:
    """Samples and events of one measurement; either may be empty."""

    samples: tuple[Sample, ...] = ()
    events: tuple[Event, ...] = ()

    def __add__(self, other: Reading) -> Reading:
        return Reading(self.samples + other.samples, self.events + other.events)


NOTHING = Reading()


class Collector(Protocol[TargetT_contra]):
    """One kind of measurement. Constructors are inert; whatever `collect` opens, `close` closes."""

    async def collect(self, target: TargetT_contra, deadline: float) -> Reading:
        """Measure `target` once; return at the latest about `deadline` (seconds of the running loop's clock).

        Never raises for a target that is away, slow or refusing. Calls for one device wait for each other.
        """
        ...

    async def close(self) -> None:
        """Release sockets and sessions."""
        ...


@dataclass(frozen=True, slots=True)
class Stamp:
    """The moment of a measurement on both clocks of the agent."""

    observed_at_ms: int
    monotonic_ms: int


def stamp(clock: Clock) -> Stamp:
    """Read both clocks."""
    return Stamp(clock.wall_ms(), clock.monotonic_ms())


def event(name: str, kind: Kind, thing: str, at: Stamp, **attributes: AttributeValue) -> Event:
    """Return an event with a new id; `name` is one of `protocols.events.EVENT_TYPES`.

    A text from outside (a library's error, a server's answer) is cut to what may travel: no event is lost for it.
    """
    if name not in EVENT_TYPES:
        raise ValueError(f"unknown event type {name!r}")
    return Event(
        event_id=uuid.uuid4().hex,
        type=name,
        kind=kind,
        thing=thing,
        observed_at_ms=at.observed_at_ms,
        monotonic_ms=at.monotonic_ms,
        attributes={key: _fit(value) if isinstance(value, str) else value for key, value in attributes.items()},
    )


def _fit(text: str) -> str:
    return text.replace("\0", "")[:MAX_TEXT_LENGTH]
