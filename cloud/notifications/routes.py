"""Routes of notifications: who is told when, what was told to whom and what became of it, and a try."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Path, Query, Request

from cloud.config import Settings
from cloud.errors import ConfigError
from cloud.http import problems
from cloud.http.database import Reader
from cloud.http.paging import Limit, Offset
from cloud.http.token import operator_token
from cloud.notifications import reading, texts
from cloud.notifications.schemas import DeliveryList, NotificationPlan, Trial
from cloud.notifications.sending import send

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


@router.get("/notifications/plan", responses=problems.responses(503))
async def notification_plan(request: Request) -> NotificationPlan:
    """Who is on duty and who is told when, as the file of notifications says now; never an address."""
    settings: Settings = request.app.state.rooms.settings
    today = datetime.now(ZoneInfo(settings.district.time_zone)).date()
    return await reading.plan(settings.notifications.file, today)


@router.post(
    "/notifications/contacts/{contact}/test",
    dependencies=[Depends(operator_token)],
    responses=problems.responses(401, 404, 422, 503),
)
async def try_contact(
    request: Request,
    contact: Annotated[str, Path(max_length=63, examples=["first"], description="Name of the contact.")],
) -> Trial:
    """Send a contact a message that says it is a test; nothing is written down."""
    settings: Settings = request.app.state.rooms.settings
    try:
        plan = await reading.plan_of(settings.notifications.file)
    except ConfigError:
        plan = None
    found = None if plan is None else plan.contacts.get(contact)
    if found is None:
        raise problems.not_found("contact", contact, hint="GET /api/v1/notifications/plan lists them.")
    problem = await send(found, *texts.trial(found.language))
    return Trial(contact=contact, taken=problem is None, problem=problem)
