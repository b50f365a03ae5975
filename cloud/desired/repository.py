"""Writes desired and reported state; the caller's transaction commits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import structlog
from psycopg.types.json import Jsonb

from cloud.content.models import AgentPlace
from cloud.content.repository import DESIRED_CHANNEL
from cloud.db.queries import Queries
from cloud.desired.models import Setting
from protocols.content import Manifest
from protocols.desired import Body, Document, DocumentKind, token_of

QUERIES = Queries(Path(__file__).with_name("queries.sql"))
_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Document)
_log = structlog.get_logger(__name__)


async def put_documents(
    connection: psycopg.AsyncConnection,
    kind: DocumentKind,
    agents: Iterable[AgentPlace],
    bodies: Mapping[str, Body],
    now_ms: int,
) -> dict[str, str]:
    """Put the bodies that changed in force as new documents; return the new tokens by agent.

    A serial is at least the clock in milliseconds, so that it grows also past a database restored from an old copy,
    whose agents already hold higher ones. A body that agents would refuse is logged and the old one stays in force.
    """
    wanted = {agent.agent_id: agent.agent for agent in agents if agent.agent in bodies}
    cursor = await connection.execute(QUERIES["standing"], {"kind": kind, "agents": list(wanted)})
    standing = {row[0]: (row[1], bytes(row[2])) for row in await cursor.fetchall()}
    changed: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    for agent_id, agent in wanted.items():
        body = bodies[agent]
        serial, before = standing.get(agent_id, (0, b""))
        digest = hashlib.sha256(_encoder.encode(body)).digest()
        if digest == before:
            continue
        document = Document(agent=agent, kind=kind, serial=max(serial + 1, now_ms), made_at_ms=now_ms, body=body)
        payload = _encoder.encode(document)
        try:
            _decoder.decode(payload)
        except msgspec.ValidationError as error:
            _log.error("desired_body_invalid", agent=agent, kind=kind, error=str(error))
            continue
        changed[agent] = token_of(payload)
        rows.append(
            {
                "agent_id": agent_id,
                "kind": kind,
                "serial": document.serial,
                "token": changed[agent],
                "payload": payload,
                "body": digest,
                "made_at": datetime.fromtimestamp(now_ms / 1000, UTC),
            }
        )
    if rows:
        async with connection.cursor() as writing:
            await writing.executemany(QUERIES["put_document"], rows)
    return changed


async def put_report(
    connection: psycopg.AsyncConnection,
    agent_id: int,
    reported_at: datetime,
    documents: Sequence[dict[str, Any]],
    terminals: Sequence[dict[str, Any]],
    erased: Sequence[str],
) -> None:
    """Put an agent's whole report in place of the one before; the keys are those of the tables."""
    owner = {"agent_id": agent_id}
    await connection.execute(QUERIES["note_report"], {**owner, "reported_at": reported_at})
    await connection.execute(QUERIES["forget_documents"], {**owner, "kinds": [row["kind"] for row in documents]})
    names = [row["terminal"] for row in terminals]
    await connection.execute(QUERIES["forget_terminals"], {**owner, "terminals": names})
    async with connection.cursor() as cursor:
        await cursor.executemany(QUERIES["put_reported_document"], [{**owner, **row} for row in documents])
        await cursor.executemany(
            QUERIES["note_erasure"], [{**owner, "erasure": erasure, "applied_at": reported_at} for erasure in erased]
        )
    if terminals:
        await connection.execute(QUERIES["put_terminals"], {**owner, "rows": Jsonb(list(terminals))})


async def hold_manifests(
    connection: psycopg.AsyncConnection, agent_id: int, manifests: Iterable[Manifest], ready_at: datetime
) -> None:
    """Note the manifests that an agent holds whole, and no others."""
    await connection.execute(QUERIES["forget_manifests"], {"agent_id": agent_id})
    async with connection.cursor() as cursor:
        await cursor.executemany(
            QUERIES["hold_manifest"],
            [
                {"agent_id": agent_id, "manifest": one.manifest, "token": one.token, "ready_at": ready_at}
                for one in manifests
            ],
        )


async def put_targets(
    connection: psycopg.AsyncConnection, scope: str, app_version: str | None, configuration: Mapping[str, Setting]
) -> None:
    """Set what terminals of a scope should run."""
    values = {"scope": scope, "app_version": app_version, "configuration": Jsonb(dict(configuration))}
    await connection.execute(QUERIES["put_targets"], values)
    await connection.execute(QUERIES["tell_desired"], {"channel": DESIRED_CHANNEL, "kind": DocumentKind.TERMINALS})
