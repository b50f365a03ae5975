"""Feeds every browser of this API worker from one LISTEN connection.

A notification says only that something changed; what changed is read from the database, at most once a second, and
only while somebody looks. After a lost connection the hub listens again and sends the full picture. Browsers that read
slowly get fewer messages, not older ones, and hold no more memory than one picture (`cloud.live.outbox`).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import structlog
from psycopg_pool import PoolClosed, PoolTimeout

from cloud.db.pool import Pool, connect
from cloud.fleet import reading as fleet
from cloud.fleet.schemas import AgentRow
from cloud.http.database import read_only
from cloud.http.ending import end
from cloud.incidents import reading as incidents
from cloud.incidents.schemas import IncidentRow
from cloud.inventory.schemas import LinkRow
from cloud.live.outbox import Delta, Outbox
from cloud.live.schemas import AgentEvent, ChangedLesson, IncidentEvent, LessonsEvent, LinkEvent, PingEvent
from cloud.overview.service import OverviewBoard, Picture
from cloud.teaching.taking import CHANNEL as LESSONS_CHANNEL

CHANNEL = "bellwether_live"
_OVER = timedelta(minutes=10)
"""How long an incident that is over is still watched for changes."""
_RECONNECT_MILLISECONDS = 3000
"""What the browser waits before it connects again."""
_log = structlog.get_logger(__name__)


class _Subscriber:
    """One browser."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.wake = asyncio.Event()


