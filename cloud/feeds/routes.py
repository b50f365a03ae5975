"""Routes of feeds: registered, paused, resumed and removed by the operator, seen by anybody."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request

from cloud.errors import FeedExists, FeedRefused
from cloud.feeds import reading, repository, service
from cloud.feeds.schemas import FeedList, FeedOrder, FeedRefusalList, FeedRetried, FeedRow
from cloud.http import problems
from cloud.http.database import Connection, Reader, Writer
from cloud.http.paging import Limit, Offset
from cloud.http.problems import ProblemError
from cloud.http.schemas import FieldProblem
from cloud.http.token import operator_token

router = APIRouter(tags=["feeds"])

FeedName = Annotated[str, Path(alias="feed", max_length=63, examples=["district-lrs"], description="Name of the feed.")]
_TOKEN = [Depends(operator_token)]
_LISTED = "GET /api/v1/feeds lists every feed."


async def _row(connection: Connection, name: str) -> FeedRow:
    found = (await reading.feeds(connection, name)).items
    if not found:
        raise problems.not_found("feed", name, hint=_LISTED)
    return found[0]


@router.get("/feeds", responses=problems.responses(503))
async def feeds(reader: Reader) -> FeedList:
    """Every feed with its state: what was delivered, what waits, what fails and when it is tried again."""
    return await reading.feeds(reader)


@router.post("/feeds", status_code=201, dependencies=_TOKEN, responses=problems.responses(401, 409, 422, 503))
async def add_feed(order: FeedOrder, request: Request) -> FeedRow:
    """Register a receiver. It is told every record of its types at least once, by default those stored from now on."""
    pool = request.app.state.rooms.pool
    try:
        await service.add(pool, order)
    except FeedRefused as refused:
        raise problems.invalid_input(
            [FieldProblem(field=field, detail=detail, allowed=allowed) for field, detail, allowed in refused.problems]
        ) from None
    except FeedExists as taken:
        raise ProblemError(409, "feed-exists", detail=str(taken), hint=taken.hint) from None
    async with pool.connection() as connection:
        return await _row(connection, order.feed)


@router.get("/feeds/{feed}", responses=problems.responses(404, 422, 503))
async def feed(name: FeedName, reader: Reader) -> FeedRow:
    """One feed with its state."""
    return await _row(reader, name)


@router.delete("/feeds/{feed}", status_code=204, dependencies=_TOKEN, responses=problems.responses(401, 404, 422, 503))
async def remove_feed(name: FeedName, writer: Writer) -> None:
    """Forget a feed, its place and what its receiver refused."""
    if not await repository.change(writer, "remove_feed", feed=name):
        raise problems.not_found("feed", name, hint=_LISTED)


@router.post("/feeds/{feed}/pause", dependencies=_TOKEN, responses=problems.responses(401, 404, 422, 503))
async def pause_feed(name: FeedName, writer: Writer) -> FeedRow:
    """Tell a receiver nothing for a while; its place is kept, and with it everything that is stored meanwhile."""
    await repository.change(writer, "set_state", feed=name, state="paused")
    return await _row(writer, name)


@router.post("/feeds/{feed}/resume", dependencies=_TOKEN, responses=problems.responses(401, 404, 422, 503))
async def resume_feed(name: FeedName, writer: Writer) -> FeedRow:
    """Go on where a feed was paused; one that waits after failures is tried at once."""
    await repository.change(writer, "set_state", feed=name, state="running")
    return await _row(writer, name)


@router.get("/feeds/{feed}/refusals", responses=problems.responses(404, 422, 503))
async def feed_refusals(name: FeedName, reader: Reader, limit: Limit = 100, offset: Offset = 0) -> FeedRefusalList:
    """Records that a receiver would not take, newest first, by id and reason alone."""
    await _row(reader, name)
    return await reading.refusals(reader, name, limit, offset)


@router.post("/feeds/{feed}/refusals/retry", dependencies=_TOKEN, responses=problems.responses(401, 404, 422, 503))
async def retry_feed_refusals(name: FeedName, writer: Writer) -> FeedRetried:
    """Have everything that a receiver refused sent once more, each record alone; what is refused again stays."""
    await _row(writer, name)
    return FeedRetried(
        records=await repository.change(writer, "ask_again", feed=name),
        erasures=await repository.change(writer, "ask_erasures_again", feed=name),
    )
