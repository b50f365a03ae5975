"""Reads from the centre's tables what a scenario came to, the same for a real run and one in virtual time."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg

from cloud.reports.availability import availability
from cloud.status.models import StatusKind
from cloud.status.spans import spans
from ops.simulator.expectations import Expectations, Seen, SeenIncident

_INCIDENTS = """
SELECT
    root_kind || ' ' || root_key,
    kind,
    state,
    reason,
    least(severity, (
        SELECT min(detail ->> 'severity')
        FROM incident_timeline
        WHERE incident_timeline.incident_id = incidents.incident_id AND incident_timeline.kind = 'severity'
    )),
    (
        SELECT count(*)
        FROM notification_deliveries
        WHERE notification_deliveries.incident_id = incidents.incident_id AND step LIKE 'page%%'
    ),
    (SELECT count(*) FROM incident_members WHERE incident_members.incident_id = incidents.incident_id),
    lost_minutes,
    saved_minutes,
    unknown_minutes
FROM incidents
WHERE opened_at >= %(since)s AND state <> 'merged'
ORDER BY opened_at, incident_id
"""
_PAGES = "SELECT count(*) FROM notification_deliveries WHERE planned_at >= %(since)s AND step LIKE 'page%%'"
_STATUS = """
SELECT status
FROM status_log
WHERE kind || ' ' || key = %(thing)s AND changed_at <= %(at)s
ORDER BY changed_at DESC, change_id DESC
LIMIT 1
"""


async def outcome(
    connection: psycopg.AsyncConnection, expected: Expectations, began_at: datetime, looked_from: datetime
) -> Seen:
    """Return what there is of everything expected.

    Seconds count from `began_at`; incidents and the time of lines from `looked_from`, when all agents were heard.
    """
    rows = await (await connection.execute(_INCIDENTS, {"since": looked_from})).fetchall()
    pages = await (await connection.execute(_PAGES, {"since": looked_from})).fetchone()
    statuses: list[str | None] = []
    for one in expected.statuses:
        at = began_at + timedelta(seconds=one.at_seconds)
        row = await (await connection.execute(_STATUS, {"thing": one.thing, "at": at})).fetchone()
        statuses.append(row[0] if row is not None else None)
    until = began_at + timedelta(seconds=expected.at_seconds)
    links = {}
    for line in expected.links:
        found = await spans(connection, looked_from, until, kinds=[StatusKind.LINK], keys=[line.link])
        came_to = availability(found, looked_from, until)
        links[line.link] = (round(came_to.down_seconds, 1), round(came_to.unknown_seconds, 1))
    return Seen(
        pages=pages[0] if pages is not None else 0,
        incidents=[
            SeenIncident(
                root=row[0], kind=row[1], state=row[2], reason=row[3], severity=row[4], pages=row[5], behind=row[6],
                lost_minutes=row[7], saved_minutes=row[8], unknown_minutes=row[9],
            )
            for row in rows
        ],
        statuses=statuses,
        links=links,
    )  # fmt: skip
