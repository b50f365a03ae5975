"""The duty that keeps every agent's documents: made anew when their sources change, then a nudge.

Woken at once by a notification that names a kind, and by the kind's interval otherwise, so that a lost one costs
seconds. A nudge that finds no broker is not kept: agents ask by themselves. The services process runs one of these.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

import psycopg
import structlog

from cloud.config import Settings
from cloud.content import reading as content
from cloud.content.repository import DESIRED_CHANNEL
from cloud.db.pool import Pool, connect
from cloud.desired import repository
from cloud.desired.builders import Builder, builders
from cloud.http.ending import end
from cloud.ingest.broker import BrokerConnection
from protocols.codec import encode
from protocols.desired import DocumentKind, Nudge
from protocols.topics import DownChannel, down_topic

_log = structlog.get_logger(__name__)


class DesiredRefresh:
    """Keeps documents and nudges agents until `run` is cancelled."""

    def __init__(
        self,
        settings: Settings,
        pool: Pool,
        *,
        made_by: Mapping[DocumentKind, Builder] | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._dsn = settings.database.dsn
        self._pool = pool
        self._builders = builders(settings.district.time_zone) if made_by is None else made_by
        self._now_ms = now_ms
        self.broker = BrokerConnection(
            settings.broker,
            client_id=f"cloud-desired-{secrets.token_hex(4)}",
            subscriptions=[],
            on_message=_ignore,
        )

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            psycopg.OperationalError: the database is away; whoever runs duties waits for it.
        """
        broker = asyncio.create_task(self.broker.run(), name="desired-broker")
        try:
            async with await connect(self._dsn, name="desired") as listening:
                await listening.execute(f"LISTEN {DESIRED_CHANNEL}")
                await self._keep(listening)
        finally:
            await end(broker)

    async def refresh(self, kind: DocumentKind) -> dict[str, str]:
        """Make the documents of a kind anew and nudge the agents whose document changed; return the new tokens."""
        builder = self._builders[kind]
        changed: dict[str, str] = {}
        async with self._pool.connection() as connection:
            agents = await content.agents(connection)
            for first in range(0, len(agents), builder.batch_agents):
                some = agents[first : first + builder.batch_agents]
                async with connection.transaction():
                    bodies = await builder.bodies(connection, some)
                    changed |= await repository.put_documents(connection, kind, some, bodies, self._now_ms())
        for agent, token in changed.items():
            self._nudge(agent, kind, token)
        if changed:
            _log.info("desired_changed", kind=kind, agents=len(changed))
        return changed

    async def _keep(self, listening: psycopg.AsyncConnection) -> None:
        wake = {kind: asyncio.Event() for kind in self._builders}
        duties = [
            asyncio.create_task(self._keep_kind(kind, told), name=f"desired {kind}") for kind, told in wake.items()
        ]
        duties.append(asyncio.create_task(_listen(listening, wake), name="desired-notified"))
        # No task group: it cancels its tasks once, and one that swallows that would be waited for without end.
        try:
            ended, _ = await asyncio.wait(duties, return_when=asyncio.FIRST_COMPLETED)
            for duty in ended:
                duty.result()
        finally:
            await end(*duties)

    async def _keep_kind(self, kind: DocumentKind, told: asyncio.Event) -> None:
        """Keep one kind; kinds do not wait for each other, so that a push is not behind every school's roster."""
        while True:
            told.clear()
            await self._try(kind)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._builders[kind].interval_seconds):
                    await told.wait()

    async def _try(self, kind: DocumentKind) -> None:
        try:
            await self.refresh(kind)
        except psycopg.OperationalError:
            raise
        except Exception:  # noqa: BLE001 - the outermost loop of this duty: one broken source must not stop the others
            _log.exception("desired_refresh_failed", kind=kind)

    def _nudge(self, agent: str, kind: DocumentKind, token: str) -> None:
        channel = DownChannel.CONTENT if kind is DocumentKind.CONTENT else DownChannel.CONFIG
        self.broker.publish(down_topic(agent, channel), encode(Nudge(agent=agent, tokens={kind: token})))


async def _listen(listening: psycopg.AsyncConnection, wake: Mapping[DocumentKind, asyncio.Event]) -> None:
    async for notification in listening.notifies():
        if notification.payload in wake:
            wake[DocumentKind(notification.payload)].set()


def _ignore(_topic: str, _payload: bytes, _content_type: str, _retained: bool) -> None:
    """Take what is never sent here: this connection only publishes."""
