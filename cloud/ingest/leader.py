"""The one process of many that keeps presence and maintains the database.

Leadership is a PostgreSQL advisory lock on a connection of its own: it is free the moment that connection is gone, so a
killed leader is replaced within seconds. A leader that loses the connection stops at once what it does as a leader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
import structlog

from cloud.config import Settings
from cloud.db import connect, open_pool
from cloud.fleet import ledger
from cloud.fleet.presence import PresenceKeeper, StatusArrival
from cloud.ingest.broker import BrokerConnection
from cloud.ingest.replay import replay_known_agents
from cloud.quarantine.quota import Quota
from cloud.telemetry.maintenance import Maintenance
from protocols.topics import STATUS_FILTER

LOCK_KEY = 0x6C656164
RETRY_SECONDS = 2.0

_log = structlog.get_logger(__name__)


class Leader:
    """Tries to lead; while it leads, statuses are handled and the database is maintained."""

    def __init__(
        self, settings: Settings, *, client_id: str, credit: Callable[[], int], now_ms: Callable[[], int]
    ) -> None:
        self._settings = settings
        self._client_id = client_id
        self._credit = credit
        self._now_ms = now_ms
        self.leading = asyncio.Event()

    async def run(self) -> None:
        """Lead whenever the lock can be had, until cancelled."""
        while True:
            try:
                async with await connect(self._settings.database.dsn, name="leader") as connection:
                    await self._lead_when_free(connection)
            except psycopg.OperationalError as error:
                _log.debug("leader_waits", reason=str(error).strip())
            await asyncio.sleep(RETRY_SECONDS)

    async def _lead_when_free(self, connection: psycopg.AsyncConnection) -> None:
        while True:
            cursor = await connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_KEY])
            if await cursor.fetchone() == (True,):
                break
            await asyncio.sleep(RETRY_SECONDS)
        duties = asyncio.create_task(self._lead())
        try:
            while not duties.done():
                await asyncio.sleep(RETRY_SECONDS)
                await connection.execute("SELECT 1")
            await duties
        finally:
            self.leading.clear()
            duties.cancel()
            await asyncio.gather(duties, return_exceptions=True)

    async def _lead(self) -> None:
        _log.info("leading")
        async with open_pool(self._settings.database.dsn, max_size=3, name="leader", prepare=ledger.prepare) as pool:
            keeper: PresenceKeeper | None = None

            def receive(topic: str, payload: bytes, content_type: str, retained: bool) -> None:
                assert keeper is not None
                keeper.put(StatusArrival(topic, payload, content_type, retained, self._now_ms()))

            broker = BrokerConnection(
                self._settings.broker, client_id=self._client_id, subscriptions=[STATUS_FILTER], on_message=receive
            )
            keeper = PresenceKeeper(
                pool,
                publish=broker.publish,
                credit=self._credit,
                now_ms=self._now_ms,
                quota=Quota(self._settings.ingest.quarantine_bytes_per_agent),
            )
            maintenance = Maintenance(
                pool,
                self._settings.retention,
                replay=lambda: replay_known_agents(self._settings.database.dsn),
            )
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(broker.run())
                tasks.create_task(keeper.run())
                tasks.create_task(maintenance.run())
                tasks.create_task(self._tell_when_ready(broker))

    async def _tell_when_ready(self, broker: BrokerConnection) -> None:
        await broker.ready.wait()
        self.leading.set()
