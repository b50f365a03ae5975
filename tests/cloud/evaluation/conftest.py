"""A school with pupils in a real database, records stored as ingest stores them, taken by the real consumer."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from cloud.db.pool import Pool, open_pool
from cloud.evaluation.service import DEFAULT_FRAMEWORK, import_framework
from cloud.evaluation.taking import EvaluationService
from cloud.records.consuming import Consumer
from cloud.records.models import Arrived
from cloud.records.writing import store
from protocols.records import AnyFact, Record

POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
AUTUMN = datetime(2026, 10, 12, 2, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    return (moment - POSTGRES_EPOCH) // timedelta(microseconds=1)


class Ground:
    """What a test does with the school: enrol pupils, hand in facts, look at tables."""

    def __init__(self, pool: Pool, consumer: Consumer) -> None:
        self.pool = pool
        self.consumer = consumer

    async def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        async with self.pool.connection() as connection:
            cursor = await connection.execute(statement.encode(), values)
            return await cursor.fetchall() if cursor.description else []

    async def add_class(self, school: str, stage: str, school_class: str, *persons: str, **dates: date | None) -> None:
        """Make a school, a class and its pupils; `begins_on` and `ends_on` bound the enrolment."""
        await self.rows(
            "INSERT INTO schools (school, position, name, name_en, stage) VALUES (%s, 1, '学校', 'School', %s)"
            " ON CONFLICT DO NOTHING",
            school,
            stage,
        )
        await self.rows(
            "INSERT INTO classes (school_class, source_id, school, title, title_en, grade)"
            " VALUES (%s, %s, %s, '班', 'Class', '3')",
            school_class,
            school_class,
            school,
        )
        for number, person in enumerate(persons, start=1):
            await self.rows(
                "INSERT INTO people (person, kind, source_id, name) VALUES (%s, 'pupil', %s, '某')"
                " ON CONFLICT DO NOTHING",
                person,
                person,
            )
            await self.rows(
                "INSERT INTO enrolments (school_class, person, role, number, begins_on, ends_on)"
                " VALUES (%s, %s, 'pupil', %s, %s, %s)",
                school_class,
                person,
                number,
                dates.get("begins_on"),
                dates.get("ends_on"),
            )

    async def store(self, fact: AnyFact, *, person: str | None = "p-1", at: datetime = AUTUMN, **more: Any) -> str:
        """Store a record as ingest does, and return its id."""
        milliseconds = int(at.timestamp() * 1000)
        record = Record(
            record_id=more.pop("record_id", secrets.token_hex(16)),
            observed_at_ms=milliseconds,
            accepted_at_ms=milliseconds,
            monotonic_ms=0,
            subject=person,
            fact=fact,
            **more,
        )
        async with self.pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            await cursor.execute("SELECT agent_id FROM agents WHERE agent = 's01-gw'")
            row = await cursor.fetchone()
            assert row is not None
            moment = microseconds(at)
            await store(cursor, [Arrived(record, row[0], moment, moment, moment, moment)])
        return record.record_id

    async def hand_in(self, *facts: AnyFact, **envelope: Any) -> list[str]:
        """Store records, let the consumer take them, and return the reasons of those it refused this time."""
        ids = [await self.store(fact, **envelope) for fact in facts]
        await self.consumer.catch_up()
        found = await self.rows(
            "SELECT reason FROM record_refusals WHERE record_id = ANY(%s) AND settled_at IS NULL ORDER BY place", ids
        )
        return [row[0] for row in found]


@pytest.fixture
async def empty_ground(database: str) -> AsyncIterator[Ground]:
    """A primary class of two pupils and no framework."""
    async with open_pool(database) as pool:
        ground = Ground(pool, Consumer(pool, EvaluationService()))
        await ground.add_class("s01", "primary", "s01-g3c1", "p-1", "p-2")
        await ground.rows("INSERT INTO agents (agent, position, role, school) VALUES ('s01-gw', 1, 'gateway', 's01')")
        yield ground


@pytest.fixture
async def ground(empty_ground: Ground) -> Ground:
    """The same with the framework that comes with Bellwether, active since before the tests' school year."""
    async with empty_ground.pool.connection() as connection, connection.transaction():
        await import_framework(connection, DEFAULT_FRAMEWORK.read_bytes())
    await empty_ground.rows("UPDATE evaluation_activations SET activated_at = '2024-09-01+08'")
    return empty_ground
