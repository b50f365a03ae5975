"""Route of the search."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from cloud.http import problems
from cloud.http.database import Reader
from cloud.search import reading
from cloud.search.schemas import SearchResult

router = APIRouter(tags=["search"])


@router.get("/search", responses=problems.responses(422, 503))
async def search(
    reader: Reader,
    q: Annotated[
        str,
        Query(max_length=80, description="Words that must all stand in key or names.", examples=["七小", "s07 sw01"]),
    ],
    limit: Annotated[int, Query(ge=1, le=100, description="Most things listed.")] = 20,
) -> SearchResult:
    """Links, schools, gateways, devices, ports, classrooms, classes and terminals by key or name, best match first."""
    return await reading.search(reader, q, limit)
