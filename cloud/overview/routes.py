"""Routes of the overview and of the district's compact state. Both are built at most once a second for all readers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from cloud.http import problems
from cloud.http.caching import Snapshot, answer
from cloud.overview.schemas import DistrictState, Overview
from cloud.overview.service import OverviewBoard

router = APIRouter(tags=["overview"])


def _board(request: Request) -> OverviewBoard:
    board: OverviewBoard = request.app.state.rooms.board
    return board


Board = Annotated[OverviewBoard, Depends(_board)]


@router.get("/overview", response_model=Overview, responses=problems.responses(503))
async def overview(request: Request, board: Board) -> Response:
    """The district on one screen: counts by status, the fixed grid of links, freshness, backlog, ledger."""
    snapshot: Snapshot = await board.overview()
    return answer(request, snapshot)


@router.get("/state", response_model=DistrictState, responses=problems.responses(503))
async def state(request: Request, board: Board) -> Response:
    """Current status of every link, gateway, classroom and terminal in one small document."""
    snapshot: Snapshot = await board.state()
    return answer(request, snapshot)
