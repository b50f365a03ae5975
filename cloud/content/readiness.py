"""Where a push has arrived, from what agents report. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from cloud.content.addressing import District, classes_for
from cloud.content.models import AgentPlace, Push
from cloud.content.schemas import AgentReadiness, Readiness, State
from cloud.desired.models import DocumentState, SyncState


def of_agents(
    push: Push,
    agents: Iterable[AgentPlace],
    where: District,
    states: Mapping[str, DocumentState],
    held: Mapping[str, Collection[tuple[str, str]]],
) -> list[AgentReadiness]:
    """Return where a push stands on every agent that should hold it; on none once it is withdrawn."""
    if push.withdrawn_at is not None:
        return []
    return [
        _of_agent(push, agent, states.get(agent.agent), held.get(agent.agent, ()))
        for agent in agents
        if classes_for(push, agent, where) is not None
    ]


def counted(agents: Collection[AgentReadiness]) -> Readiness:
    """Count agents by state."""
    by_state = Counter(agent.state for agent in agents)
    return Readiness(
        agents=len(agents),
        ready=by_state["ready"],
        pending=by_state["pending"],
        invalid=by_state["invalid"],
        unknown=by_state["unknown"],
    )


def _of_agent(
    push: Push, agent: AgentPlace, state: DocumentState | None, held: Collection[tuple[str, str]]
) -> AgentReadiness:
    return AgentReadiness(
        agent=agent.agent,
        school=agent.school,
        state=_state(push, state, held),
        reason="" if state is None else state.reason,
        missing_bytes=None if state is None else state.missing_bytes,
        proved_at=None if state is None else state.proved_at,
    )


def _state(push: Push, state: DocumentState | None, held: Collection[tuple[str, str]]) -> State:
    if (push.manifest, push.token) in held:
        return "ready"
    if state is None or state.validity is None:
        return "unknown"
    return "invalid" if state.state is SyncState.INVALID else "pending"
