"""Builds the overview and the district's state at most once a second, whoever asks and however many."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from cloud.db.pool import Pool
from cloud.http.caching import Snapshot
from cloud.http.database import read_only
from cloud.inventory import reading as inventory
from cloud.inventory.schemas import LinkRow
from cloud.overview import reading
from cloud.overview.schemas import Overview
from cloud.overview.throughput import Throughput

T = TypeVar("T")
_FRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Picture:
    """The overview as values, with every link's row, and as a document ready to send."""

    overview: Overview
    links: list[LinkRow]
    snapshot: Snapshot


class _Once(Generic[T]):
    """A value made by one asker for all, and kept for a second."""

    def __init__(self, make: Callable[[], Awaitable[T]]) -> None:
        self._make = make
        self._lock = asyncio.Lock()
        self._value: T | None = None
        self._made_at = 0.0

    async def get(self, not_before: float | None = None) -> T:
        """Return the value; made anew when older than a second, or made before `not_before` (monotonic)."""
        asked_at = time.monotonic()
        async with self._lock:
            oldest = asked_at - _FRESH_SECONDS if not_before is None else not_before
            if self._value is None or self._made_at < oldest:
                began_at = time.monotonic()
                self._value = await self._make()
                self._made_at = began_at
            return self._value


class OverviewBoard:
    """The one place that builds what every open wall looks at."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._throughput = Throughput()
        self._terminals = reading.TerminalCounts()
        self._picture = _Once(self._make_picture)
        self._state = _Once(self._make_state)

    async def overview(self) -> Snapshot:
        """Return the overview, at most a second old."""
        return (await self._picture.get()).snapshot

    async def picture(self, not_before: float) -> Picture:
        """Return the overview as values, read after a moment of the monotonic clock."""
        return await self._picture.get(not_before)

    async def state(self) -> Snapshot:
        """Return the district's state, at most a second old."""
        return await self._state.get()

    async def _make_picture(self) -> Picture:
        async with read_only(self._pool) as connection:
            links = await inventory.link_rows(connection)
            overview = await reading.overview(connection, links, self._throughput, self._terminals, time.monotonic())
        return Picture(overview, links, Snapshot.of(overview.model_dump_json().encode()))

    async def _make_state(self) -> Snapshot:
        async with read_only(self._pool) as connection:
            state = await reading.state(connection, datetime.now(UTC))
        without_time = state.model_dump_json(exclude={"at"}).encode()
        time_alone = state.model_dump_json(include={"at"}).encode()
        return Snapshot.of(time_alone[:-1] + b"," + without_time[1:], named_by=without_time)
