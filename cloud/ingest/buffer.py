"""What has been received and not yet committed: bounded, without repeats, today's state before the backlog.

An arrival that does not fit is shed: it has no receipt, so its agent holds it and sends it again. An identity that is
already waiting is not taken twice; its receipt will serve both. A batch is filled from the urgent lanes first, but a
quarter of its rows is kept for the backlog when there is one, so that neither starves the other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from cloud.ingest.models import Reading, Refusal
from protocols.topics import Lane

BACKLOG_SHARE = 0.25


class Buffer:
    """A queue of readings and refusals; one event loop puts, several committers take."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._urgent: deque[Reading | Refusal] = deque()
        self._backlog: deque[Reading | Refusal] = deque()
        self._waiting: set[tuple[str, bytes]] = set()
        self._filled = asyncio.Event()
        self._enough = asyncio.Event()
        self._wanted_rows = 0
        self._backlog_rows = 0
        self._urgent_rows = 0
        self.size_bytes = 0
        self.shed_total = 0
        self.repeated_total = 0

    def __len__(self) -> int:
        return len(self._urgent) + len(self._backlog)

    @property
    def rows(self) -> int:
        """Rows that wait for a batch."""
        return self._urgent_rows + self._backlog_rows

    @property
    def filled_ratio(self) -> float:
        """How full the buffer is, 0 to 1, counting what is being committed."""
        return min(self.size_bytes / self._max_bytes, 1.0)

    def put(self, item: Reading | Refusal) -> bool:
        """Take an arrival in, or return False when it is shed or waits already."""
        key = (item.arrival.agent, item.content_hash)
        if key in self._waiting:
            self.repeated_total += 1
            return False
        size = len(item.arrival.payload)
        if self.size_bytes + size > self._max_bytes:
            self.shed_total += 1
            return False
        self.size_bytes += size
        self._waiting.add(key)
        if item.arrival.lane is Lane.BACKLOG:
            self._backlog.append(item)
            self._backlog_rows += _rows(item)
        else:
            self._urgent.append(item)
            self._urgent_rows += _rows(item)
        self._filled.set()
        if self.rows >= self._wanted_rows:
            self._enough.set()
        return True

    async def wait(self) -> None:
        """Return when something waits."""
        while not len(self):
            self._filled.clear()
            await self._filled.wait()

    async def wait_for_rows(self, rows: int, *, timeout_seconds: float) -> None:
        """Return when so many rows wait, or when the time is up."""
        self._wanted_rows = rows
        self._enough.clear()
        if self.rows < rows:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_seconds):
                    await self._enough.wait()

    def take(self, max_rows: int) -> list[Reading | Refusal]:
        """Take a batch of about `max_rows` rows, at least one arrival; it stays on the books until `release`."""
        reserved = min(int(max_rows * BACKLOG_SHARE), self._backlog_rows)
        batch: list[Reading | Refusal] = []
        rows = 0
        while self._urgent and (not batch or rows < max_rows - reserved):
            item = self._urgent.popleft()
            self._urgent_rows -= _rows(item)
            rows += _rows(item)
            batch.append(item)
        while self._backlog and (not batch or rows < max_rows):
            item = self._backlog.popleft()
            self._backlog_rows -= _rows(item)
            rows += _rows(item)
            batch.append(item)
        return batch

    def release(self, batch: list[Reading | Refusal]) -> None:
        """Forget a batch that has been committed."""
        for item in batch:
            self.size_bytes -= len(item.arrival.payload)
            self._waiting.discard((item.arrival.agent, item.content_hash))


def _rows(item: Reading | Refusal) -> int:
    return max(item.segment.items if isinstance(item, Reading) else 1, 1)
