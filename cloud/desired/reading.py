"""Reads desired and reported state."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

import psycopg
from psycopg.rows import class_row

from cloud.content.models import AgentPlace
from cloud.db.queries import Queries
from cloud.desired.models import DocumentState, Targets
from protocols.desired import DocumentKind

QUERIES = Queries(Path(__file__).with_name("reading.sql"))


async def document_states(
    connection: psycopg.AsyncConnection, *, kind: DocumentKind | None = None, school: str | None = None
) -> list[DocumentState]:
    """Return what is known of the documents of every agent in use, in the order of the inventory."""
    async with connection.cursor(row_factory=class_row(DocumentState)) as cursor:
        await cursor.execute(QUERIES["document_states"], {"kind": kind, "school": school})
        return await cursor.fetchall()


async def held_manifests(
    connection: psycopg.AsyncConnection, manifests: Collection[str]
) -> dict[str, set[tuple[str, str]]]:
    """Return which of the manifests each agent holds whole, as `(manifest, token)`."""
    held: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    cursor = await connection.execute(QUERIES["held_manifests"], {"manifests": list(manifests)})
    for agent, manifest, token in await cursor.fetchall():
        held[agent].add((manifest, token))
    return dict(held)


async def targets(connection: psycopg.AsyncConnection) -> dict[str, Targets]:
    """Return what terminals should run, by scope."""
    async with connection.cursor(row_factory=class_row(Targets)) as cursor:
        await cursor.execute(QUERIES["targets"])
        return {row.scope: row for row in await cursor.fetchall()}


async def school_in_use(connection: psycopg.AsyncConnection, school: str) -> bool:
    """Tell whether there is such a school."""
    return await (await connection.execute(QUERIES["school_in_use"], {"school": school})).fetchone() is not None


async def class_in_use(connection: psycopg.AsyncConnection, school_class: str) -> bool:
    """Tell whether there is such a class."""
    cursor = await connection.execute(QUERIES["class_in_use"], {"school_class": school_class})
    return await cursor.fetchone() is not None


async def agent_place(connection: psycopg.AsyncConnection, agent: str) -> AgentPlace | None:
    """Return an agent in use; None when it is unknown or retired."""
    async with connection.cursor(row_factory=class_row(AgentPlace)) as cursor:
        await cursor.execute(QUERIES["agent_place"], {"agent": agent})
        return await cursor.fetchone()


async def tokens(connection: psycopg.AsyncConnection, agent_id: int) -> dict[DocumentKind, str]:
    """Return the token of every document of an agent."""
    cursor = await connection.execute(QUERIES["tokens"], {"agent_id": agent_id})
    return {DocumentKind(kind): token for kind, token in await cursor.fetchall()}


async def payload(connection: psycopg.AsyncConnection, agent_id: int, kind: DocumentKind) -> tuple[str, bytes] | None:
    """Return a document's token and the bytes that are signed; None when none was made."""
    row = await (await connection.execute(QUERIES["payload"], {"agent_id": agent_id, "kind": kind})).fetchone()
    return None if row is None else (row[0], bytes(row[1]))


async def documents_of(
    connection: psycopg.AsyncConnection, kind: DocumentKind, agents: Collection[str]
) -> dict[str, tuple[str, bytes]]:
    """Return token and payload of one kind by agent."""
    cursor = await connection.execute(QUERIES["documents_of"], {"kind": kind, "agents": list(agents)})
    return {agent: (token, bytes(payload)) for agent, token, payload in await cursor.fetchall()}
