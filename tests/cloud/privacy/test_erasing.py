"""A person's records are forgotten at the centre, those that come later as well, and the books still balance."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from cloud.config import RecordRetention
from cloud.content.store import BlobStore
from cloud.db import Pool, open_pool
from cloud.privacy.access import keep
from cloud.privacy.attachments import AttachmentExpiry
from cloud.privacy.erasing import Eraser
from cloud.privacy.retention import Expiry, days_by_type
from cloud.privacy.tombstones import erasures_for
from cloud.records.models import Arrived
from cloud.records.writing import store
from protocols.records import PURPOSES, Answer, Grade, Part, Record, Submission
from tests.cloud.district import SmallDistrict

pytestmark = pytest.mark.db

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
NOW = datetime.now(UTC)
PUPIL, OTHER = "p-1", "p-2"


def record(subject: str | None, fact: Any, at: datetime = NOW) -> Record:
    at_ms = round(at.timestamp() * 1000)
    return Record(
        record_id=secrets.token_hex(16),
        observed_at_ms=at_ms,
        accepted_at_ms=at_ms,
        monotonic_ms=1,
        subject=subject,
        terminal="s01-c01-t01",
        lesson="l-1",
        school_class="s01-g1c1",
        fact=fact,
    )


def answer(subject: str, at: datetime = NOW) -> Record:
    return record(subject, Answer(question="q-1", response="B"), at)


async def arrive(pool: Pool, *records: Record) -> None:
    async with pool.connection() as connection, connection.transaction():
        found = await (await connection.execute("SELECT agent_id FROM agents WHERE agent = 's01-gw'")).fetchone()
        assert found is not None
        arrivals = []
        for one in records:
            at = round((datetime.fromtimestamp(one.accepted_at_ms / 1000, UTC) - EPOCH) / timedelta(microseconds=1))
            arrivals.append(Arrived(one, found[0], at, at, at, at))
        async with connection.cursor() as cursor:
            await store(cursor, arrivals)


@pytest.fixture
async def pool(district: SmallDistrict) -> AsyncIterator[Pool]:
    async with open_pool(district.dsn) as pool:
        yield pool


@pytest.fixture
def rows(district: SmallDistrict) -> Iterator[Any]:
    with psycopg.connect(district.dsn, autocommit=True) as connection:
        yield lambda query, *values: connection.execute(query, values).fetchall()


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path, free_floor_bytes=0)


class Forgetting:
    """A service that remembers what it was told to forget."""

    def __init__(self) -> None:
        self.record_ids: list[str] = []

    async def forget(self, _connection: psycopg.AsyncConnection, record_ids: Sequence[str]) -> None:
        self.record_ids += record_ids


async def order(api: httpx.AsyncClient, person: str, **more: Any) -> str:
    answered = await api.post("/api/v1/privacy/erasures", json={"person": person, "reason": "asked for", **more})
    assert answered.status_code == 201, answered.text
    assert answered.json()["done_at"] is None
    return str(answered.json()["erasure"])


async def test_an_erasure_blanks_everything_about_a_person_and_what_others_said_of_it(
    api: httpx.AsyncClient, pool: Pool, rows: Any, blobs: BlobStore
) -> None:
    own, shared = "a" * 64, "b" * 64
    paper = record(
        PUPIL, Submission(assignment="a-1", parts=[Part(sha256=own, size_bytes=1), Part(sha256=shared, size_bytes=1)])
    )
    others = record(OTHER, Submission(assignment="a-1", parts=[Part(sha256=shared, size_bytes=1)]))
    grade = record("t-1", Grade(submission=paper.record_id, base_version=0, score=3.0, comment="good"))
    await arrive(pool, answer(PUPIL), paper, others, grade, answer(OTHER))
    for sha256 in (own, shared):
        blobs.path(sha256).parent.mkdir(parents=True)
        blobs.path(sha256).write_bytes(b"x")
        rows("INSERT INTO blobs VALUES (%s, 1, 'text/plain', now()) RETURNING sha256", sha256)
    service = Forgetting()
    eraser = Eraser(pool, [service.forget], blobs)
    assert not await eraser.erase_next()
    erasure = await order(api, PUPIL)
    assert await eraser.erase_next()
    assert not await eraser.erase_next()
    assert len(service.record_ids) == 3
    assert not blobs.path(own).exists()
    assert blobs.path(shared).exists()
    kept = rows("SELECT subject, outcome FROM records WHERE subject IS NOT NULL ORDER BY subject")
    assert kept == [(OTHER, "stored"), (OTHER, "stored")]
    blank = rows("SELECT subject, terminal, lesson, fact FROM records WHERE outcome = 'erased'")
    assert blank == [(None, None, None, {})] * 3
    said = (await api.get(f"/api/v1/privacy/erasures/{erasure}")).json()
    assert (said["erased_records"], said["blobs"], said["done_at"] is not None) == (3, [own], True)


async def test_what_arrives_after_an_erasure_is_blanked_on_arrival(
    api: httpx.AsyncClient, pool: Pool, rows: Any
) -> None:
    paper = record(PUPIL, Submission(assignment="a-1"))
    await order(api, PUPIL)
    late_grade = record("t-1", Grade(submission=paper.record_id, base_version=0, comment="of an erased paper"))
    await arrive(pool, answer(PUPIL), paper)
    await arrive(pool, late_grade, paper, answer(OTHER))
    assert rows("SELECT outcome, count(*) FROM records GROUP BY outcome ORDER BY outcome") == [
        ("erased", 4),
        ("stored", 1),
    ]
    assert rows("SELECT count(*) FROM records WHERE subject = %s", PUPIL) == [(0,)]


async def test_single_records_can_be_erased_and_the_person_stays(
    api: httpx.AsyncClient, pool: Pool, rows: Any, blobs: BlobStore
) -> None:
    first, second = answer(PUPIL), answer(PUPIL)
    await arrive(pool, first, second)
    await order(api, PUPIL, records=[first.record_id])
    service = Forgetting()
    assert await Eraser(pool, [service.forget], blobs).erase_next()
    await arrive(pool, first, answer(PUPIL))
    assert rows("SELECT outcome, count(*) FROM records GROUP BY outcome ORDER BY outcome") == [
        ("erased", 2),
        ("stored", 2),
    ]


async def test_a_service_that_cannot_forget_leaves_the_order_waiting(
    api: httpx.AsyncClient, pool: Pool, rows: Any, blobs: BlobStore
) -> None:
    async def refuse(_connection: psycopg.AsyncConnection, _record_ids: Sequence[str]) -> None:
        raise psycopg.errors.LockNotAvailable("busy")

    await arrive(pool, answer(PUPIL))
    await order(api, PUPIL)
    service = Forgetting()
    with pytest.raises(psycopg.errors.LockNotAvailable):
        await Eraser(pool, [refuse], blobs).erase_next()
    assert rows("SELECT outcome FROM records") == [("stored",)]
    assert await Eraser(pool, [service.forget], blobs).erase_next()


async def test_agents_of_the_school_get_the_tombstone_once_the_centre_has_forgotten(
    api: httpx.AsyncClient, pool: Pool, blobs: BlobStore
) -> None:
    erasure = await order(api, PUPIL)
    async with pool.connection() as connection:
        assert await erasures_for(connection, "s01-gw") is None
    service = Forgetting()
    await Eraser(pool, [service.forget], blobs).erase_next()
    async with pool.connection() as connection:
        told = await erasures_for(connection, "s01-gw")
        assert told is not None
        assert [(one.erasure, one.subject) for one in told.tombstones] == [(erasure, PUPIL)]
        assert await erasures_for(connection, "core") is None


async def test_records_expire_by_type_with_what_services_made_of_them_and_are_counted(pool: Pool, rows: Any) -> None:
    old = answer(PUPIL, NOW - timedelta(days=11))
    await arrive(pool, old, answer(PUPIL, NOW - timedelta(days=9)))
    service = Forgetting()
    expiry = Expiry(pool, RecordRetention(answer_days=10), [service.forget])
    assert await expiry.expire() == 1
    assert service.record_ids == [old.record_id]
    assert rows("SELECT count(*) FROM records") == [(1,)]
    assert rows("SELECT count(*) FROM record_identities") == [(1,)]
    assert rows("SELECT records FROM expired_items") == [(1,)]
    assert await expiry.expire() == 0


def test_every_type_has_a_retention() -> None:
    assert days_by_type(RecordRetention()).keys() == PURPOSES.keys()


async def test_purposes_are_published_and_a_bad_order_names_its_fields(api: httpx.AsyncClient) -> None:
    listed = (await api.get("/api/v1/privacy/purposes")).json()["items"]
    assert {item["type"]: item["kept_days"] for item in listed}["evidence"] == 4400
    refused = await api.post("/api/v1/privacy/erasures", json={"person": "not a reference", "reason": ""})
    assert refused.status_code == 422
    assert {error["field"] for error in refused.json()["errors"]} == {"person", "reason"}


async def test_a_look_at_records_is_kept_with_who_and_what_for(api: httpx.AsyncClient, pool: Pool) -> None:
    async with pool.connection() as connection:
        await keep(connection, "t-7", "marking", [PUPIL, OTHER], "/api/v1/homework/submissions")
        await keep(connection, "t-8", "marking", [OTHER], "/api/v1/homework/submissions")
    said = (await api.get("/api/v1/privacy/access", params={"person": PUPIL})).json()["items"]
    assert [(one["who"], one["purpose"]) for one in said] == [("t-7", "marking")]


async def test_what_a_pupil_handed_in_is_not_served_without_a_noted_look(api: httpx.AsyncClient, pool: Pool) -> None:
    content = b"a drawing"
    sha256 = hashlib.sha256(content).hexdigest()
    await api.put(f"/api/v1/content/blobs/{sha256}", content=content)
    assert (await api.get(f"/api/v1/content/blobs/{sha256}")).content == content
    await arrive(pool, record(PUPIL, Submission(assignment="a-1", parts=[Part(sha256=sha256, size_bytes=9)])))
    refused = await api.get(f"/api/v1/content/blobs/{sha256}")
    assert (refused.status_code, "/parts/" in refused.json()["hint"]) == (404, True)


async def test_files_that_nothing_needs_any_more_go_after_a_while(pool: Pool, rows: Any, blobs: BlobStore) -> None:
    needed, unclaimed, fresh = ("a" * 64, "b" * 64, "c" * 64)
    for sha256, days in ((needed, 40), (unclaimed, 40), (fresh, 20)):
        blobs.path(sha256).parent.mkdir(parents=True)
        blobs.path(sha256).write_bytes(b"x")
        rows("INSERT INTO blobs VALUES (%s, 1, '', now() - make_interval(days => %s)) RETURNING 1", sha256, days)
    paper = record(PUPIL, Submission(assignment="a-1", parts=[Part(sha256=needed, size_bytes=1)]))
    await arrive(pool, paper)
    expiry = AttachmentExpiry(pool, blobs, unclaimed_days=30)
    assert (await expiry.expire(), await expiry.expire()) == (1, 0)
    assert [blobs.path(sha256).exists() for sha256 in (needed, unclaimed, fresh)] == [True, False, True]
    assert rows("SELECT sha256 FROM blobs ORDER BY sha256") == [(needed,), (fresh,)]
