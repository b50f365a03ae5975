"""A service takes each stored record exactly once and in order, whatever happens to its consumer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import psycopg
import pytest

from cloud.content.store import BlobStore
from cloud.db.pool import Pool, open_pool
from cloud.privacy.erasing import Eraser
from cloud.records import consuming
from cloud.records.consuming import Consumer, Refusal, StoredRecord
from tests.cloud.district import SmallDistrict
from tests.cloud.records.storing import NotingService, answers, store_in, store_records

pytestmark = pytest.mark.db


@pytest.fixture
async def pool(district: SmallDistrict, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pool]:
    monkeypatch.setattr(consuming, "BATCH", 20)
    with psycopg.connect(district.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE noted (number bigint GENERATED ALWAYS AS IDENTITY, record_id text NOT NULL)")
    async with open_pool(district.dsn, max_size=8) as opened:
        yield opened


async def rows(pool: Pool, query: str) -> list[tuple[Any, ...]]:
    async with pool.connection() as connection:
        return await (await connection.execute(query.encode())).fetchall()


async def noted(pool: Pool) -> list[str]:
    return [record_id for (record_id,) in await rows(pool, "SELECT record_id FROM noted ORDER BY number")]


async def open_refusals(pool: Pool) -> dict[str, str]:
    return dict(await rows(pool, "SELECT record_id, reason FROM record_refusals WHERE settled_at IS NULL"))


async def test_every_record_is_taken_once_and_in_order(pool: Pool) -> None:
    ids = await store_records(pool, answers(45))
    await Consumer(pool, NotingService()).catch_up()
    ids += await store_records(pool, answers(20))
    assert await Consumer(pool, NotingService()).catch_up() == 20
    assert await Consumer(pool, NotingService()).catch_up() == 0
    assert await noted(pool) == ids
    assert await rows(pool, "SELECT consumer, taken FROM record_consumers") == [("noting", 65)]


async def test_consumers_of_one_name_that_race_share_the_work(pool: Pool) -> None:
    ids: list[str] = []

    async def write() -> None:
        for _ in range(12):
            ids.extend(await store_records(pool, answers(17)))

    writing = asyncio.create_task(write())
    racing = [Consumer(pool, NotingService()) for _ in range(3)]
    while not writing.done():
        await asyncio.gather(*(consumer.catch_up() for consumer in racing))
    await writing
    await racing[0].catch_up()
    assert await noted(pool) == ids


async def test_a_connection_killed_in_mid_batch_repeats_nothing(pool: Pool) -> None:
    class Killed(NotingService):
        async def take(self, connection: psycopg.AsyncConnection, records: Sequence[StoredRecord]) -> list[Refusal]:
            refusals = await super().take(connection, records)
            if self.batches in (2, 4):
                pid = connection.info.backend_pid
                async with pool.connection() as other:
                    await other.execute("SELECT pg_terminate_backend(%s)", [pid])
            return refusals

    ids = await store_records(pool, answers(70))
    consumer = Consumer(pool, Killed())
    for _ in range(2):
        with pytest.raises(psycopg.OperationalError):
            await consumer.catch_up()
    await consumer.catch_up()
    assert await noted(pool) == ids
    assert await open_refusals(pool) == {}


async def test_a_record_whose_transaction_began_first_and_commits_last_is_not_passed_over(pool: Pool) -> None:
    early, late = answers(1), answers(3)
    consumer = Consumer(pool, NotingService())
    async with pool.connection() as slow:
        async with slow.transaction():
            await store_in(slow, early)
            await store_records(pool, late)
            catching_up = asyncio.create_task(consumer.catch_up())
            while not await rows(
                pool, "SELECT FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND NOT granted"
            ):
                await asyncio.sleep(0.01)
            assert await noted(pool) == []
        await catching_up
    assert await noted(pool) == [record.record_id for record in [*early, *late]]


async def test_a_storing_transaction_that_does_not_end_holds_up_neither_ingest_nor_is_it_passed_over(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consuming, "HORIZON_WAIT_MILLISECONDS", 50)
    consumer = Consumer(pool, NotingService())
    stuck, later = answers(1), answers(1)
    async with pool.connection() as slow:
        async with slow.transaction():
            await store_in(slow, stuck)
            assert await consumer.catch_up() == 0
            await store_records(pool, later)
            assert await consumer.catch_up() == 0
        await consumer.catch_up()
    assert await noted(pool) == [record.record_id for record in [*stuck, *later]]


async def test_a_rolled_back_storing_transaction_leaves_a_gap_that_holds_nobody_up(pool: Pool) -> None:
    async with pool.connection() as connection:
        with pytest.raises(ZeroDivisionError):
            async with connection.transaction():
                await store_in(connection, answers(2))
                raise ZeroDivisionError
    ids = await store_records(pool, answers(2))
    await Consumer(pool, NotingService()).catch_up()
    assert await noted(pool) == ids


async def test_a_refusal_is_kept_with_its_reason_and_taken_by_a_later_replay(
    pool: Pool, api: httpx.AsyncClient
) -> None:
    service = NotingService("teaching")
    service.refuses = ("Z",)
    consumer = Consumer(pool, service)
    good = await store_records(pool, answers(15))
    bad = await store_records(pool, answers(25, "Z"))
    good += await store_records(pool, answers(2))
    await consumer.catch_up()
    assert await noted(pool) == good
    assert await open_refusals(pool) == dict.fromkeys(bad, "unwanted")
    found = (await api.get("/api/v1/records/refusals", params={"consumer": "teaching"})).json()
    assert [(one["consumer"], one["reason"], one["records"]) for one in found["items"]] == [
        ("teaching", "unwanted", 25)
    ]
    scraped = (await api.get("/metrics")).text
    assert 'bellwether_service_records_refused{reason="unwanted",service="teaching"} 25.0' in scraped
    assert 'bellwether_service_places_behind{service="teaching"} 0.0' in scraped
    of_another = await api.get("/api/v1/records/refusals", params={"school_class": "s01-g9c9"})
    assert of_another.json() == {"total": 0, "items": []}

    assert await consumer.replay() == (25, 0)
    assert await rows(pool, "SELECT DISTINCT tries FROM record_refusals") == [(2,)]
    service.refuses = ()
    assert await consumer.replay(bad[:1]) == (1, 1)
    assert await consumer.replay() == (24, 24)
    assert await consumer.replay() == (0, 0)
    assert await noted(pool) == [*good, *bad]
    assert await rows(pool, "SELECT taken FROM record_consumers") == [(42,)]


async def test_a_record_the_database_or_the_service_breaks_on_is_refused_alone(pool: Pool) -> None:
    before = await store_records(pool, answers(5))
    (refused_by_database,) = await store_records(pool, answers(1, "not a number"))
    (breaks,) = await store_records(pool, answers(1, "break"))
    after = await store_records(pool, answers(5))
    await Consumer(pool, NotingService()).catch_up()
    assert await noted(pool) == [*before, *after]
    assert await open_refusals(pool) == {refused_by_database: "database", breaks: "service_failed"}


async def test_a_fact_that_this_version_cannot_read_is_refused_and_holds_nobody_up(pool: Pool) -> None:
    ids = await store_records(pool, answers(3))
    async with pool.connection() as connection:
        await connection.execute("UPDATE records SET fact = fact || '{\"mood\": 1}' WHERE record_id = %s", [ids[1]])
    consumer = Consumer(pool, NotingService())
    await consumer.catch_up()
    assert await noted(pool) == [ids[0], ids[2]]
    assert await open_refusals(pool) == {ids[1]: "unreadable"}
    async with pool.connection() as connection:
        await connection.execute("UPDATE records SET fact = fact - 'mood' WHERE record_id = %s", [ids[1]])
    assert await consumer.replay() == (1, 1)


async def test_what_is_erased_while_a_service_has_it_in_hand_is_forgotten_all_the_same(
    pool: Pool, district: SmallDistrict, tmp_path: Any
) -> None:
    in_hand, go_on = asyncio.Event(), asyncio.Event()

    class Slow(NotingService):
        async def take(self, connection: psycopg.AsyncConnection, records: Sequence[StoredRecord]) -> list[Refusal]:
            in_hand.set()
            await go_on.wait()
            return await super().take(connection, records)

    async def forget(connection: psycopg.AsyncConnection, record_ids: Sequence[str]) -> None:
        await connection.execute("DELETE FROM noted WHERE record_id = ANY(%s)", [list(record_ids)])

    consumer = Consumer(pool, Slow())
    await store_records(pool, answers(1))
    catching_up = asyncio.create_task(consumer.catch_up())
    await in_hand.wait()
    district.insert(
        "erasures",
        {"erasure": "e" * 32, "person": "p-1", "records": [], "reason": "asked", "ordered_by": "x",
         "ordered_at": "2026-11-27"},
    )  # fmt: skip
    erasing = asyncio.create_task(Eraser(pool, [forget], BlobStore(tmp_path, free_floor_bytes=0)).erase_next())
    while not await rows(pool, "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
        assert not erasing.done()
        await asyncio.sleep(0.01)
    go_on.set()
    await catching_up
    assert await erasing
    assert await noted(pool) == []


async def test_replay_over_http_names_the_services_there_are(pool: Pool, api: httpx.AsyncClient) -> None:
    refused = await api.post("/api/v1/records/refusals/replay", params={"consumer": "cooking"})
    assert refused.status_code == 422
    assert "teaching" in refused.json()["errors"][0]["allowed"]
    items = (await api.post("/api/v1/records/refusals/replay")).json()["items"]
    assert {"consumer": "teaching", "tried": 0, "taken": 0} in items
