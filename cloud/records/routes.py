"""Routes of records: how many arrived. Their contents belong to the services."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from cloud.http import problems
from cloud.http.database import Reader
from cloud.records import reading
from cloud.records.schemas import RecordCounts

router = APIRouter(tags=["records"])


@router.get("/records/counts", responses=problems.responses(422, 503))
async def record_counts(
    reader: Reader,
    agent: Annotated[str | None, Query(max_length=160, description="Agent id; default all agents.")] = None,
) -> RecordCounts:
    """Classroom records by type: stored once, sent again, in conflict."""
    return await reading.counts(reader, agent)
