"""What the body of each kind of document is made from: one builder per kind, the only place that knows the sources."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import psycopg

from cloud.content.addressing import contents
from cloud.content.models import AgentPlace
from cloud.desired import reading
from cloud.desired.models import targets_of
from cloud.privacy.tombstones import erasures_for
from cloud.roster.mirror import roster_for, timetable_for
from protocols.desired import Body, DocumentKind

Bodies = Callable[[psycopg.AsyncConnection, Sequence[AgentPlace]], Awaitable[Mapping[str, Body]]]
"""Returns the body of each agent that should have one, by agent id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """How one kind is made: for so many agents at once, and at least so often though nobody asked."""

    bodies: Bodies
    interval_seconds: float
    batch_agents: int = 1000


OfAgent = Callable[[psycopg.AsyncConnection, str], Awaitable[Body | None]]
"""Returns the body of one agent; None when it should have none."""


def each(of_agent: OfAgent) -> Bodies:
    """Return a builder's `bodies` from a source that answers for one agent at a time."""

    async def bodies(connection: psycopg.AsyncConnection, agents: Sequence[AgentPlace]) -> Mapping[str, Body]:
        found: dict[str, Body] = {}
        for agent in agents:
            body = await of_agent(connection, agent.agent)
            if body is not None:
                found[agent.agent] = body
        return found

    return bodies


async def _targets(connection: psycopg.AsyncConnection, agents: Sequence[AgentPlace]) -> Mapping[str, Body]:
    targets = await reading.targets(connection)
    return {agent.agent: targets_of(agent.school, targets) for agent in agents if agent.school is not None}


def builders(time_zone: str) -> dict[DocumentKind, Builder]:
    """Return the builder of every kind; `time_zone` is the district's, in which a timetable's days begin.

    Rosters and timetables are large and an import tells of itself, so they are looked at less often.
    """
    zone = ZoneInfo(time_zone)

    async def timetable(connection: psycopg.AsyncConnection, agent: str) -> Body | None:
        return await timetable_for(connection, agent, datetime.now(zone).date(), time_zone=time_zone)

    return {
        DocumentKind.CONTENT: Builder(bodies=contents, interval_seconds=10.0),
        DocumentKind.TERMINALS: Builder(bodies=_targets, interval_seconds=10.0),
        DocumentKind.ERASURE: Builder(bodies=each(erasures_for), interval_seconds=10.0, batch_agents=100),
        DocumentKind.ROSTER: Builder(bodies=each(roster_for), interval_seconds=60.0, batch_agents=25),
        DocumentKind.TIMETABLE: Builder(bodies=each(timetable), interval_seconds=60.0, batch_agents=25),
    }
