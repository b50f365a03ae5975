"""Feeds over real HTTP: nothing missing, repeated records under the same id only, one bad record stops nothing."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from cloud.content.store import BlobStore
from cloud.db.pool import Pool, open_pool
from cloud.feeds.delivery import Delivery
from cloud.feeds.duty import FeedsDuty
from cloud.feeds.repository import forget, tell_erased
from cloud.feeds.sending import open_sender
from cloud.http.ending import end
from cloud.privacy.erasing import Eraser
from protocols.records import Answer, LessonEvent, LessonStep
from tests.cloud.district import SmallDistrict
from tests.cloud.feeds.receiver import Receiver
from tests.cloud.records.storing import answers, record_of, store_in, store_records

pytestmark = pytest.mark.db

SECRET = "a secret of many more than 24 bytes"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver(SECRET)
    receiver.start()
    yield receiver
    receiver.stop()


@pytest.fixture
async def pool(district: SmallDistrict) -> AsyncIterator[Pool]:
    async with open_pool(district.dsn, max_size=8) as opened:
        yield opened


async def add(api: httpx.AsyncClient, receiver: Receiver, **order: Any) -> None:
    body = {"feed": "lrs", "url": f"{receiver.url}?key=hidden", "secret": SECRET, **order}
    answer = await api.post("/api/v1/feeds", json=body)
    assert answer.status_code == 201, answer.text
    assert "hidden" not in answer.text


async def row(api: httpx.AsyncClient, feed: str = "lrs") -> dict[str, Any]:
    return (await api.get(f"/api/v1/feeds/{feed}")).raise_for_status().json()


async def deliver(pool: Pool, feed: str = "lrs", *, attempt_seconds: float = 5.0, until_failing: bool = False) -> None:
    """Take a feed forward until nothing is left, without waiting after failures."""
    async with open_sender(attempt_seconds) as sender:
        delivery = Delivery(pool, sender, wait=lambda _: 0.0)
        async with asyncio.timeout(60):
            while (await delivery.step(feed)) not in (None, float("inf")):
                if until_failing and await _failures(pool, feed):
                    return


async def _failures(pool: Pool, feed: str) -> int:
    async with pool.connection() as connection:
        found = await (await connection.execute("SELECT failures FROM feeds WHERE feed = %s", [feed])).fetchone()
        assert found is not None
        return int(found[0])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


async def test_every_record_from_registration_on_is_told_once_in_order_and_signed(
    api: httpx.AsyncClient, pool: Pool, receiver: Receiver
) -> None:
    await store_records(pool, answers(3))
    await add(api, receiver)
    ids = await store_records(pool, answers(250))
    await deliver(pool)
    assert receiver.order == ids
    assert receiver.wrong_signatures == 0
    seen = await row(api)
    assert (seen["delivered"], seen["waiting"], seen["refused"], seen["problem"]) == (250, 0, 0, None)
    assert SECRET not in json.dumps(seen)
    assert 'bellwether_feed_records_delivered_total{feed="lrs"} 250.0' in (await api.get("/metrics")).text
    _, headers, body = receiver.requests[0]
    record = json.loads(body)["records"][0]
    assert headers["webhook-id"].startswith("msg_")
    assert record["fact"] == {"type": "answer", "question": "q-0", "response": "A"}
    assert record["school"] == "s01"
    assert {"observed_at", "accepted_at", "corrected_at", "made_at", "received_at"} <= set(record)


async def test_a_receiver_that_fails_at_random_misses_nothing(
    api: httpx.AsyncClient, pool: Pool, receiver: Receiver
) -> None:
    await add(api, receiver)
    ids = await store_records(pool, answers(120))
    statuses: Iterator[int | None] = iter([503, None, 500, 200, 401, 302, 429, 200, 502, None, *[200] * 500])
    receiver.answer = lambda _: next(statuses)
    await deliver(pool)
    assert list(dict.fromkeys(receiver.order)) == ids
    assert (await row(api))["refused"] == 0


async def test_an_answer_that_is_lost_repeats_the_records_under_the_same_message_id(
    api: httpx.AsyncClient, pool: Pool, receiver: Receiver
) -> None:
    await add(api, receiver)
    ids = await store_records(pool, answers(5))

    def take_and_drop(records: list[dict[str, Any]]) -> int | None:
        receiver.taken.update(record["record_id"] for record in records)
        receiver.answer = lambda _: 200
        return None

    receiver.answer = take_and_drop
    await deliver(pool)
    assert receiver.taken == dict.fromkeys(ids, 2)
    (_, first, body), (_, second, again) = receiver.requests
    assert (first["webhook-id"], body) == (second["webhook-id"], again)


async def test_a_slow_receiver_is_given_up_for_now_and_holds_up_no_other(
    api: httpx.AsyncClient, pool: Pool, receiver: Receiver, district: SmallDistrict
) -> None:
    slow = Receiver(SECRET)
    slow.start()
    slow.delay_seconds = 3.0
    await add(api, slow, feed="slow")
    await add(api, receiver)
    duty = asyncio.create_task(FeedsDuty(district.dsn, pool).run())
    ids = await store_records(pool, answers(10))
    await until(lambda: len(receiver.taken) == 10)
    assert not slow.taken
    await end(duty)
    await deliver(pool, "slow", attempt_seconds=0.2, until_failing=True)
    assert (await row(api, "slow"))["problem"] == "timeout"
    slow.delay_seconds = 0.0
    await deliver(pool, "slow")
    assert set(slow.taken) == set(ids)
    slow.stop()


async def test_a_receiver_that_is_killed_and_comes_back_misses_nothing(
    api: httpx.AsyncClient, pool: Pool, receiver: Receiver, district: SmallDistrict
) -> None:
    await add(api, receiver)
    duty = asyncio.create_task(FeedsDuty(district.dsn, pool).run())
    ids = await store_records(pool, answers(30))
    await until(lambda: len(receiver.taken) == 30)
    receiver.stop()
    ids += await store_records(pool, answers(30))
    async with asyncio.timeout(60):
        while (seen := await row(api))["failures"] < 2:
            await asyncio.sleep(0.05)
    assert seen["problem"] in ("no_connection", "connection_lost")
    assert seen["waiting"] == 30
    assert seen["retry_at"] is not None
    receiver.start()
    await until(lambda: len(receiver.taken) == 60)
    assert set(receiver.taken) == set(ids)
    await end(duty)


async def test_delivery_killed_between_sending_and_noting_repeats_and_loses_nothing(
    api: httpx.AsyncClient, pool: Pool, receiver: Receiver, district: SmallDistrict
) -> None:
    await add(api, receiver)
    ids = await store_records(pool, answers(10))
    receiver.delay_seconds = 0.3
    duty = asyncio.create_task(FeedsDuty(district.dsn, pool).run())
    await until(lambda: len(receiver.requests) == 1)
    await end(duty)
    await until(lambda: len(receiver.taken) == 10)
    assert (await row(api))["delivered"] == 0
    await deliver(pool)
    assert receiver.taken == dict.fromkeys(ids, 2)


async def test_pause_keeps_the_place_and_resume_goes_on_there(
    api: httpx.AsyncClient, pool: Pool, receiver: Receiver, district: SmallDistrict
) -> None:
    await add(api, receiver)
    duty = asyncio.create_task(FeedsDuty(district.dsn, pool).run())
    ids = await store_records(pool, answers(5))
    await until(lambda: len(receiver.taken) == 5)
    assert (await api.post("/api/v1/feeds/lrs/pause")).json()["state"] == "paused"
    ids += await store_records(pool, answers(5))
    await asyncio.sleep(0.3)
    assert len(receiver.taken) == 5
    assert (await row(api))["waiting"] == 5
    assert (await api.post("/api/v1/feeds/lrs/resume")).json()["state"] == "running"
    await until(lambda: len(receiver.taken) == 10)
    assert receiver.taken == dict.fromkeys(ids, 1)
    assert (await api.delete("/api/v1/feeds/lrs")).status_code == 204
    assert (await api.get("/api/v1/feeds/lrs")).status_code == 404
    await end(duty)


@pytest.mark.parametrize("bad_status", [422, 500, None])
async def test_one_record_that_a_receiver_will_not_take_is_kept_and_the_feed_goes_on(
    api: httpx.AsyncClient, pool: Pool, receiver: Receiver, bad_status: int | None
) -> None:
    await add(api, receiver)
    records = [*answers(37), *answers(1, "poison"), *answers(40)]
    ids = await store_records(pool, records)
    receiver.answer = lambda said: bad_status if any(record["fact"]["response"] == "poison" for record in said) else 200
    await deliver(pool)
    assert set(ids) - set(receiver.taken) == {ids[37]}
    if bad_status == 422:  # a judgement repeats nothing
        assert set(receiver.taken.values()) == {1}
    refused = (await api.get("/api/v1/feeds/lrs/refusals")).json()
    reason = "connection_lost" if bad_status is None else f"http_{bad_status}"
    assert [(one["record_id"], one["reason"]) for one in refused["items"]] == [(ids[37], reason)]
    seen = await row(api)
    assert (seen["refused"], seen["waiting"], seen["delivered"]) == (1, 0, 77)

    receiver.answer = lambda _: 200
    assert (await api.post("/api/v1/feeds/lrs/refusals/retry")).json() == {"records": 1, "erasures": 0}
    await deliver(pool)
    assert set(receiver.taken) == set(ids)
    assert (await row(api))["refused"] == 0


async def test_a_receiver_that_breaks_on_everything_loses_no_record(
    api: httpx.AsyncClient, pool: Pool, receiver: Receiver
) -> None:
    await add(api, receiver)
    ids = await store_records(pool, answers(40))
    receiver.answer = lambda _: 500
    async with open_sender() as sender:
        delivery = Delivery(pool, sender, wait=lambda _: 0.0)
        for _ in range(25):
            await delivery.step("lrs")
    seen = await row(api)
    assert (seen["refused"], seen["waiting"], seen["problem"]) == (0, 40, "http_500")
    receiver.answer = lambda _: 200
    await deliver(pool)
    assert set(receiver.taken) == set(ids)


async def test_a_pause_that_the_receiver_asks_for_is_kept(
    api: httpx.AsyncClient, pool: Pool, receiver: Receiver
) -> None:
    await add(api, receiver)
    await store_records(pool, answers(1))
    receiver.answer, receiver.headers = (lambda _: 429), {"retry-after": "120"}
    async with open_sender() as sender:
        delivery = Delivery(pool, sender, wait=lambda _: 0.0)
        assert await delivery.step("lrs") == 120
        left = await delivery.step("lrs")
    assert left is not None
    assert 100 < left <= 120
    assert len(receiver.requests) == 1


async def test_types_and_school_decide_what_is_told_and_a_late_commit_is_not_passed_over(
    api: httpx.AsyncClient, pool: Pool, receiver: Receiver
) -> None:
    await add(api, receiver, types=["answer"], school="s01")
    early, late = answers(1), answers(1)
    event = record_of(LessonEvent(step=LessonStep.STARTED), subject=None)
    async with pool.connection() as slow, slow.transaction():
        await store_in(slow, early)
        await store_records(pool, [*late, event])
        await store_records(pool, answers(2), agent="s02-gw")
        delivering = asyncio.create_task(deliver(pool))
        await asyncio.sleep(0.2)
        assert receiver.order == []
    await delivering
    await deliver(pool)
    assert receiver.order == [early[0].record_id, late[0].record_id]


async def test_what_is_erased_or_cannot_be_read_is_not_told(
    api: httpx.AsyncClient, pool: Pool, receiver: Receiver
) -> None:
    await add(api, receiver)
    ids = await store_records(pool, answers(4))
    async with pool.connection() as connection:
        await connection.execute("UPDATE records SET outcome = 'erased', fact = '{}' WHERE record_id = %s", [ids[1]])
        await connection.execute("UPDATE records SET fact = fact || '{\"mood\": 1}' WHERE record_id = %s", [ids[2]])
    await deliver(pool)
    assert receiver.order == [ids[0], ids[3]]
    refused = (await api.get("/api/v1/feeds/lrs/refusals")).json()["items"]
    assert [(one["record_id"], one["reason"]) for one in refused] == [(ids[2], "unreadable")]
    async with pool.connection() as connection:
        await forget(connection, ids)
    assert (await api.get("/api/v1/feeds/lrs/refusals")).json()["total"] == 0


@pytest.mark.parametrize("format_", ["webhook", "xapi"])
async def test_what_was_told_and_is_erased_here_is_told_to_be_erased_there(
    api: httpx.AsyncClient, pool: Pool, receiver: Receiver, format_: str, tmp_path: Path
) -> None:
    await add(api, receiver, format=format_, secret=f"user:{SECRET}")
    receiver.key = f"user:{SECRET}".encode()
    mine = [record_of(Answer(question="q", response="A"), subject="p-gone") for _ in range(3)]
    ids = sorted(await store_records(pool, mine))
    await store_records(pool, answers(2))
    await deliver(pool)
    order = {"person": "p-gone", "reason": "asked"}
    assert (await api.post("/api/v1/privacy/erasures", json=order)).status_code == 201
    store = BlobStore(tmp_path, free_floor_bytes=0)
    assert await Eraser(pool, [tell_erased, forget], store).erase_next()
    assert (await row(api))["erasures_waiting"] == 3

    receiver.requests.clear()
    statuses: Iterator[int | None] = iter([400, 200, 422, *[200] * 9])  # all refused, then one by one
    receiver.answer = lambda _: next(statuses)
    more = await store_records(pool, answers(1))
    await deliver(pool)
    seen = await row(api)
    assert (seen["erasures_waiting"], seen["erasures_refused"], seen["waiting"]) == (0, 1, 0)
    assert more[0] in receiver.taken
    assert (await api.post("/api/v1/feeds/lrs/refusals/retry")).json() == {"records": 0, "erasures": 1}
    await deliver(pool)
    assert (await row(api))["erasures_refused"] == 0
    assert receiver.wrong_signatures == 0
    said = [json.loads(body) for _, _, body in receiver.requests]
    if format_ == "webhook":
        told = [one["record_ids"] for one in said if one["type"] == "bellwether.erased"]
    else:
        told = [
            [one["object"]["id"].replace("-", "") for one in batch]
            for batch in said
            if batch[0]["object"]["objectType"] == "StatementRef"
        ]
    assert told[0] == ids
    assert {record_id for batch in told for record_id in batch} == set(ids)


async def test_a_receiver_that_breaks_on_erasures_is_told_what_is_new_all_the_same(
    api: httpx.AsyncClient, pool: Pool, receiver: Receiver
) -> None:
    await add(api, receiver)
    (erased,) = await store_records(pool, answers(1))
    await deliver(pool)
    async with pool.connection() as connection:
        await tell_erased(connection, [erased])
    receiver.answer = lambda said: 200 if said else 500
    ids = await store_records(pool, answers(150))
    async with open_sender() as sender:
        delivery = Delivery(pool, sender, wait=lambda _: 0.0)
        for _ in range(8):
            await delivery.step("lrs")
    assert set(ids) <= set(receiver.taken)
    assert (await row(api))["erasures_waiting"] == 1


async def test_a_feed_may_begin_with_the_oldest_record(api: httpx.AsyncClient, pool: Pool, receiver: Receiver) -> None:
    ids = await store_records(pool, answers(3))
    await add(api, receiver, from_beginning=True)
    await deliver(pool)
    assert receiver.order == ids


async def test_statements_are_posted_in_batches_with_the_record_s_id(
    api: httpx.AsyncClient, pool: Pool, receiver: Receiver
) -> None:
    await add(api, receiver, format="xapi", secret="user:password")
    ids = await store_records(pool, answers(3))
    await deliver(pool)
    assert receiver.order == ids
    path, headers, _ = receiver.requests[0]
    assert (path, headers["x-experience-api-version"]) == ("/hook/statements?key=hidden", "1.0.3")


async def test_what_is_wrong_with_an_order_is_said_at_once_without_the_secret(api: httpx.AsyncClient) -> None:
    order = {
        "feed": "Lrs!", "url": "ftp://x", "format": "fax", "secret": "hush", "types": ["mood"], "school": "s99",
        "home_page": "https://u:p@x.example",
    }  # fmt: skip
    refused = await api.post("/api/v1/feeds", json=order)
    assert refused.status_code == 422
    fields = {one["field"] for one in refused.json()["errors"]}
    assert fields == {"feed", "url", "format", "types", "school", "home_page"}
    short = await api.post("/api/v1/feeds", json={"feed": "a", "url": "https://x.example", "secret": "hush"})
    assert "at least 24" in short.json()["detail"]
    too_long = await api.post("/api/v1/feeds", json={"feed": "a", "url": "https://x.example", "secret": "hush" * 200})
    assert too_long.status_code == 422
    assert "hush" not in refused.text + short.text + too_long.text


async def test_a_name_is_given_once(api: httpx.AsyncClient, receiver: Receiver, district: SmallDistrict) -> None:
    await add(api, receiver)
    again = await api.post("/api/v1/feeds", json={"feed": "lrs", "url": "https://x.example", "secret": SECRET})
    assert (again.status_code, again.json()["type"]) == (409, "urn:bellwether:problem:feed-exists")
    for method, path in (("POST", "pause"), ("POST", "resume"), ("POST", "refusals/retry"), ("GET", "refusals")):
        assert (await api.request(method, f"/api/v1/feeds/other/{path}")).status_code == 404
    with psycopg.connect(district.dsn) as connection:
        assert connection.execute("SELECT count(*) FROM feeds").fetchone() == (1,)


async def test_two_processes_never_send_at_once_and_the_second_takes_over(
    api: httpx.AsyncClient, pool: Pool, receiver: Receiver, district: SmallDistrict
) -> None:
    await add(api, receiver)
    under_way: list[int] = []
    most = 0

    def slowly(_: list[dict[str, Any]]) -> int:
        nonlocal most
        under_way.append(1)
        most = max(most, len(under_way))
        time.sleep(0.05)
        under_way.pop()
        return 200

    receiver.answer = slowly
    first, second = (asyncio.create_task(FeedsDuty(district.dsn, pool).run()) for _ in range(2))
    ids: list[str] = []
    for _ in range(10):
        ids += await store_records(pool, answers(3))
        await asyncio.sleep(0.05)
    async with asyncio.timeout(60):
        while (await row(api))["delivered"] < 30:  # noted too, so that nothing is repeated when the first ends
            await asyncio.sleep(0.02)
    assert receiver.order == ids
    await end(first)
    ids += await store_records(pool, answers(5))
    await until(lambda: len(receiver.taken) == 35)
    await end(second)
    assert receiver.order == ids
    assert most == 1


async def test_nothing_is_kept_of_a_record_that_is_erased_while_it_is_sent(
    api: httpx.AsyncClient, pool: Pool, receiver: Receiver, district: SmallDistrict
) -> None:
    await add(api, receiver)
    ids = await store_records(pool, answers(2))

    def erase_and_refuse(records: list[dict[str, Any]]) -> int:
        if ids[0] not in [record["record_id"] for record in records]:
            return 200
        if len(records) == 1:
            with psycopg.connect(district.dsn) as connection:
                connection.execute("UPDATE records SET outcome = 'erased', fact = '{}' WHERE record_id = %s", [ids[0]])
        return 422

    receiver.answer = erase_and_refuse
    await deliver(pool)
    assert receiver.order == [ids[1]]
    seen = await row(api)
    assert (seen["refused"], seen["waiting"], seen["oldest_waiting_seconds"]) == (0, 0, None)
    assert seen["place"] >= 2


async def test_a_store_that_has_a_statement_already_holds_up_nothing(
    api: httpx.AsyncClient, pool: Pool, receiver: Receiver
) -> None:
    await add(api, receiver, format="xapi", secret="a.long.bearer-token")
    ids = await store_records(pool, answers(9))
    known = str(uuid.UUID(ids[4]))
    receiver.answer = lambda said: 409 if known in [one["id"] for one in said] else 200
    await deliver(pool)
    assert set(receiver.taken) == set(ids) - {ids[4]}
    seen = await row(api)
    assert (seen["refused"], seen["waiting"], seen["delivered"]) == (0, 0, 9)
    assert receiver.requests[0][1]["authorization"] == "Bearer a.long.bearer-token"
