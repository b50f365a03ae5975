"""The services process: one of several works, another takes over, a database that was away is caught up with."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from cloud import services
from cloud.config import Database, Settings
from cloud.db import migrate, open_pool
from cloud.feeds import service
from cloud.feeds.schemas import FeedOrder
from cloud.http.ending import end
from cloud.records.consuming import Refusal
from cloud.services import ServicesProcess
from ops.embedded import EmbeddedPostgres
from protocols.records import LessonEvent, LessonStep
from tests.cloud.district import SmallDistrict
from tests.cloud.feeds.receiver import Receiver
from tests.cloud.records.storing import NotingService, answers, record_of, store_records
from tests.cloud.schooling import with_classes

pytestmark = pytest.mark.db


async def until(dsn: str, query: str, expected: int) -> None:
    async with asyncio.timeout(120):
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
            while await (await connection.execute(query.encode())).fetchone() != (expected,):
                await asyncio.sleep(0.05)


@asynccontextmanager
async def running(config: Path, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "ops.cli.main", "cloud", "services", "--config", str(config), stderr=stderr
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def test_one_process_works_another_takes_over_and_a_restarted_database_is_caught_up_with(
    own_home: Path, tmp_path: Path
) -> None:
    with EmbeddedPostgres(own_home, durable=False) as server:
        migrate(server.dsn)
        SmallDistrict(server.dsn).close()
        with_classes(server.dsn)
        config = tmp_path / "cloud.toml"
        config.write_text(
            f'[database]\ndsn = "{server.dsn}"\n[broker]\nport = 1\n[content]\nfolder = "{tmp_path / "content"}"\n'
        )
        receiver = Receiver("k" * 24)
        receiver.start()
        async with open_pool(server.dsn) as pool:
            await service.add(pool, FeedOrder(feed="lrs", url=receiver.url, secret="k" * 24))
        ids: list[str] = []
        logs = [tmp_path / "first.log", tmp_path / "second.log"]

        def elections() -> list[int]:
            return [log.read_text().count("services_elected") if log.exists() else 0 for log in logs]

        async def elected(*expected: int) -> None:
            async with asyncio.timeout(120):
                while elections() != list(expected):
                    await asyncio.sleep(0.05)

        async def tell(count: int) -> None:
            event = LessonEvent(step=LessonStep.STARTED)
            records = [record_of(event, subject=None, lesson=f"room-{number}") for number in range(count)]
            async with open_pool(server.dsn) as pool:
                ids.extend(await store_records(pool, records))

        taken = "SELECT count(*) FROM teaching_facts"
        async with running(config, logs[0]) as first:
            await elected(1, 0)
            async with running(config, logs[1]):
                await tell(3)
                await until(server.dsn, taken, 3)
                assert elections() == [1, 0]
                os.kill(first.pid, signal.SIGKILL)
                await tell(2)
                await elected(1, 1)
                await until(server.dsn, taken, 5)
                server.kill()
                server.start()
                await tell(4)
                await until(server.dsn, taken, 9)
                await elected(1, 2)
                async with asyncio.timeout(60):
                    while set(receiver.taken) != set(ids):
                        await asyncio.sleep(0.05)
        receiver.stop()
        assert len(ids) == 9


async def test_a_consumer_that_fails_stops_no_other(district: SmallDistrict, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(district.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE noted (record_id text NOT NULL)")

    class Failing(NotingService):
        async def take(self, *_: object) -> list[Refusal]:
            raise psycopg.errors.DeadlockDetected

    monkeypatch.setattr(services, "services", lambda: [Failing("failing"), NotingService()])
    monkeypatch.setattr(services, "duties", lambda *_: {})
    process = ServicesProcess(Settings(database=Database(dsn=district.dsn)))
    task = asyncio.create_task(process.run())
    async with open_pool(district.dsn) as pool:
        await store_records(pool, answers(3))
        await until(district.dsn, "SELECT count(*) FROM noted", 3)
        await store_records(pool, answers(2))
        await until(district.dsn, "SELECT count(*) FROM noted", 5)
    assert process.elected.is_set()
    await end(task)
