"""Routes of incidents: seen by anybody, acted upon by whoever holds the operator's token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from cloud.errors import IncidentChanged, IncidentRefused, IncidentUnknown
from cloud.http import files, problems
from cloud.http.database import Reader, Writer
from cloud.http.paging import Limit, Offset
from cloud.http.problems import ProblemError
from cloud.http.token import operator_token
from cloud.incidents import reading, service
from cloud.incidents.export import INCIDENTS
from cloud.incidents.models import IncidentKind, IncidentState, Severity
from cloud.incidents.schemas import (
    Acknowledge,
    Assign,
    Close,
    Comment,
    IncidentDetail,
    IncidentList,
    Merge,
    Split,
)

router = APIRouter(tags=["incidents"])

Number = Annotated[int, Path(ge=1, examples=[17], description="Number of the incident.")]
States = Annotated[list[IncidentState] | None, Query(description="States to keep; all without.")]
School = Annotated[str | None, Query(max_length=63, description="Keeps those of a school.")]
Kind = Annotated[IncidentKind | None, Query(description="Keeps one sort of trouble.")]
Urgency = Annotated[Severity | None, Query(description="Keeps one severity.")]
_TOKEN = [Depends(operator_token)]
_ACT = problems.responses(401, 404, 409, 422, 503)
_LISTED = "GET /api/v1/incidents lists them."


@contextmanager
def _said() -> Iterator[None]:
    """Say in the words of HTTP why an act was refused."""
    try:
        yield
    except IncidentUnknown as error:
        raise ProblemError(404, "not-found", detail=str(error), hint=_LISTED) from None
    except IncidentChanged as error:
        raise ProblemError(409, "incident-changed", detail=str(error), hint=error.hint) from None
    except IncidentRefused as error:
        raise ProblemError(409, "incident-state", detail=str(error), hint=error.hint) from None


@router.get("/incidents", responses=problems.responses(422, 503))
async def incidents(
    reader: Reader,
    state: States = None,
    school: School = None,
    kind: Kind = None,
    severity: Urgency = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> IncidentList:
    """Incidents, one per cause: the most urgent first, open ones before those that are over."""
    return await reading.incidents(
        reader, states=state, school=school, kind=kind, severity=severity, limit=limit, offset=offset
    )


@router.get("/incidents/file", response_class=Response, responses=files.responses(422, 503))
async def incidents_file(
    request: Request,
    reader: Reader,
    asked: files.Asked,
    state: States = None,
    school: School = None,
    kind: Kind = None,
    severity: Urgency = None,
) -> Response:
    """Every incident that the filters keep, as a file for a spreadsheet."""
    found = await reading.incidents(
        reader, states=state, school=school, kind=kind, severity=severity, limit=files.MOST_ROWS, offset=0
    )
    return await files.file_answer(request, asked, INCIDENTS, found.items)


@router.get("/incidents/{incident_id}", responses=problems.responses(404, 422, 503))
async def incident(incident_id: Number, reader: Reader) -> IncidentDetail:
    """One incident: what it explains, what happened, what it means for lessons."""
    found = await reading.incident(reader, incident_id)
    if found is None:
        raise problems.not_found("incident", str(incident_id), hint=_LISTED)
    return found


@router.post("/incidents/{incident_id}/acknowledge", dependencies=_TOKEN, responses=_ACT)
async def acknowledge(incident_id: Number, act: Acknowledge, writer: Writer) -> IncidentDetail:
    """Take note of it: somebody looks after it, nobody else is called."""
    with _said():
        return await service.acknowledge(writer, incident_id, act)


@router.post("/incidents/{incident_id}/assign", dependencies=_TOKEN, responses=_ACT)
async def assign(incident_id: Number, act: Assign, writer: Writer) -> IncidentDetail:
    """Give it to somebody, or to nobody."""
    with _said():
        return await service.assign(writer, incident_id, act)


@router.post("/incidents/{incident_id}/comment", dependencies=_TOKEN, responses=_ACT)
async def comment(incident_id: Number, act: Comment, writer: Writer) -> IncidentDetail:
    """Say something for whoever reads it later."""
    with _said():
        return await service.comment(writer, incident_id, act)


@router.post("/incidents/{incident_id}/merge", dependencies=_TOKEN, responses=_ACT)
async def merge(incident_id: Number, act: Merge, writer: Writer) -> IncidentDetail:
    """Put it behind another open incident."""
    with _said():
        return await service.merge(writer, incident_id, act)


@router.post("/incidents/{incident_id}/split", dependencies=_TOKEN, responses=_ACT)
async def split(incident_id: Number, act: Split, writer: Writer) -> IncidentDetail:
    """Give a thing that it explains an incident of its own; the answer is the new one."""
    with _said():
        return await service.split(writer, incident_id, act)


@router.post("/incidents/{incident_id}/resolve", dependencies=_TOKEN, responses=_ACT)
async def resolve(incident_id: Number, act: Close, writer: Writer) -> IncidentDetail:
    """Say that it is over, and why, though its thing does not say so itself."""
    with _said():
        return await service.resolve(writer, incident_id, act)


@router.post("/incidents/{incident_id}/reopen", dependencies=_TOKEN, responses=_ACT)
async def reopen(incident_id: Number, act: Comment, writer: Writer) -> IncidentDetail:
    """Open it again: it was not over."""
    with _said():
        return await service.reopen(writer, incident_id, act)
