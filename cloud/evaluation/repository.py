"""Evaluation's tables, written: frameworks, items, exclusions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from cloud.db.queries import Queries
from cloud.evaluation.models import Enrolment, Framework
from protocols.records import Part

QUERIES = Queries(Path(__file__).with_name("queries.sql"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One row of `evaluation_items`: see there."""

    person: str
    school_year: int
    counts_for: str
    thing: str
    record_id: str
    type: str
    stage: str
    term: int
    school_class: str
    value: float | None
    precedence: int
    made_at: datetime
    received_at: datetime
    framework: str | None = None
    code: str | None = None
    note: str = ""
    parts: int = 0


async def lock_frameworks(connection: psycopg.AsyncConnection) -> None:
    """Wait for other imports, until the transaction ends."""
    await connection.execute(QUERIES["lock_frameworks"])


async def content(connection: psycopg.AsyncConnection, framework: str) -> str | None:
    """Return a framework as it was imported; None when there is none of that id."""
    row = await (await connection.execute(QUERIES["content"], {"framework": framework})).fetchone()
    return None if row is None else str(row[0])


async def insert_framework(connection: psycopg.AsyncConnection, framework: Framework, content: str) -> None:
    """Keep a framework that is not there yet."""
    await connection.execute(
        QUERIES["insert_framework"],
        {
            "framework": framework.framework,
            "title": framework.title,
            "title_en": framework.title_en,
            "version": framework.version,
            "content": content,
        },
    )
    rows: list[dict[str, Any]] = [
        {
            **asdict(node),
            "framework": framework.framework,
            "position": position,
            "definition": None if node.definition is None else Jsonb(msgspec.to_builtins(node.definition)),
            "same_as": list(node.same_as),
            "follows": list(node.follows),
        }
        for position, node in enumerate(framework.nodes)
    ]
    async with connection.cursor() as cursor:
        await cursor.executemany(QUERIES["insert_node"], rows)


async def activate(connection: psycopg.AsyncConnection, framework: str) -> None:
    """Make a framework the active one."""
    await connection.execute(QUERIES["activate"], {"framework": framework})


async def known_pupils(connection: psycopg.AsyncConnection, persons: Collection[str]) -> set[str]:
    """Return those of `persons` who are pupils, present or past."""
    cursor = await connection.execute(QUERIES["known_pupils"], {"persons": list(persons)})
    return {row[0] for row in await cursor.fetchall()}


async def enrolments(connection: psycopg.AsyncConnection, persons: Collection[str]) -> dict[str, list[Enrolment]]:
    """Return every class that pupils are or were in."""
    found: dict[str, list[Enrolment]] = defaultdict(list)
    async with connection.cursor(row_factory=class_row(Enrolment)) as cursor:
        await cursor.execute(QUERIES["enrolments"], {"persons": list(persons)})
        for enrolment in await cursor.fetchall():
            found[enrolment.person].append(enrolment)
    return found


async def insert_items(
    connection: psycopg.AsyncConnection, items: Sequence[Item], parts: Sequence[tuple[str, Part]]
) -> None:
    """Keep items and the files that records declared, by record id; what is there already changes nothing."""
    async with connection.cursor() as cursor:
        if items:
            await cursor.executemany(QUERIES["insert_item"], [asdict(item) for item in items])
        if parts:
            await cursor.executemany(
                QUERIES["insert_part"],
                [
                    {
                        "record_id": record_id,
                        "hash": part.sha256,
                        "size_bytes": part.size_bytes,
                        "media_type": part.media_type,
                    }
                    for record_id, part in parts
                ],
            )


async def exclude(connection: psycopg.AsyncConnection, record_id: str, reason: str | None) -> int:
    """Take a record out of every value, or give it back without a reason; return the number of items it fed."""
    return (await connection.execute(QUERIES["exclude"], {"record_id": record_id, "reason": reason})).rowcount


async def forget(connection: psycopg.AsyncConnection, record_ids: Sequence[str]) -> None:
    """Forget what was made of records that are erased or have expired; values are without them from then on."""
    for name in ("forget_items", "forget_parts"):
        await connection.execute(QUERIES[name], {"record_ids": list(record_ids)})
