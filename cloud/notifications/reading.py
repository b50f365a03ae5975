"""Reads what was told to whom, and what the file says of who is told."""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from cloud.errors import ConfigError
from cloud.notifications import plan_file
from cloud.notifications.models import Contact, Plan
from cloud.notifications.repository import QUERIES
from cloud.notifications.schemas import (
    DeliveryList,
    DeliveryRow,
    DutyTurn,
    NotificationPlan,
    PlanContact,
    PlanDigest,
    PlanPolicy,
    PlanState,
    PlanStep,
    RotaDuty,
)

TURN_DAYS = 28
"""How far ahead the turns of a rota are shown."""


async def deliveries(
    connection: psycopg.AsyncConnection, incident_id: int | None, limit: int, offset: int
) -> DeliveryList:
    """Return deliveries, newest first; of one incident, or all."""
    values = {"incident_id": incident_id, "limit": limit, "offset": offset}
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["deliveries"], values)
        rows = await cursor.fetchall()
    counted = await (await connection.execute(QUERIES["count"], {"incident_id": incident_id})).fetchone()
    return DeliveryList(
        total=counted[0] if counted is not None else 0,
        limit=limit,
        offset=offset,
        items=[DeliveryRow(**row) for row in rows],
    )


async def plan_of(file: str) -> Plan | None:
    """Return the plan that a file holds; None when none is configured.

    Raises:
        ConfigError: the file cannot be used.
    """
    return await asyncio.to_thread(plan_file.load, Path(file)) if file else None


async def plan(file: str, today: date) -> NotificationPlan:
    """Return what the file says, with who is on duty from a day on; its problems when it is refused."""
    try:
        read = await plan_of(file)
    except ConfigError as error:
        return _shown(Plan(), PlanState.REFUSED, error.problems, today)
    return _shown(read or Plan(), PlanState.NONE if read is None else PlanState.READY, [], today)


def _shown(plan: Plan, state: PlanState, problems: list[str], today: date) -> NotificationPlan:
    return NotificationPlan(
        state=state,
        problems=problems,
        rotas=[
            RotaDuty(
                name=rota.name,
                turns=[
                    DutyTurn(contact=turn.contact, first=turn.first, last=turn.last)
                    for turn in rota.turns(today, TURN_DAYS)
                ],
            )
            for rota in plan.rotas.values()
        ],
        policies=[
            PlanPolicy(
                severities=sorted(policy.severities),
                steps=[
                    PlanStep(after_minutes=round(step.after.total_seconds() / 60), who=list(step.who))
                    for step in policy.steps
                ],
            )
            for policy in plan.policies
        ],
        digest=None
        if plan.digest is None
        else PlanDigest(at=[f"{clock:%H:%M}" for clock in plan.digest.at], who=list(plan.digest.who)),
        contacts=[_contact(contact) for contact in plan.contacts.values()],
    )


def _contact(contact: Contact) -> PlanContact:
    quiet = contact.quiet
    return PlanContact(
        name=contact.name,
        # The scheme alone: the rest of an address may be a secret.
        channels=[url.partition(":")[0] for url in contact.urls],
        language=contact.language,
        quiet_from=None if quiet is None else f"{quiet.begins:%H:%M}",
        quiet_until=None if quiet is None else f"{quiet.ends:%H:%M}",
        quiet_lets=[] if quiet is None else sorted(quiet.lets),
    )
