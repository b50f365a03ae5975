"""Routes of privacy: what is kept for how long, orders to erase with their receipts, who looked."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request

from cloud.http import problems
from cloud.http.database import Reader, Writer
from cloud.http.paging import Limit, Offset
from cloud.http.token import operator_token
from cloud.privacy import reading, repository
from cloud.privacy.access import User
from cloud.privacy.retention import days_by_type
from cloud.privacy.schemas import (
    PERSON_PATTERN,
    AccessList,
    Erasure,
    ErasureList,
    ErasureOrder,
    Purpose,
    PurposeList,
)
from protocols.records import PURPOSES

router = APIRouter(tags=["privacy"])


@router.get("/privacy/purposes", responses=problems.responses(503))
async def purposes(request: Request) -> PurposeList:
    """Every type of record with its purpose and retention."""
    days = days_by_type(request.app.state.rooms.settings.records)
    return PurposeList(
        items=[Purpose(type=name, purpose=text, kept_days=days[name]) for name, text in PURPOSES.items()]
    )


@router.post(
    "/privacy/erasures",
    status_code=201,
    dependencies=[Depends(operator_token)],
    responses=problems.responses(401, 422, 503),
)
async def order_erasure(order: ErasureOrder, writer: Writer, user: User = "operator") -> Erasure:
    """Have a person's records forgotten: at the centre within seconds, at the edge before it serves anything more."""
    erasure = await repository.order(writer, order, user)
    return (await reading.erasures(writer, 1, 0, erasure)).items[0]


@router.get("/privacy/erasures", responses=problems.responses(422, 503))
async def erasures(reader: Reader, limit: Limit = 100, offset: Offset = 0) -> ErasureList:
    """Orders to erase, newest first, with the agents that have confirmed."""
    return await reading.erasures(reader, limit, offset)


@router.get("/privacy/erasures/{erasure}", responses=problems.responses(404, 422, 503))
async def erasure(
    erasure: Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="Id of the order.")], reader: Reader
) -> Erasure:
    """One order to erase."""
    found = (await reading.erasures(reader, 1, 0, erasure)).items
    if not found:
        raise problems.not_found("erasure", erasure, hint="GET /api/v1/privacy/erasures lists every order.")
    return found[0]


@router.get("/privacy/access", dependencies=[Depends(operator_token)], responses=problems.responses(401, 422, 503))
async def accesses(
    reader: Reader,
    person: Annotated[str, Query(pattern=PERSON_PATTERN, description="The person's reference.")],
    limit: Limit = 100,
) -> AccessList:
    """Who looked at a person's records, newest first."""
    return await reading.accesses(reader, person, limit)
