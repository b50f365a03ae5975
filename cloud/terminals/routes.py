"""Routes of terminals: a page of them, one, the values to filter by, and all of them as a file."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from cloud.http import files, problems
from cloud.http.database import Reader
from cloud.http.paging import Limit, Offset, Search, like_pattern
from cloud.http.problems import invalid_input
from cloud.http.schemas import FieldProblem
from cloud.http.times import FORMATS, parse_moment
from cloud.status.models import StatusWord
from cloud.terminals import reading
from cloud.terminals.export import TERMINALS
from cloud.terminals.models import ORDERS, TerminalFilter
from cloud.terminals.schemas import TerminalList, TerminalRow, TerminalSyncWord, TerminalValues

router = APIRouter(tags=["terminals"])


def _filter(
    search: Search = None,
    school: Annotated[str | None, Query(max_length=160, description="School.", examples=["s07"])] = None,
    classroom: Annotated[str | None, Query(max_length=160, description="Classroom.", examples=["s07-c03"])] = None,
    owner: Annotated[Literal["student", "teacher"] | None, Query(description="Whom it is for.")] = None,
    status: Annotated[StatusWord | None, Query(description="Status.")] = None,
    agent: Annotated[str | None, Query(max_length=160, description="Agent by the inventory.")] = None,
    model: Annotated[str | None, Query(max_length=160, description="Model.")] = None,
    app_version: Annotated[str | None, Query(max_length=200, description="Version it said it has.")] = None,
    battery_below: Annotated[
        float | None, Query(ge=0, le=1, description="Battery below this share.", examples=[0.2])
    ] = None,
    sync: Annotated[TerminalSyncWord | None, Query(description="Whether it has what it should have.")] = None,
    not_seen_since: Annotated[
        str | None, Query(description=f"Not checked in since. Formats: {'; '.join(FORMATS)}.")
    ] = None,
) -> TerminalFilter:
    try:
        moment = parse_moment(not_seen_since) if not_seen_since is not None else None
    except ValueError as error:
        problem = FieldProblem(field="not_seen_since", detail=str(error), allowed=FORMATS)
        raise invalid_input([problem]) from error
    return TerminalFilter(
        pattern=like_pattern(search),
        school=school,
        classroom=classroom,
        owner=owner,
        status=status,
        agent=agent,
        model=model,
        app_version=app_version,
        battery_below=battery_below,
        sync=sync,
        not_seen_since=moment,
    )


def _order(
    order: Annotated[
        str, Query(max_length=20, description=f"Order of the list: {', '.join(ORDERS)}.", examples=["-battery"])
    ] = "position",
) -> str:
    if order not in ORDERS:
        raise invalid_input([FieldProblem(field="order", detail=f"unknown order {order!r}", allowed=list(ORDERS))])
    return order


Chosen = Annotated[TerminalFilter, Depends(_filter)]
Order = Annotated[str, Depends(_order)]


@router.get("/terminals", responses=problems.responses(422, 503))
async def terminals(
    reader: Reader, chosen: Chosen, order: Order, limit: Limit = 100, offset: Offset = 0
) -> TerminalList:
    """Terminals that the filters keep, a page of them."""
    return await reading.terminals(reader, chosen, order, limit, offset)


@router.get("/terminals/values", responses=problems.responses(503))
async def values(reader: Reader) -> TerminalValues:
    """The models and app versions there are, for the filters."""
    return await reading.values(reader)


@router.get("/terminals/file", response_class=Response, responses=files.responses(422, 503))
async def file(request: Request, reader: Reader, chosen: Chosen, order: Order, asked: files.Asked) -> Response:
    """Every terminal that the filters keep, as a file for a spreadsheet; times are the district's."""
    rows = [row async for row in reading.every(reader, chosen, order)]
    return await files.file_answer(request, asked, TERMINALS, rows)


@router.get("/terminals/{terminal}", responses=problems.responses(404, 422, 503))
async def terminal(
    terminal: Annotated[str, Path(max_length=160, examples=["s07-c03-t01"], description="Terminal id.")], reader: Reader
) -> TerminalRow:
    """One terminal."""
    found = await reading.terminal(reader, terminal)
    if found is None:
        raise problems.not_found("terminal", terminal, hint="GET /api/v1/terminals lists every terminal.")
    return found
