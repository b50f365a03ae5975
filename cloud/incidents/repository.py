"""Reads what incidents are decided on and writes what was decided, by the keeper or by people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from cloud.db.queries import Queries
from cloud.incidents.following import apply
from cloud.incidents.models import (
    Action,
    Attaches,
    Books,
    Closed,
    Detaches,
    EntryKind,
    IncidentKind,
    LoggedChange,
    Merges,
    Open,
    Opens,
    Reclassifies,
    Reopens,
    Resolves,
)
from cloud.status.models import StatusKind, StatusWord, Thing

QUERIES = Queries(Path(__file__).with_name("queries.sql"))
BATCH = 2_000


async def lock_cursor(connection: psycopg.AsyncConnection) -> int:
    """Return the place up to which the log was followed, and keep others from following until the transaction ends."""
    row = await (await connection.execute(QUERIES["lock_cursor"])).fetchone()
    assert row is not None
    return int(row[0])


async def changes(connection: psycopg.AsyncConnection, after: int) -> list[LoggedChange]:
    """Return the next entries of the status log."""
    cursor = await connection.execute(QUERIES["changes"], {"after": after, "limit": BATCH})
    return [_change(row) for row in await cursor.fetchall()]


async def standing(connection: psycopg.AsyncConnection) -> list[LoggedChange]:
    """Return everything that is in trouble now, as if it had just been logged."""
    return [_change(row) for row in await (await connection.execute(QUERIES["standing"])).fetchall()]


def _change(row: tuple[Any, ...]) -> LoggedChange:
    change_id, kind, key, previous, status, changed_at, reason, evidence, root_kind, root_key = row
    return LoggedChange(
        change_id=change_id,
        thing=Thing(StatusKind(kind), key),
        previous=StatusWord(previous) if previous is not None else None,
        status=StatusWord(status),
        changed_at=changed_at,
        reason=reason,
        evidence=evidence,
        root=Thing(StatusKind(root_kind), root_key) if root_key is not None else None,
    )


async def books(connection: psycopg.AsyncConnection) -> Books:
    """Return open incidents with what they explain, and what was closed lately."""
    found = Books()
    for incident_id, root_kind, root_key, kind, status, reason in await (
        await connection.execute(QUERIES["open"])
    ).fetchall():
        root = Thing(StatusKind(root_kind), root_key)
        found.open[root] = Open(incident_id, root, IncidentKind(kind), StatusWord(status), reason)
    for root_kind, root_key, kind, key, status in await (await connection.execute(QUERIES["open_members"])).fetchall():
        found.open[Thing(StatusKind(root_kind), root_key)].members[Thing(StatusKind(kind), key)] = StatusWord(status)
    for incident_id, root_kind, root_key, resolved_at in await (
        await connection.execute(QUERIES["lately_closed"])
    ).fetchall():
        found.closed[Thing(StatusKind(root_kind), root_key)] = Closed(incident_id, resolved_at)
    return found


async def move_cursor(connection: psycopg.AsyncConnection, change_id: int) -> None:
    """Note that everything up to an entry was followed."""
    await connection.execute(QUERIES["move_cursor"], {"change_id": change_id})


async def tell(
    connection: psycopg.AsyncConnection,
    incident_id: int,
    kind: EntryKind,
    at: datetime,
    detail: Mapping[str, Any],
    actor: str | None = None,
) -> None:
    """Add an entry to a timeline."""
    await connection.execute(
        QUERIES["tell"],
        {"incident_id": incident_id, "at": at, "kind": kind.value, "actor": actor, "detail": Jsonb(dict(detail))},
    )


async def notify(connection: psycopg.AsyncConnection) -> None:
    """Tell who listens that incidents changed; delivered with the commit."""
    await connection.execute(QUERIES["notify"])


async def carry_out(connection: psycopg.AsyncConnection, books: Books, action: Action) -> None:
    """Write an action with its entry in the timeline, and change the books alike."""
    change = action.change
    at = change.changed_at
    told = {"thing_kind": change.thing.kind.value, "thing": change.thing.key, "status": change.status.value}
    cause = {**told, "reason": change.reason, "evidence": dict(change.evidence)}
    incident_id = 0
    match action:
        case Opens():
            incident_id = await _open(connection, action)
            await tell(connection, incident_id, EntryKind.OPENED, at, cause)
        case Reopens():
            incident_id = action.incident_id
            values = {"kind": action.kind.value, "status": action.status.value, "reason": change.reason}
            await connection.execute(QUERIES["reopen"], {"incident_id": incident_id, **values})
            await tell(connection, incident_id, EntryKind.REOPENED, at, cause)
        case Reclassifies():
            incident_id = action.incident.incident_id
            values = {"kind": action.kind.value, "status": change.status.value, "reason": change.reason}
            await connection.execute(QUERIES["reclassify"], {"incident_id": incident_id, **values})
            before = {"before": action.incident.reason, "status_before": action.incident.status.value}
            await tell(connection, incident_id, EntryKind.RECLASSIFIED, at, {**cause, **before})
        case Resolves():
            incident_id = action.incident.incident_id
            await connection.execute(QUERIES["resolve"], {"incident_id": incident_id, "at": at})
            await tell(connection, incident_id, EntryKind.RESOLVED, at, cause)
        case Attaches():
            incident_id = books.open[action.root].incident_id
            member = {"kind": action.thing.kind.value, "key": action.thing.key, "status": change.status.value}
            await connection.execute(QUERIES["attach"], {"incident_id": incident_id, "at": at, **member})
            if action.thing not in books.open[action.root].members:
                await tell(connection, incident_id, EntryKind.ATTACHED, at, {**told, "reason": change.reason})
        case Detaches():
            incident_id = action.incident.incident_id
            member = {"kind": action.thing.kind.value, "key": action.thing.key}
            await connection.execute(QUERIES["detach"], {"incident_id": incident_id, "at": at, **member})
            await tell(connection, incident_id, EntryKind.DETACHED, at, told)
        case Merges():
            await merge(connection, action.incident.incident_id, books.open[action.into].incident_id, at, None)
    apply(books, action, incident_id)


async def _open(connection: psycopg.AsyncConnection, action: Opens) -> int:
    root = {"kind": action.root.kind.value, "key": action.root.key}
    place = await (await connection.execute(QUERIES["place"], root)).fetchone()
    school, provider = place if place is not None else (None, None)
    row = await (
        await connection.execute(
            QUERIES["open_incident"],
            {
                "root_kind": action.root.kind.value,
                "root_key": action.root.key,
                "kind": action.kind.value,
                "status": action.status.value,
                "reason": action.change.reason,
                "school": school,
                "provider": provider,
                "at": action.change.changed_at,
            },
        )
    ).fetchone()
    assert row is not None
    return int(row[0])


async def merge(
    connection: psycopg.AsyncConnection, incident_id: int, into: int, at: datetime, actor: str | None
) -> None:
    """Put an incident behind another one, in both timelines."""
    await connection.execute(QUERIES["move_members"], {"incident_id": incident_id, "into": into, "at": at})
    await connection.execute(QUERIES["merge"], {"incident_id": incident_id, "into": into, "at": at})
    await tell(connection, incident_id, EntryKind.MERGED, at, {"into": into}, actor)
    await tell(connection, into, EntryKind.MERGED, at, {"from": incident_id}, actor)
