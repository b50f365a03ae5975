"""Reads frameworks, pupils' items and their tallies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg.rows import class_row, dict_row

from cloud.db.queries import Queries
from cloud.evaluation.formula import Tally
from cloud.evaluation.framework_schemas import FrameworkSummary
from cloud.evaluation.models import Activation, Definition, Framework, Level, Node, Stage
from cloud.evaluation.schemas import NotArrived

QUERIES = Queries(Path(__file__).with_name("reading.sql"))


@dataclass(frozen=True, slots=True)
class Counted:
    """What a pupil has towards one key in one school year and stage; `tally` is None when nothing is complete."""

    person: str
    school_year: int
    stage: Stage
    counts_for: str
    waiting: int
    tally: Tally | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredItem:
    """One item as stored, with the files it declared: `{sha256, size_bytes, media_type, present}`."""

    record_id: str
    type: str
    counts_for: str
    code: str | None
    framework: str | None
    stage: str
    school_year: int
    term: int
    school_class: str
    value: float | None
    note: str
    made_at: datetime
    received_at: datetime
    excluded_at: datetime | None
    exclusion_reason: str | None
    parts: list[dict[str, Any]]

    @property
    def complete(self) -> bool:
        """Whether every file it declared has arrived."""
        return all(part["present"] for part in self.parts)


async def activations(connection: psycopg.AsyncConnection) -> list[Activation]:
    """Return from when on which framework was the active one, in order."""
    cursor = await connection.execute(QUERIES["activations"])
    return [Activation(*row) for row in await cursor.fetchall()]


async def frameworks(connection: psycopg.AsyncConnection) -> list[FrameworkSummary]:
    """Return every framework, newest first, and which is active."""
    active = (await activations(connection))[-1:]
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["frameworks"])
        return [
            FrameworkSummary(**row, active=bool(active) and row["framework"] == active[0].framework)
            for row in await cursor.fetchall()
        ]


async def stored_framework(connection: psycopg.AsyncConnection, framework: str) -> Framework:
    """Return a framework that is known to be stored."""
    found = await find_framework(connection, framework)
    assert found is not None, f"framework {framework} is activated and not stored"
    return found


async def find_framework(connection: psycopg.AsyncConnection, framework: str) -> Framework | None:
    """Return a framework with everything in it; None when there is none of that id."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["framework"], {"framework": framework})
        head = await cursor.fetchone()
        if head is None:
            return None
        await cursor.execute(QUERIES["nodes"], {"framework": framework})
        return Framework(**head, nodes=[_node(row) for row in await cursor.fetchall()])


def _node(row: dict[str, Any]) -> Node:
    definition = None if row["definition"] is None else msgspec.convert(row["definition"], Definition)
    return Node(
        **{
            **row,
            "level": Level(row["level"]),
            "definition": definition,
            "same_as": tuple(row["same_as"]),
            "follows": tuple(row["follows"]),
        }
    )


async def is_pupil(connection: psycopg.AsyncConnection, person: str) -> bool:
    """Whether a reference is a pupil, present or past."""
    row = await (await connection.execute(QUERIES["is_pupil"], {"person": person})).fetchone()
    return row == (True,)


async def class_place(connection: psycopg.AsyncConnection, school_class: str) -> tuple[str, Stage] | None:
    """Return the school of a class and its stage; None when there is no such class."""
    row = await (await connection.execute(QUERIES["class_place"], {"school_class": school_class})).fetchone()
    return None if row is None else (row[0], Stage(row[1]))


async def school_stage(connection: psycopg.AsyncConnection, school: str) -> Stage | None:
    """Return the stage of a school; None when there is no such school."""
    row = await (await connection.execute(QUERIES["school_stage"], {"school": school})).fetchone()
    return None if row is None else Stage(row[0])


async def not_arrived(connection: psycopg.AsyncConnection, school: str) -> NotArrived:
    """Return what agents of a school may still have."""
    async with connection.cursor(row_factory=class_row(NotArrived)) as cursor:
        await cursor.execute(QUERIES["not_arrived"], {"school": school})
        found = await cursor.fetchone()
    assert found is not None
    return found


async def class_pupils(connection: psycopg.AsyncConnection, school_class: str) -> list[str]:
    """Return the pupils who are in a class now, in the order of their number."""
    cursor = await connection.execute(QUERIES["class_pupils"], {"school_class": school_class})
    return [row[0] for row in await cursor.fetchall()]


async def school_pupils(connection: psycopg.AsyncConnection, school: str) -> list[str]:
    """Return the pupils who are in a school now."""
    cursor = await connection.execute(QUERIES["school_pupils"], {"school": school})
    return [row[0] for row in await cursor.fetchall()]


async def tallies(
    connection: psycopg.AsyncConnection, persons: Sequence[str], school_year: int | None, term: int | None
) -> list[Counted]:
    """Return what pupils have, of all years or one, of the whole year or one term."""
    cursor = await connection.execute(
        QUERIES["tallies"], {"persons": list(persons), "school_year": school_year, "term": term}
    )
    return [
        Counted(person, year, Stage(stage), counts_for, waiting, Tally(n, *numbers) if n else None)
        for person, year, stage, counts_for, n, waiting, *numbers in await cursor.fetchall()
    ]


async def items(
    connection: psycopg.AsyncConnection,
    person: str,
    *,
    keys: Sequence[str] | None = None,
    stage: Stage | None = None,
    school_year: int | None = None,
    term: int | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> list[StoredItem]:
    """Return a pupil's items, newest first: those that count for `keys`, or without keys all handed in as evidence."""
    async with connection.cursor(row_factory=class_row(StoredItem)) as cursor:
        await cursor.execute(
            QUERIES["items"],
            {
                "person": person,
                "keys": None if keys is None else list(keys),
                "stage": stage,
                "school_year": school_year,
                "term": term,
                "limit": limit,
                "offset": offset,
            },
        )
        return await cursor.fetchall()


async def count_items(connection: psycopg.AsyncConnection, person: str, school_year: int | None) -> int:
    """Return how many items of a pupil were handed in as evidence."""
    cursor = await connection.execute(QUERIES["count_items"], {"person": person, "school_year": school_year})
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])
