"""Two classes of two schools; records are stored as ingest does and taken by the real consumer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest

from cloud.db.pool import Pool, open_pool
from cloud.homework.taking import HomeworkService
from cloud.records.consuming import Consumer
from protocols.records import Grade, Part, Record, Submission
from tests.cloud.district import SmallDistrict
from tests.cloud.records.storing import record_of, store_records

DUE = datetime(2026, 11, 26, 12, tzinfo=UTC)
CLASS, OTHER = "s01-g3c1", "s02-g3c1"
PUPILS = ["p-1", "p-2", "p-3"]


class Ground:
    """Two classes of two schools; records are stored as ingest does and taken by the real consumer."""

    def __init__(self, pool: Pool, api: httpx.AsyncClient) -> None:
        self.pool = pool
        self.api = api
        self.consumer = Consumer(pool, HomeworkService())

    async def give(self, **more: Any) -> httpx.Response:
        body = {
            "title": "分数的加减",
            "due_at": DUE.isoformat(),
            "audience": {"classes": [CLASS]},
            "questions": [
                {"question": "q-1", "correct": "B", "solution": "通分", "video_resource": "r-1"},
                {"question": "q-2"},
            ],
        }
        return await self.api.put("/api/v1/homework/assignments/hw-1", json=body | more)

    async def tell(self, *records: Record) -> None:
        """Store records one after the other and have the service take them."""
        for record in records:
            await store_records(self.pool, [record])
        await self.consumer.catch_up()

    async def read(self, path: str, **query: Any) -> Any:
        return (await self.api.get(f"/api/v1/homework/{path}", params=query)).raise_for_status().json()

    async def paper(self, person: str) -> Any:
        papers = await self.read("assignments/hw-1/papers")
        return next(one for one in papers["items"] if one["person"] == person)

    async def taken(self, *reasons: str) -> None:
        """Wait until submissions are refused for these reasons only."""
        async with asyncio.timeout(10):
            while set(await self.refusals()) != set(reasons):
                await asyncio.sleep(0.05)

    async def refusals(self) -> dict[str, int]:
        found = (await self.api.get("/api/v1/records/refusals", params={"consumer": "homework"})).json()
        return {one["reason"]: one["records"] for one in found["items"]}


@pytest.fixture
async def ground(district: SmallDistrict, api: httpx.AsyncClient) -> AsyncIterator[Ground]:
    with psycopg.connect(district.dsn, autocommit=True) as connection:
        for school_class in (CLASS, OTHER):
            connection.execute(
                "INSERT INTO classes (school_class, source_id, school, title, title_en, grade)"
                " VALUES (%s, %s, %s, '三年级一班', '', '三年级')",
                [school_class, school_class, school_class[:3]],
            )
        for person, kind, school_class in [
            *((pupil, "pupil", CLASS) for pupil in PUPILS), ("p-9", "pupil", OTHER), ("t-1", "teacher", CLASS),
        ]:  # fmt: skip
            connection.execute(
                "INSERT INTO people (person, kind, source_id, name) VALUES (%s, %s, %s, '')", [person, kind, person]
            )
            connection.execute(
                "INSERT INTO enrolments (school_class, person, role) VALUES (%s, %s, %s)", [school_class, person, kind]
            )
    async with open_pool(district.dsn) as pool:
        yield Ground(pool, api)


def submission(person: str, at: datetime, version: int = 1, *parts: Part, assignment: str = "hw-1") -> Record:
    fact = Submission(assignment=assignment, version=version, text=f"v{version}", parts=list(parts))
    return record_of(fact, subject=person, at=at)


def grade(of: Record, score: float, base: int = 0, **more: Any) -> Record:
    return record_of(Grade(submission=of.record_id, base_version=base, score=score), subject="t-1", **more)
