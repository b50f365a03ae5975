"""What a scenario must come to: incidents, pages, statuses, availability; compared with what was seen. Pure.

A figure is expected as a number, or as the least and the most that it may be. Incidents are all there may be: one more
is a difference as well as one less.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

Span = float | Annotated[list[float], Meta(min_length=2, max_length=2)]
"""A figure, or the least and the most it may be."""
Seconds = Annotated[float, Meta(ge=0, le=90_000)]


class ExpectedIncident(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One incident. `root` is kind and key, as in `link s14-wan`; what is left out may be anything."""

    root: str
    kind: Literal["outage", "degradation", "blind_spot"] = "outage"
    state: Literal["open", "resolved"] = "resolved"
    reason: str | list[str] | None = None
    severity: Literal["p1", "p2", "p3", "p4"] | None = None
    """The worst that it was."""
    pages: Span = 1.0
    behind: Span | None = None
    """Things that it explained, of which nobody was told."""
    lesson_minutes: Span | None = None
    """Lost and saved together: whether a class goes on from its cache is another story."""
    lost_minutes: Span | None = None
    saved_minutes: Span | None = None
    unknown_minutes: Span | None = None


class ExpectedStatus(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a thing is held to be at a moment."""

    at_seconds: Seconds
    thing: str
    status: str


class ExpectedLink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a line's time comes to, as a report of its availability would count it."""

    link: str
    down_seconds: Span = 0.0
    unknown_seconds: Span = 0.0


class Expectations(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that is expected, looked at so long after the agents begin to start."""

    at_seconds: Seconds
    pages: Span | None = None
    """All that is sent to the one who is on duty, but for the word that it is over."""
    incidents: list[ExpectedIncident] = []
    statuses: list[ExpectedStatus] = []
    links: list[ExpectedLink] = []


class SeenIncident(Struct, frozen=True, kw_only=True):
    """An incident as the tables hold it."""

    root: str
    kind: str
    state: str
    reason: str
    severity: str
    pages: int
    behind: int
    lost_minutes: float
    saved_minutes: float
    unknown_minutes: float

    @property
    def lesson_minutes(self) -> float:
        """Minutes of lessons that the fault stood in the way of."""
        return self.lost_minutes + self.saved_minutes


class Seen(Struct, frozen=True, kw_only=True):
    """What was seen; statuses in the order in which they were asked for."""

    pages: int
    incidents: list[SeenIncident]
    statuses: list[str | None]
    links: dict[str, tuple[float, float]]
    """Seconds down and unknown."""


class Difference(Struct, frozen=True, kw_only=True):
    """Something that is not as expected."""

    what: str
    expected: str
    seen: str


def differences(expected: Expectations, seen: Seen) -> list[Difference]:
    """Return everything that is not as expected."""
    return list(_differences(expected, seen))


def _differences(expected: Expectations, seen: Seen) -> Iterator[Difference]:
    yield from _figure("pages", expected.pages, seen.pages)
    left = list(seen.incidents)
    for one in expected.incidents:
        found = next((other for other in left if other.root == one.root), None)
        if found is None:
            yield Difference(what=f"incident {one.root}", expected="there", seen="missing")
            continue
        left.remove(found)
        yield from _incident(one, found)
    for other in left:
        yield Difference(what=f"incident {other.root}", expected="none", seen=f"{other.kind}, {other.reason}")
    for wanted, status in zip(expected.statuses, seen.statuses, strict=True):
        if wanted.status != status:
            what = f"status of {wanted.thing} at {wanted.at_seconds:g} s"
            yield Difference(what=what, expected=wanted.status, seen=status or "none")
    for line in expected.links:
        down, unknown = seen.links[line.link]
        yield from _figure(f"{line.link} down_seconds", line.down_seconds, down)
        yield from _figure(f"{line.link} unknown_seconds", line.unknown_seconds, unknown)


def _incident(expected: ExpectedIncident, seen: SeenIncident) -> Iterator[Difference]:
    for name in ("kind", "state", "reason", "severity"):
        wanted = getattr(expected, name)
        allowed: Sequence[str] = wanted if isinstance(wanted, list) else [wanted]
        if wanted is not None and getattr(seen, name) not in allowed:
            what = f"{name} of {expected.root}"
            yield Difference(what=what, expected=" or ".join(allowed), seen=getattr(seen, name))
    for name in ("pages", "behind", "lesson_minutes", "lost_minutes", "saved_minutes", "unknown_minutes"):
        yield from _figure(f"{name} of {expected.root}", getattr(expected, name), getattr(seen, name))


def _figure(what: str, expected: Span | None, seen: float) -> Iterator[Difference]:
    if expected is None:
        return
    least, most = expected if isinstance(expected, list) else (expected, expected)
    if not least <= seen <= most:
        words = f"{least:g}" if least == most else f"{least:g} to {most:g}"
        yield Difference(what=what, expected=words, seen=f"{seen:g}")
