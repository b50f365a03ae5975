"""What a scrubber and a replay are made of: bells and density of a span, and the changes from one moment to another."""

from __future__ import annotations

from datetime import datetime

import psycopg

from cloud.timemachine.models import KEPT, LONGEST_BELLS, buckets
from cloud.timemachine.reading import QUERIES, rows
from cloud.timemachine.schemas import Bell, Changes, ChangeThen, InventoryChange, LettersThen, Ticks


async def ticks(connection: psycopg.AsyncConnection, since: datetime, until: datetime, now: datetime) -> Ticks:
    """Return bells and number of changes per bucket of a span of time."""
    cut = buckets(since, until)
    changes, faults = [0] * cut.number, [0] * cut.number
    asked = {"since": since, "until": until, "width_seconds": cut.width_seconds}
    for place, number, own in await (await connection.execute(QUERIES["density"], asked)).fetchall():
        changes[place], faults[place] = number, own
    rung = []
    if until - since <= LONGEST_BELLS:
        rung = await (await connection.execute(QUERIES["bells"], {"since": since, "until": until})).fetchall()
    return Ticks(
        since=since,
        until=until,
        oldest=now - KEPT,
        width_seconds=cut.width_seconds,
        changes=changes,
        faults=faults,
        bells=[Bell(at=at, kind=kind, lessons=lessons) for at, kind, lessons in rung],
    )


async def changes(
    connection: psycopg.AsyncConnection, since: datetime, until: datetime, *, limit: int, terminals: bool
) -> Changes:
    """Return what makes the state of `until` out of the state of `since`, or of as much of it as `limit` allows.

    What happened at one moment is never torn apart: the answer ends before the moment that does not fit.
    """
    found = await rows(connection, "changes", since=since, until=until, limit=limit + 1)
    complete = len(found) <= limit
    if not complete:
        beyond = found[-1]["at"]
        fitting = [row for row in found if row["at"] < beyond]
        if not fitting:
            # More at one moment than the limit: all of it.
            fitting = await rows(connection, "changes", since=since, until=beyond, limit=None)
        found, until = fitting, fitting[-1]["at"]
    letters = []
    if terminals:
        noted = await connection.execute(QUERIES["letters_changes"], {"since": since, "until": until})
        letters = [
            LettersThen.model_construct(at=at, agent=agent, school=school, terminals=keys, status=status)
            for at, agent, school, keys, status in await noted.fetchall()
        ]
    return Changes(
        since=since,
        until=until,
        complete=complete,
        statuses=[ChangeThen(**row) for row in found],
        terminals=letters,
        inventory=[
            InventoryChange(**row) for row in await rows(connection, "inventory_changes", since=since, until=until)
        ],
    )
