"""Routes of agents: presence, what they hold, their books, their events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from cloud.fleet import reading
from cloud.fleet.export import AGENTS
from cloud.fleet.schemas import AgentDetail, AgentList, EventList
from cloud.http import files, problems
from cloud.http.database import Reader
from cloud.http.paging import Limit, Offset, Search, like_pattern
from cloud.status.models import StatusWord
from protocols.status import Presence, Role

router = APIRouter(tags=["fleet"])

AgentKey = Annotated[str, Path(max_length=160, examples=["s07-gw"], description="Agent id.")]


def _filters(
    search: Search = None,
    role: Annotated[Role | None, Query(description="Only agents of this role.")] = None,
    school: Annotated[str | None, Query(max_length=160, description="School id.", examples=["s07"])] = None,
    presence: Annotated[
        Presence | None, Query(description="Only agents that said this last; one that was never heard said neither.")
    ] = None,
    status: Annotated[StatusWord | None, Query(description="Only agents of this status.")] = None,
    holding: Annotated[bool, Query(description="Only agents that hold something not yet receipted.")] = False,
) -> reading.AgentFilters:
    return reading.AgentFilters(
        pattern=like_pattern(search), role=role, school=school, presence=presence, status=status, holding=holding
    )


Filters = Annotated[reading.AgentFilters, Depends(_filters)]


@router.get("/agents", responses=problems.responses(422, 503))
async def agents(reader: Reader, filters: Filters, limit: Limit = 100, offset: Offset = 0) -> AgentList:
    """Agents of the inventory with presence, lag and what they hold."""
    return await reading.agents(reader, filters, limit, offset)


@router.get("/agents/file", response_class=Response, responses=files.responses(422, 503))
async def agents_file(request: Request, reader: Reader, filters: Filters, asked: files.Asked) -> Response:
    """Every agent that the filters keep, as a file for a spreadsheet."""
    found = await reading.agents(reader, filters, files.MOST_ROWS, 0)
    return await files.file_answer(request, asked, AGENTS, found.items)


@router.get("/agents/{agent}", responses=problems.responses(404, 422, 503))
async def agent(agent: AgentKey, reader: Reader) -> AgentDetail:
    """One agent with its ledger per epoch, what it holds per lane, and its host's newest metrics."""
    detail = await reading.agent(reader, agent)
    if detail is None:
        raise problems.not_found("agent", agent, hint="GET /api/v1/agents lists every agent of the inventory.")
    return detail


@router.get("/agents/{agent}/events", responses=problems.responses(404, 422, 503))
async def agent_events(
    agent: AgentKey,
    reader: Reader,
    event_type: Annotated[
        str | None, Query(alias="type", max_length=64, description="Event type.", examples=["port.changed"])
    ] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> EventList:
    """Events that an agent sent, newest first."""
    events = await reading.agent_events(reader, agent, event_type, limit, offset)
    if events is None:
        raise problems.not_found("agent", agent, hint="GET /api/v1/agents lists every agent of the inventory.")
    return events
