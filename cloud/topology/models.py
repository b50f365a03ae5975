"""The overlay: declared tree and told neighbours become edges, each with what is to be said of it. Pure.

A neighbour is taken for a device of the inventory by its hardware address, its management address or its name, and
only where that means one device. A device that was never heard to speak LLDP or CDP proves nothing by its silence.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class EdgeState(StrEnum):
    """What is to be said of two devices that hang together, or should."""

    CONFIRMED = "confirmed"
    """Declared and seen."""
    OTHER_PORT = "other_port"
    """Seen at its declared parent, at another port than declared."""
    MOVED = "moved"
    """Not seen at its declared parent but at another device."""
    MISSING = "missing"
    """Declared, and not seen though at least one of the two tells its neighbours."""
    UNDECLARED = "undeclared"
    """Seen and not declared."""
    LINE = "line"
    """What stands at the port of a declared link: the provider's end of the line, or ours beyond it."""
    UNKNOWN = "unknown"
    """Declared, and not to be known: neither tells its neighbours, or a provider's line lies between the two."""


DRIFT = frozenset({EdgeState.OTHER_PORT, EdgeState.MOVED, EdgeState.MISSING, EdgeState.UNDECLARED})
"""Where the inventory and what is seen differ."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A device as the inventory has it, and how it calls itself, where it was read."""

    device: str
    name: str = ""
    school: str | None = None
    address: str = ""
    parent: str | None = None
    parent_port: str | None = None
    protocols: str = ""
    chassis: str = ""
    system_name: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One neighbour as a device told it."""

    device: str
    port: str
    protocol: str
    chassis: str
    remote_port: str
    since: datetime
    told_at: datetime
    system_name: str = ""
    address: str = ""
    platform: str = ""
    capabilities: str = ""


@dataclass(slots=True)
class Edge:
    """Two devices that hang together or should: the upper one with its ports, the lower one with its.

    `neighbour` is None for what the inventory does not know; it is then named by what it says of itself.
    """

    state: EdgeState
    device: str
    neighbour: str | None = None
    declared_parent: str | None = None
    declared_port: str | None = None
    ports: list[str] = field(default_factory=list)
    neighbour_ports: list[str] = field(default_factory=list)
    protocols: list[str] = field(default_factory=list)
    seen_by: list[str] = field(default_factory=list)
    system_name: str = ""
    chassis: str = ""
    address: str = ""
    platform: str = ""
    capabilities: str = ""
    since: datetime | None = None
    told_at: datetime | None = None


def overlay(devices: Sequence[Declared], sightings: Iterable[Sighting], line_ports: set[tuple[str, str]]) -> list[Edge]:
    """Return every edge, declared ones in the order of the devices, then what is seen beyond them."""
    known = {one.device: one for one in devices}
    pairs: dict[frozenset[str], list[Sighting]] = defaultdict(list)
    strangers: dict[tuple[str, str, str], list[Sighting]] = defaultdict(list)
    match = _matcher(devices)
    for one in sightings:
        if one.device not in known:
            continue
        other = match(one)
        if other is None:
            strangers[one.device, one.port, (one.system_name or one.chassis).casefold()].append(one)
        elif other != one.device:
            pairs[frozenset((one.device, other))].append(one)
    edges = [_declared(child, known, pairs) for child in devices if child.parent is not None and child.parent in known]
    used = {frozenset((edge.device, edge.neighbour)) for edge in edges if edge.neighbour is not None}
    for pair, seen in pairs.items():
        if pair not in used:
            at_line = any((one.device, one.port) in line_ports for one in seen)
            first = seen[0].device
            (other,) = pair - {first}
            edges.append(_seen(Edge(EdgeState.LINE if at_line else EdgeState.UNDECLARED, first, other), seen))
    for (device, port, _), seen in strangers.items():
        state = EdgeState.LINE if (device, port) in line_ports else EdgeState.UNDECLARED
        edges.append(_seen(Edge(state, device), seen))
    return edges


def _declared(child: Declared, known: dict[str, Declared], pairs: dict[frozenset[str], list[Sighting]]) -> Edge:
    parent = known[child.parent or ""]
    edge = Edge(EdgeState.CONFIRMED, parent.device, child.device, parent.device, child.parent_port)
    seen = pairs.get(frozenset((parent.device, child.device)))
    if seen:
        _seen(edge, seen)
        # Only the parent's own word tells which port it is; the child may call it something else.
        own = {one.port for one in seen if one.device == parent.device}
        if child.parent_port is not None and own and child.parent_port not in own:
            edge.state = EdgeState.OTHER_PORT
        return edge
    # Between a school and the centre lies a provider's line, which carries no LLDP: not to be seen across it is usual.
    if parent.school != child.school or not (parent.protocols or child.protocols):
        edge.state = EdgeState.UNKNOWN
        return edge
    for pair, elsewhere in pairs.items():
        if child.device in pair:
            (other,) = pair - {child.device}
            if known[other].parent != child.device:
                edge.state, edge.device = EdgeState.MOVED, other
                return _seen(edge, elsewhere)
    edge.state = EdgeState.MISSING
    return edge


def _seen(edge: Edge, sightings: Sequence[Sighting]) -> Edge:
    """Add to an edge what was told of it, from either side."""
    upper = [one for one in sightings if one.device == edge.device]
    lower = [one for one in sightings if one.device != edge.device]
    edge.ports = _distinct(one.port for one in upper) or _distinct(one.remote_port for one in lower)
    edge.neighbour_ports = _distinct(one.port for one in lower) or _distinct(one.remote_port for one in upper)
    edge.protocols = _distinct(one.protocol for one in sightings)
    edge.seen_by = _distinct(one.device for one in sightings)
    for name in ("system_name", "chassis", "address", "platform", "capabilities"):
        setattr(edge, name, next((value for one in upper if (value := getattr(one, name))), ""))
    edge.since = min(one.since for one in sightings)
    edge.told_at = max(one.told_at for one in sightings)
    return edge


def _distinct(texts: Iterable[str]) -> list[str]:
    return sorted({text for text in texts if text})


def _matcher(devices: Sequence[Declared]) -> Callable[[Sighting], str | None]:
    """Return what finds the one device that a neighbour is."""
    by_chassis = _unique((one.chassis, one.device) for one in devices)
    by_address = _unique((one.address, one.device) for one in devices)
    by_name = _unique((name, one.device) for one in devices for name in _names(one))

    def match(seen: Sighting) -> str | None:
        name = seen.system_name.casefold()
        return (
            by_chassis.get(seen.chassis)
            or by_address.get(seen.address)
            or by_name.get(name)
            or by_name.get(name.partition(".")[0])
        )

    return match


def _names(device: Declared) -> set[str]:
    return {one.casefold() for one in (device.device, device.name, device.system_name) if one}


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found = [pair for pair in pairs if pair[0]]
    counts = Counter(key for key, _ in found)
    return {key: device for key, device in found if counts[key] == 1}


def counted(edges: Iterable[Edge]) -> dict[str, int]:
    """Return how many edges there are of each state, none left out."""
    counts = Counter(edge.state for edge in edges)
    return {state.value: counts[state] for state in EdgeState}


def of_school(edges: Iterable[Edge], devices: set[str]) -> Iterator[Edge]:
    """Return the edges that touch one of the devices."""
    return (edge for edge in edges if edge.device in devices or edge.neighbour in devices)
