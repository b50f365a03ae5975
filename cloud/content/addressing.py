"""Which agent should hold which push. Pure, apart from `contents`, which reads what it needs in one go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import psycopg

from cloud.content import reading
from cloud.content.audience import ClassPlace, classes_in, parse
from cloud.content.models import AgentPlace, Push
from protocols.content import Content, Manifest


@dataclass(frozen=True, slots=True)
class District:
    """What audiences are resolved against: classes in use, and which of them learn in a classroom."""

    classes: Sequence[ClassPlace]
    rooms: dict[str, set[str]]


async def district(connection: psycopg.AsyncConnection) -> District:
    """Read what audiences are resolved against."""
    return District(await reading.classes(connection), await reading.rooms(connection))


async def contents(connection: psycopg.AsyncConnection, agents: Iterable[AgentPlace]) -> dict[str, Content]:
    """Return what each agent should hold, by agent; the core holds nothing."""
    pushes = sorted(await reading.pushes(connection, withdrawn=False), key=_urgency)
    where = await district(connection)
    return {
        agent.agent: Content(
            manifests=[
                _manifest(push, classes) for push in pushes if (classes := classes_for(push, agent, where)) is not None
            ]
        )
        for agent in agents
        if agent.school is not None
    }


def classes_for(push: Push, agent: AgentPlace, where: District) -> list[str] | None:
    """Return the classes of the agent's school that a push is for, empty for all; None when the agent need not hold it.

    A gateway holds what anybody in its school needs, a classroom agent what the classes that learn in its room need.
    """
    if agent.school is None:
        return None
    classes = classes_in([parse(word) for word in push.audience], agent.school, where.classes)
    if classes and agent.classroom is not None and not where.rooms.get(agent.classroom, set()).intersection(classes):
        return None
    return classes


def _urgency(push: Push) -> tuple[bool, float, float]:
    before = 0.0 if push.before_at is None else push.before_at.timestamp()
    return push.before_at is None, before, push.created_at.timestamp()


def _manifest(push: Push, classes: list[str]) -> Manifest:
    return Manifest(
        manifest=push.manifest,
        token=push.token,
        title=push.title,
        resources=push.resources,
        classes=classes,
        before_ms=None if push.before_at is None else round(push.before_at.timestamp() * 1000),
    )
