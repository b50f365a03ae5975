"""Reads the evidence and writes the verdicts. The only writer of `status_current` and `status_log`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
from psycopg.types.json import Jsonb

from cloud.db.queries import Queries
from cloud.maintenance.reading import active
from cloud.status.models import (
    AgentEvidence,
    Change,
    DeviceEvidence,
    LinkEvidence,
    Outage,
    Settled,
    Snapshot,
    StatusKind,
    StatusWord,
    Thing,
    VantageEvidence,
)
from cloud.status.schemas import StatusChange

QUERIES = Queries(Path(__file__).with_name("queries.sql"))


async def snapshot(connection: psycopg.AsyncConnection, zone: ZoneInfo) -> Snapshot:
    """Return the whole district's evidence now; `at` is the database's clock, so that every worker judges alike."""
    moment = await (await connection.execute(QUERIES["moment"])).fetchone()
    assert moment is not None
    links = await (await connection.execute(QUERIES["link_evidence"])).fetchall()
    worked_on = await active(connection, moment[0], zone)
    agents = await (await connection.execute(QUERIES["agent_evidence"])).fetchall()
    devices = await (await connection.execute(QUERIES["device_evidence"])).fetchall()
    return Snapshot(
        at=moment[0],
        heard_at=moment[1],
        worked_on=worked_on,
        links=tuple(
            LinkEvidence(row[0], VantageEvidence(*row[1:7]), VantageEvidence(*row[7:13]), row[13]) for row in links
        ),
        agents=tuple(
            AgentEvidence(
                agent=agent if role == "gateway" else classroom,
                kind=StatusKind(role),
                link=link,
                heard_at=heard_at,
                offline_at=offline_at,
                school=school,
            )
            for agent, role, classroom, link, heard_at, offline_at, school in agents
        ),
        devices=tuple(
            DeviceEvidence(device, gateway, (parent,) if parent else (), looked_at, reachable)
            for device, gateway, parent, looked_at, reachable in devices
        ),
    )


async def board(connection: psycopg.AsyncConnection) -> dict[tuple[StatusKind, str], Settled]:
    """Return the status of everything as last written."""
    rows = await (await connection.execute(QUERIES["board"])).fetchall()
    return {
        (StatusKind(kind), key): Settled(
            StatusWord(status),
            since,
            reason,
            root=Thing(StatusKind(root_kind), root_key) if root_key is not None else None,
            penalty=penalty,
            penalty_at=penalty_at,
            beneath=StatusWord(beneath) if beneath is not None else None,
        )
        for kind, key, status, since, reason, root_kind, root_key, penalty, penalty_at, beneath in rows
    }


async def write(connection: psycopg.AsyncConnection, changes: Sequence[Change]) -> None:
    """Write changes to the current table and the log, and tell the API workers, in one transaction."""
    async with connection.transaction(), connection.cursor() as cursor:
        await cursor.executemany(
            QUERIES["write_status"],
            [
                {
                    "kind": change.kind.value,
                    "key": change.key,
                    "status": change.status.value,
                    "since": change.changed_at,
                    "reason": change.reason,
                    "penalty": change.penalty,
                    "penalty_at": change.penalty_at,
                    "beneath": change.beneath.value if change.beneath is not None else None,
                    **_root(change.root),
                }
                for change in changes
            ],
        )
        await cursor.executemany(
            QUERIES["log_change"],
            [
                {
                    "kind": change.kind.value,
                    "key": change.key,
                    "previous": change.previous.value if change.previous is not None else None,
                    "status": change.status.value,
                    "changed_at": change.changed_at,
                    "reason": change.reason,
                    "evidence": Jsonb(dict(change.evidence)),
                    **_root(change.root),
                }
                for change in changes
            ],
        )
        await cursor.execute(QUERIES["notify"])


def _root(root: Thing | None) -> dict[str, str | None]:
    return {"root_kind": root and root.kind.value, "root_key": root and root.key}


async def changes_of(connection: psycopg.AsyncConnection, kind: StatusKind, key: str, limit: int) -> list[StatusChange]:
    """Return the newest changes of one thing, newest first."""
    cursor = await connection.execute(QUERIES["changes_of"], {"kind": kind.value, "key": key, "limit": limit})
    return [
        StatusChange(changed_at=changed_at, status=status, previous=previous, reason=reason, evidence=evidence)
        for changed_at, status, previous, reason, evidence in await cursor.fetchall()
    ]


async def outages(connection: psycopg.AsyncConnection, school: str, since: datetime, until: datetime) -> list[Outage]:
    """Return when a school's line or gateway was out in a span of time, in order of beginning; unknown is not out."""
    cursor = await connection.execute(QUERIES["outages"], {"school": school, "since": since, "until": until})
    return [Outage(*row) for row in await cursor.fetchall()]
