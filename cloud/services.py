"""The services process: everything at the centre that follows the records, in one process that is elected.

Consumers (`teaching`, `homework`, `evaluation`) take new records, woken by NOTIFY and at least every second; duties
are loops of their own (feeds, desired documents, expiry). A consumer that fails is tried again beside the others, which
go on. Election is an advisory lock: a second process waits and takes over. The only place that knows all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import psycopg
import structlog

import cloud.evaluation.repository
import cloud.feeds.repository
import cloud.homework.taking
import cloud.teaching.taking
from cloud.config import Settings
from cloud.content.expiry import PartialExpiry
from cloud.content.store import BlobStore
from cloud.db import connect, open_pool, wait_for_schema
from cloud.db.pool import Pool
from cloud.desired.refresh import DesiredRefresh
from cloud.evaluation.taking import EvaluationService
from cloud.feeds.duty import FeedsDuty
from cloud.homework.taking import HomeworkService
from cloud.incidents.keeper import IncidentKeeper
from cloud.notifications.duty import NotificationDuty
from cloud.privacy.attachments import AttachmentExpiry
from cloud.privacy.erasing import Eraser, Forget
from cloud.privacy.retention import Expiry
from cloud.records.consuming import Consumer, Service
from cloud.records.writing import CHANNEL
from cloud.teaching.taking import TeachingService
from cloud.timemachine.keeper import LettersKeeper

LOCK_KEY = 0x73657276
RETRY_SECONDS = 2.0
INTERVAL_SECONDS = 1.0

_log = structlog.get_logger(__name__)

Duty = Callable[[], Coroutine[Any, Any, None]]


def services() -> list[Service]:
    """Return every service that takes records."""
    return [TeachingService(), HomeworkService(), EvaluationService()]


def forgetters() -> list[Forget]:
    """Return how every service forgets what it made of records."""
    domains = (cloud.teaching.taking, cloud.homework.taking, cloud.evaluation.repository, cloud.feeds.repository)
    return [domain.forget for domain in domains]


def duties(settings: Settings, pool: Pool) -> dict[str, Duty]:
    """Return every other loop of this process by name; each runs until cancelled."""
    content = settings.content
    store = BlobStore(Path(content.folder), free_floor_bytes=content.free_floor_bytes)
    return {
        "desired": DesiredRefresh(settings, pool).run,
        "feeds": FeedsDuty(settings.database.dsn, pool).run,
        "incidents": IncidentKeeper(settings.database.dsn, pool).run,
        "notifications": NotificationDuty(settings, pool).run,
        "time machine": LettersKeeper(pool).run,
        "erase": Eraser(pool, [cloud.feeds.repository.tell_erased, *forgetters()], store).run,
        "expire records": Expiry(pool, settings.records, forgetters()).run,
        "expire attachments": AttachmentExpiry(pool, store, unclaimed_days=content.unclaimed_days).run,
        "expire uploads": PartialExpiry(store, partial_days=content.partial_days).run,
    }


class ServicesProcess:
    """Runs consumers and duties while it holds the lock; `run` returns when cancelled."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.elected = asyncio.Event()

    async def run(self) -> None:
        """Work whenever elected, until cancelled."""
        dsn = self._settings.database.dsn
        await wait_for_schema(dsn)
        while True:
            try:
                async with await connect(dsn, name="services") as connection:
                    if await self._elected(connection):
                        await self._work(connection)
            except* psycopg.OperationalError as errors:
                _log.warning("services_wait_for_database", reason=str(errors.exceptions[0]).strip())
            self.elected.clear()
            await asyncio.sleep(RETRY_SECONDS)

    async def _elected(self, connection: psycopg.AsyncConnection) -> bool:
        row = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY])).fetchone()
        return row == (True,)

    async def _work(self, connection: psycopg.AsyncConnection) -> None:
        await connection.execute(f"LISTEN {CHANNEL}")
        _log.info("services_elected")
        async with open_pool(self._settings.database.dsn, max_size=12, name="services") as pool:
            consumers = [Consumer(pool, service) for service in services()]
            async with asyncio.TaskGroup() as tasks:
                for name, duty in duties(self._settings, pool).items():
                    tasks.create_task(duty(), name=name)
                self.elected.set()
                await self._consume(connection, consumers)

    async def _consume(self, connection: psycopg.AsyncConnection, consumers: Sequence[Consumer]) -> None:
        failing: set[str] = set()
        while True:
            for consumer in consumers:
                await _catch_up(consumer, failing)
            async for _ in connection.notifies(timeout=INTERVAL_SECONDS, stop_after=1):
                pass
            # Also tells whether the lock's connection still stands: without it another process works.
            await connection.execute("SELECT 1")


async def _catch_up(consumer: Consumer, failing: set[str]) -> None:
    """Let one consumer catch up; say once that it fails and once that it is well again."""
    try:
        await consumer.catch_up()
    except Exception:  # noqa: BLE001 - the outermost loop of consumers: one that fails must not stop the others
        if consumer.name not in failing:
            _log.exception("consumer_failed", consumer=consumer.name)
        failing.add(consumer.name)
    else:
        if consumer.name in failing:
            _log.info("consumer_recovered", consumer=consumer.name)
        failing.discard(consumer.name)
