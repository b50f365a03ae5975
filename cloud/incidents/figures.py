"""Works out, again and again, what every open incident means for lessons, and how urgent that makes it."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg

from cloud.incidents import repository
from cloud.incidents.models import EntryKind, IncidentKind, Severity
from cloud.incidents.repository import QUERIES
from cloud.incidents.severity import severity
from cloud.lessons import impact, reading
from cloud.lessons.models import Blast, Loss, Sum
from cloud.status.models import StatusKind, Thing

LONGEST = timedelta(days=2)
"""Lesson-minutes of an older incident are counted from here: what was before was counted then and stays."""


async def refresh(connection: psycopg.AsyncConnection, now: datetime, after: datetime) -> bool:
    """Write the figures of every incident that is open or ended after a moment; return whether any was due."""
    rows = await (await connection.execute(QUERIES["due"], {"after": after})).fetchall()
    if not rows:
        return False
    since = max(min(row[5] for row in rows), now - LONGEST)
    slots = await reading.slots(connection, since, now + impact.AHEAD)
    spans = await reading.spans_of(connection, slots, since, now)
    reached = impact.blasts(slots, spans, now)
    lost = _by_cause(impact.losses(slots, spans, now))
    for incident_id, root_kind, root_key, kind, before, opened_at, resolved_at in rows:
        if opened_at < since:
            continue
        root = Thing(StatusKind(root_kind), root_key)
        blast = reached.get(root, Blast()) if resolved_at is None else Blast()
        came_to = Sum()
        for loss in lost.get(root, []):
            # An incident of the same root earlier today has its own share.
            if loss.slot.ends_at > opened_at and (resolved_at is None or loss.slot.starts_at < resolved_at):
                came_to.add(loss)
        urgent = severity(IncidentKind(kind), blast) if resolved_at is None else Severity(before)
        await _write(connection, incident_id, urgent, blast, came_to)
        if urgent.value != before:
            detail = {"before": before, "severity": urgent.value, "lessons_now": blast.lessons_now}
            await repository.tell(connection, incident_id, EntryKind.SEVERITY, now, detail)
    return True


def _by_cause(losses: list[Loss]) -> dict[Thing, list[Loss]]:
    found: dict[Thing, list[Loss]] = {}
    for loss in losses:
        found.setdefault(loss.cause, []).append(loss)
    return found


async def _write(
    connection: psycopg.AsyncConnection, incident_id: int, urgent: Severity, blast: Blast, came_to: Sum
) -> None:
    await connection.execute(
        QUERIES["set_blast"],
        {
            "incident_id": incident_id,
            "severity": urgent.value,
            "lessons_now": blast.lessons_now,
            "students_now": blast.students_now,
            "exams_now": blast.exams_now,
            "saved_now": blast.saved_now,
            "lessons_next": blast.lessons_next,
            "students_next": blast.students_next,
            "next_at": blast.next_at,
            "lost_minutes": round(came_to.lost_seconds / 60, 2),
            "saved_minutes": round(came_to.saved_seconds / 60, 2),
            "unknown_minutes": round(came_to.unknown_seconds / 60, 2),
            "at_risk_minutes": round(blast.at_risk_seconds / 60, 2),
            "lessons_hit": len(came_to.lessons),
            "students_hit": sum(came_to.students.values()),
        },
    )
