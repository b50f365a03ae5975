"""Route of the topology."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from cloud.http import problems
from cloud.http.database import Reader
from cloud.topology import reading
from cloud.topology.schemas import Topology

router = APIRouter(tags=["topology"])


@router.get("/topology", responses=problems.responses(404, 422, 503))
async def topology(
    reader: Reader,
    school: Annotated[
        str | None, Query(max_length=63, examples=["s07"], description="School id; the whole district without.")
    ] = None,
) -> Topology:
    """The declared tree overlaid with what devices say of their neighbours by LLDP and CDP, drift marked."""
    found = await reading.topology(reader, school)
    if found is None:
        raise problems.not_found("school", school or "", hint="GET /api/v1/schools lists them.")
    return found
