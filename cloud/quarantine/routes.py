"""Routes of quarantine: what could not be taken and why; replay. Replay is the only thing the API changes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from cloud.http import files, problems
from cloud.http.database import Reader
from cloud.http.paging import Limit, Offset, Search, like_pattern
from cloud.http.token import operator_token
from cloud.quarantine import reading
from cloud.quarantine.export import QUARANTINE
from cloud.quarantine.replaying import Replay
from cloud.quarantine.schemas import QuarantineDetail, QuarantineList, ReplayReport

router = APIRouter(tags=["quarantine"])

QuarantineId = Annotated[
    int, Path(alias="id", ge=1, le=2**62, examples=[17], description="Number of the quarantined segment.")
]
Reason = Annotated[str | None, Query(max_length=64, description="Reason code.", examples=["unknown_agent"])]
Agent = Annotated[str | None, Query(max_length=160, description="Agent id.")]
_LISTED = "GET /api/v1/quarantine lists what is there; a replayed segment that was stored has left."


@router.get("/quarantine", responses=problems.responses(422, 503))
async def quarantine(
    reader: Reader,
    reason: Reason = None,
    agent: Agent = None,
    search: Search = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> QuarantineList:
    """Segments that could not be taken, newest first, with the reason."""
    return await reading.listing(reader, reason, agent, like_pattern(search), limit, offset)


@router.get("/quarantine/file", response_class=Response, responses=files.responses(422, 503))
async def quarantine_file(
    request: Request, reader: Reader, asked: files.Asked, reason: Reason = None, agent: Agent = None,
    search: Search = None,
) -> Response:  # fmt: skip
    """The same as a file for a spreadsheet, without the bytes."""
    found = await reading.listing(reader, reason, agent, like_pattern(search), files.MOST_ROWS, 0)
    return await files.file_answer(request, asked, QUARANTINE, found.items)


@router.get("/quarantine/{id}", responses=problems.responses(404, 422, 503))
async def quarantined(number: QuarantineId, reader: Reader) -> QuarantineDetail:
    """One quarantined segment with its bytes, decoded when possible."""
    detail = await reading.detail(reader, number)
    if detail is None:
        raise problems.not_found("quarantined segment", str(number), hint=_LISTED)
    return detail


@router.post(
    "/quarantine/{id}/replay", dependencies=[Depends(operator_token)], responses=problems.responses(401, 404, 422, 503)
)
async def replay_one(number: QuarantineId, replay: Replay) -> ReplayReport:
    """Try one quarantined segment again; it leaves quarantine when it is stored."""
    report = await replay.one(number)
    if report is None:
        raise problems.not_found("quarantined segment", str(number), hint=_LISTED)
    return report


@router.post("/quarantine/replay", dependencies=[Depends(operator_token)], responses=problems.responses(401, 422, 503))
async def replay_many(
    replay: Replay,
    reason: Annotated[str | None, Query(max_length=64, description="Only this reason; default all.")] = None,
) -> ReplayReport:
    """Try quarantined segments again, all or those of one reason."""
    return await replay.many(reason)
