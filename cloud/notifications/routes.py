"""Route of notifications: what was told to whom, and what became of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from cloud.http import problems
from cloud.http.database import Reader
from cloud.http.paging import Limit, Offset
from cloud.notifications import reading
from cloud.notifications.schemas import DeliveryList

router = APIRouter(tags=["notifications"])


@router.get("/notifications/deliveries", responses=problems.responses(422, 503))
async def deliveries(
    reader: Reader,
    incident: Annotated[int | None, Query(ge=1, le=2**53, description="Keeps those of an incident.")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> DeliveryList:
    """Every message to every contact, newest first, with its outcome."""
    return await reading.deliveries(reader, incident, limit, offset)
