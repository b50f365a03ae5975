"""What people do to incidents. Every act names the version that it was decided on, and stands in the timeline."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg

from cloud.errors import IncidentChanged, IncidentRefused, IncidentUnknown
from cloud.incidents import repository
from cloud.incidents.models import (
    EntryKind,
    IncidentKind,
    IncidentState,
    LoggedChange,
    Open,
    Opens,
    Resolves,
)
from cloud.incidents.reading import incident
from cloud.incidents.repository import QUERIES
from cloud.incidents.schemas import Acknowledge, Act, Assign, Close, Comment, IncidentDetail, Merge, Split
from cloud.status.models import StatusWord, Thing

_OPEN = IncidentState.OPEN


async def _claim(connection: psycopg.AsyncConnection, incident_id: int, act: Act) -> IncidentDetail:
    """Return the incident as it was decided on, with its next version taken.

    Raises:
        IncidentUnknown: none of that number. IncidentChanged: somebody did something meanwhile.
    """
    await repository.lock_cursor(connection)  # the keeper changes nothing while a person does
    found = await incident(connection, incident_id)
    if found is None:
        raise IncidentUnknown(f"there is no incident {incident_id}")
    asked = {"incident_id": incident_id, "version": act.version}
    if await (await connection.execute(QUERIES["claim"], asked)).fetchone() is None:
        raise IncidentChanged(f"incident {incident_id} is at version {found.version}, not {act.version}")
    return found


async def _done(connection: psycopg.AsyncConnection, incident_id: int) -> IncidentDetail:
    await repository.notify(connection)
    found = await incident(connection, incident_id)
    assert found is not None
    return found


async def _tell(
    connection: psycopg.AsyncConnection, incident_id: int, kind: EntryKind, act: Act, **detail: Any
) -> None:
    await repository.tell(connection, incident_id, kind, datetime.now(UTC), detail, act.actor)


def _must_be_open(found: IncidentDetail) -> None:
    if found.state is not _OPEN:
        raise IncidentRefused(f"incident {found.incident_id} is {found.state}, not open")


async def acknowledge(connection: psycopg.AsyncConnection, incident_id: int, act: Acknowledge) -> IncidentDetail:
    """Note that somebody looks after it."""
    _must_be_open(await _claim(connection, incident_id, act))
    await connection.execute(QUERIES["acknowledge"], {"incident_id": incident_id, "actor": act.actor})
    await _tell(connection, incident_id, EntryKind.ACKNOWLEDGED, act)
    return await _done(connection, incident_id)


async def assign(connection: psycopg.AsyncConnection, incident_id: int, act: Assign) -> IncidentDetail:
    """Give it to somebody, or to nobody."""
    before = await _claim(connection, incident_id, act)
    await connection.execute(QUERIES["assign"], {"incident_id": incident_id, "assignee": act.assignee})
    await _tell(connection, incident_id, EntryKind.ASSIGNED, act, before=before.assignee, assignee=act.assignee)
    return await _done(connection, incident_id)


async def comment(connection: psycopg.AsyncConnection, incident_id: int, act: Comment) -> IncidentDetail:
    """Add what somebody says."""
    await _claim(connection, incident_id, act)
    await _tell(connection, incident_id, EntryKind.COMMENT, act, text=act.text)
    return await _done(connection, incident_id)


async def merge(connection: psycopg.AsyncConnection, incident_id: int, act: Merge) -> IncidentDetail:
    """Put it behind another open incident."""
    _must_be_open(await _claim(connection, incident_id, act))
    other = await incident(connection, act.into)
    if other is None or other.state is not _OPEN or act.into == incident_id:
        raise IncidentRefused(f"incident {act.into} is no other open incident")
    await repository.merge(connection, incident_id, act.into, datetime.now(UTC), act.actor)
    return await _done(connection, incident_id)


async def split(connection: psycopg.AsyncConnection, incident_id: int, act: Split) -> IncidentDetail:
    """Give a thing that it explains an incident of its own; return the new one."""
    found = await _claim(connection, incident_id, act)
    _must_be_open(found)
    thing = Thing(act.kind, act.key)
    member = next((one for one in found.things if (one.kind, one.key) == thing and one.detached_at is None), None)
    if member is None:
        raise IncidentRefused(f"incident {incident_id} does not explain {act.kind} {act.key}")
    now = datetime.now(UTC)
    change = _by_hand(thing, member.status, now, f"split from {incident_id}")
    books = await repository.books(connection)
    await connection.execute(
        QUERIES["detach"], {"incident_id": incident_id, "kind": act.kind.value, "key": act.key, "at": now}
    )
    await repository.carry_out(connection, books, Opens(thing, IncidentKind.OUTAGE, member.status, change))
    new = books.open[thing].incident_id
    await _tell(connection, incident_id, EntryKind.SPLIT, act, thing_kind=act.kind.value, thing=act.key, into=new)
    await _tell(connection, new, EntryKind.SPLIT, act, **{"from": incident_id})
    return await _done(connection, new)


async def resolve(connection: psycopg.AsyncConnection, incident_id: int, act: Close) -> IncidentDetail:
    """Say that it is over, though its thing does not say so itself."""
    found = await _claim(connection, incident_id, act)
    _must_be_open(found)
    root = Thing(found.root_kind, found.root_key)
    books = await repository.books(connection)
    change = _by_hand(root, found.status, datetime.now(UTC), act.text)
    held: Open = books.open[root]
    await _tell(connection, incident_id, EntryKind.COMMENT, act, text=act.text)
    await repository.carry_out(connection, books, Resolves(held, change))
    return await _done(connection, incident_id)


async def reopen(connection: psycopg.AsyncConnection, incident_id: int, act: Comment) -> IncidentDetail:
    """Open it again: it was not over."""
    found = await _claim(connection, incident_id, act)
    if found.state is not IncidentState.RESOLVED:
        raise IncidentRefused(f"incident {incident_id} is {found.state}, not resolved")
    root = Thing(found.root_kind, found.root_key)
    if root in (await repository.books(connection)).open:
        raise IncidentRefused(f"{root.kind} {root.key} has another open incident")
    values = {"kind": found.kind.value, "status": found.status.value, "reason": found.reason}
    await connection.execute(QUERIES["reopen"], {"incident_id": incident_id, **values})
    await _tell(connection, incident_id, EntryKind.REOPENED, act, text=act.text)
    return await _done(connection, incident_id)


def _by_hand(thing: Thing, status: StatusWord, at: datetime, why: str) -> LoggedChange:
    return LoggedChange(0, thing, status, status, at, "by_hand", {"text": why}, None)
