"""Reads what is stored: whole blobs, pushes, and whom they reach."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path

import psycopg
from psycopg.rows import class_row, dict_row

from cloud.content.audience import ClassPlace
from cloud.content.models import AgentPlace, Blob, Push
from cloud.db.queries import Queries
from protocols.content import Resource
from protocols.records import Part

QUERIES = Queries(Path(__file__).with_name("queries.sql"))


async def present(connection: psycopg.AsyncConnection, hashes: Iterable[str]) -> set[str]:
    """Return those of the SHA-256 (hex) whose blob is whole and verified."""
    cursor = await connection.execute(QUERIES["present"], {"hashes": list(hashes)})
    return {row[0] for row in await cursor.fetchall()}


async def is_attachment(connection: psycopg.AsyncConnection, sha256: str) -> bool:
    """Return whether a file is somebody's record's alone: no push holds it."""
    row = await (await connection.execute(QUERIES["is_attachment"], {"hash": sha256})).fetchone()
    return row == (True,)


async def blob(connection: psycopg.AsyncConnection, sha256: str) -> Blob | None:
    """Return a whole blob; None when there is none of that hash."""
    async with connection.cursor(row_factory=class_row(Blob)) as cursor:
        await cursor.execute(QUERIES["blob"], {"hash": sha256})
        return await cursor.fetchone()


async def pushes(
    connection: psycopg.AsyncConnection,
    *,
    withdrawn: bool | None = None,
    manifests: Collection[str] | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[Push]:
    """Return pushes, newest first: those that count (`withdrawn` False), those withdrawn, or both."""
    values = {
        "withdrawn": withdrawn,
        "manifests": None if manifests is None else list(manifests),
        "limit": limit,
        "offset": offset,
    }
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["pushes"], values)
        rows = await cursor.fetchall()
        await cursor.execute(QUERIES["push_resources"], {"manifests": [row["manifest"] for row in rows]})
        resources: defaultdict[str, list[Resource]] = defaultdict(list)
        for row in await cursor.fetchall():
            part = Part(sha256=row["sha256"], size_bytes=row["size_bytes"], media_type=row["media_type"])
            resources[row["manifest"]].append(Resource(resource=row["resource"], title=row["title"], blob=part))
    return [Push(**row, resources=resources[row["manifest"]]) for row in rows]


async def push_count(connection: psycopg.AsyncConnection, withdrawn: bool | None) -> int:
    """Return how many pushes there are; see `pushes`."""
    row = await (await connection.execute(QUERIES["push_count"], {"withdrawn": withdrawn})).fetchone()
    return 0 if row is None else int(row[0])


async def known_words(connection: psycopg.AsyncConnection, words: Iterable[str]) -> set[str]:
    """Return those words of an audience that name something in use."""
    cursor = await connection.execute(QUERIES["known_words"], {"words": list(words)})
    return {row[0] for row in await cursor.fetchall()}


async def classes(connection: psycopg.AsyncConnection) -> list[ClassPlace]:
    """Return every class in use."""
    async with connection.cursor(row_factory=class_row(ClassPlace)) as cursor:
        await cursor.execute(QUERIES["classes"])
        return await cursor.fetchall()


async def rooms(connection: psycopg.AsyncConnection) -> dict[str, set[str]]:
    """Return the classes that learn in each classroom."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for classroom, school_class in await (await connection.execute(QUERIES["rooms"])).fetchall():
        found[classroom].add(school_class)
    return dict(found)


async def agents(connection: psycopg.AsyncConnection) -> list[AgentPlace]:
    """Return every agent in use."""
    async with connection.cursor(row_factory=class_row(AgentPlace)) as cursor:
        await cursor.execute(QUERIES["agents"])
        return await cursor.fetchall()