class Hub:
    """The live stream of one API worker."""

    def __init__(
        self,
        dsn: str,
        pool: Pool,
        board: OverviewBoard,
        *,
        throttle_seconds: float = 1.0,
        idle_seconds: float = 5.0,
        ping_seconds: float = 15.0,
        retry_seconds: float = 1.0,
    ) -> None:
        self._dsn = dsn
        self._pool = pool
        self._board = board
        self._throttle_seconds = throttle_seconds
        self._idle_seconds = idle_seconds
        self._ping_seconds = ping_seconds
        self._retry_seconds = retry_seconds
        self._subscribers: set[_Subscriber] = set()
        self._dirty = asyncio.Event()
        self._resync = True
        self._closing = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._links: dict[str, LinkRow] = {}
        self._marks: dict[str, fleet.AgentMark] = {}
        self._lessons: dict[str, ChangedLesson] = {}
        self._incidents: dict[int, IncidentRow] = {}
        self._last_id = 0
        self.database_up = False
        self.messages_total = 0

    @property
    def browsers(self) -> int:
        """Number of open streams."""
        return len(self._subscribers)

    async def start(self) -> None:
        """Begin to listen."""
        self._tasks = [
            asyncio.create_task(self._listen(), name="live-listen"),
            asyncio.create_task(self._publish(), name="live-publish"),
        ]

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """What runs in the background and should never end by itself."""
        return list(self._tasks)

    async def stop(self) -> None:
        """End every stream and stop listening."""
        self._closing.set()
        for subscriber in self._subscribers:
            subscriber.wake.set()
        for task in self._tasks:
            await end(task)
        self._tasks = []

    async def subscribe(self) -> AsyncIterator[bytes]:
        """Yield the stream of one browser: the full picture, then what changes, pings in between."""
        subscriber = _Subscriber()
        self._subscribers.add(subscriber)
        try:
            yield f"retry: {_RECONNECT_MILLISECONDS}\n\n".encode()
            try:
                picture = await self._board.picture(time.monotonic() - self._throttle_seconds)
                yield self._message("overview", picture.snapshot.body)
            except (psycopg.Error, PoolTimeout, PoolClosed):
                self._resync = True
            yield self._message("ping", self._ping())
            ping_at = time.monotonic() + self._ping_seconds
            while not self._closing.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, ping_at - time.monotonic())):
                        await subscriber.wake.wait()
                subscriber.wake.clear()
                if time.monotonic() >= ping_at:
                    subscriber.outbox.put("ping", self._ping())
                    ping_at = time.monotonic() + self._ping_seconds
                for event, document in subscriber.outbox.take():
                    yield self._message(event, document)
        finally:
            self._subscribers.discard(subscriber)

    def _message(self, event: str, document: bytes) -> bytes:
        self._last_id += 1
        self.messages_total += 1
        return b"id: %d\nevent: %s\ndata: %s\n\n" % (self._last_id, event.encode(), document)

    def _ping(self) -> bytes:
        return PingEvent(at=datetime.now(UTC), database=self.database_up).model_dump_json().encode()

    async def _listen(self) -> None:
        while True:
            try:
                async with await connect(self._dsn, name="live") as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    await connection.execute(f"LISTEN {LESSONS_CHANNEL}")
                    self._set_database_up(True)
                    async for notification in connection.notifies():
                        if notification.channel == LESSONS_CHANNEL:
                            self._lessons[notification.payload] = ChangedLesson(lesson=notification.payload)
                        self._dirty.set()
            except psycopg.Error as error:
                self._set_database_up(False, str(error).strip())
            await asyncio.sleep(self._retry_seconds)

    def _set_database_up(self, up: bool, reason: str = "") -> None:
        if up:
            self._resync = True
            self._dirty.set()
            _log.info("live_listening")
        elif self.database_up:
            _log.warning("live_database_away", error=reason)
        if up != self.database_up:
            self.database_up = up
            self._send_all("ping", self._ping())

    async def _publish(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._idle_seconds):
                    await self._dirty.wait()
            self._dirty.clear()
            began = time.monotonic()
            if self._subscribers and self.database_up:
                try:
                    await self._publish_once()
                except (psycopg.Error, PoolTimeout, PoolClosed) as error:
                    self._resync = True
                    _log.warning("live_reading_failed", error=str(error).strip())
            else:
                self._resync = True
                self._lessons = {}
            await asyncio.sleep(max(0.0, began + self._throttle_seconds - time.monotonic()))

    async def _publish_once(self) -> None:
        picture = await self._board.picture(time.monotonic())
        async with read_only(self._pool) as connection:
            marks = await fleet.agent_marks(connection)
            changed = [agent for agent, mark in marks.items() if self._marks.get(agent) != mark]
            agents: list[AgentRow] = []
            if changed and not self._resync:
                agents = await fleet.agent_rows(connection, fleet.AgentFilters(among=changed))
            watched = await incidents.incidents(connection, since=datetime.now(UTC) - _OVER)
        self._send_all("overview", picture.snapshot.body)
        # All of them after a pause: no other message of the stream tells which incidents are open.
        self._send_incidents(watched.items, known={} if self._resync else self._incidents)
        lessons, self._lessons = self._lessons, {}
        if lessons:
            self._join_all("lesson", Delta(lessons, _lesson_event))
        if not self._resync:
            self._send_links(picture)
            if agents:
                self._join_all("agent", Delta({row.agent: row for row in agents}, _agent_event))
        self._resync = False
        self._links = {row.link: row for row in picture.links}
        self._marks = marks
        self._incidents = {row.incident_id: row for row in watched.items}

    def _send_links(self, picture: Picture) -> None:
        changed = {row.link: row for row in picture.links if self._links.get(row.link) != row}
        if changed:
            self._join_all("link", Delta(changed, _link_event))

    def _send_incidents(self, rows: list[IncidentRow], known: dict[int, IncidentRow]) -> None:
        changed = {str(row.incident_id): row for row in rows if known.get(row.incident_id) != row}
        if changed:
            self._join_all("incident", Delta(changed, _incident_event))

    def _send_all(self, event: str, document: bytes) -> None:
        for subscriber in self._subscribers:
            subscriber.outbox.put(event, document)
            subscriber.wake.set()

    def _join_all(self, event: str, delta: Delta[Any]) -> None:
        for subscriber in self._subscribers:
            subscriber.outbox.join(event, delta)
            subscriber.wake.set()


def _link_event(rows: list[LinkRow]) -> bytes:
    return LinkEvent(at=datetime.now(UTC), items=rows).model_dump_json().encode()


def _lesson_event(rows: list[ChangedLesson]) -> bytes:
    return LessonsEvent(at=datetime.now(UTC), items=rows).model_dump_json().encode()


def _incident_event(rows: list[IncidentRow]) -> bytes:
    return IncidentEvent(at=datetime.now(UTC), items=rows).model_dump_json().encode()


def _agent_event(rows: list[AgentRow]) -> bytes:
    return AgentEvent(at=datetime.now(UTC), items=rows).model_dump_json().encode()
