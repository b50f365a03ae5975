"""One ingest process: broker in, batches to the store, receipts out; the leader also keeps presence and maintains.

Order of a segment: received, read, buffered, committed, receipted. Nothing is receipted that is not committed. When the
database is away the batch waits and is tried again, the buffer fills to its bound and then sheds, and agents keep what
has no receipt. When the broker is away, receipts are not sent; the segments come again and are receipted as duplicates.

Two batches are under way at once, so that reading the next one overlaps with the commit of the one before.
"""

from __future__ import annotations

import asyncio
import gc
import random
import secrets
import time
from collections.abc import Callable

import structlog

from cloud.config import Settings
from cloud.db import wait_for_schema
from cloud.errors import DatabaseUnavailable
from cloud.ingest.broker import BrokerConnection
from cloud.ingest.buffer import Buffer
from cloud.ingest.leader import Leader
from cloud.ingest.models import Arrival, Committed, Reading, Refusal
from cloud.ingest.pace import Pace
from cloud.ingest.reading import read
from cloud.ingest.store import Store
from cloud.quarantine.quota import Quota
from cloud.telemetry.influx import InfluxMirror
from protocols.codec import encode
from protocols.receipts import Receipt, SegmentReceipt
from protocols.topics import SEGMENTS_FILTER, DownChannel, down_topic, parse_segment_topic

SHARED_FILTER = f"$share/ingest/{SEGMENTS_FILTER}"
COMMITTERS = 2
SEGMENTS_PER_RECEIPT = 500
MAX_RETRY_SECONDS = 5.0
REPORT_SECONDS = 60.0
GC_ALLOCATIONS = 100_000

_log = structlog.get_logger(__name__)


def wall_ms() -> int:
    """Milliseconds since 1970, UTC, by the centre's clock."""
    return time.time_ns() // 1_000_000


class IngestWorker:
    """A worker; `run` returns when it is cancelled, after the batches under way have been committed or given up."""

    def __init__(self, settings: Settings, *, now_ms: Callable[[], int] = wall_ms) -> None:
        self._settings = settings
        self._now_ms = now_ms
        self._buffer = Buffer(settings.ingest.buffer_bytes)
        self._pace = Pace(self._buffer, in_flight_budget=settings.ingest.in_flight_segments)
        quota = Quota(settings.ingest.quarantine_bytes_per_agent)
        self._store = Store(settings.database.dsn, connections=COMMITTERS, quota=quota)
        self._mirror = InfluxMirror(settings.influx) if settings.influx.enabled else None
        client_id = f"ingest.{secrets.token_hex(6)}"
        self._broker = BrokerConnection(
            settings.broker, client_id=client_id, subscriptions=[SHARED_FILTER], on_message=self._received
        )
        self._leader = Leader(settings, client_id=f"{client_id}.fleet", credit=self._pace.credit, now_ms=now_ms)
        self._collecting = asyncio.Lock()
        self._waiting_for_database = False
        self.segments_total = 0
        self.rows_total = 0
        self.duplicates_total = 0
        self.quarantined_total = 0
        self.held_back_total = 0

    @property
    def ready(self) -> asyncio.Event:
        """Set while the shared subscription is granted."""
        return self._broker.ready

    @property
    def leading(self) -> asyncio.Event:
        """Set while this worker keeps presence."""
        return self._leader.leading

    async def run(self) -> None:
        """Work until cancelled."""
        # Batches are many small objects without cycles; looking for cycles among them costs a tenth of the throughput.
        gc.freeze()
        gc.set_threshold(GC_ALLOCATIONS, 50, 100)
        await wait_for_schema(self._settings.database.dsn)
        await self._store.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._broker.run())
                tasks.create_task(self._leader.run())
                for _ in range(COMMITTERS):
                    tasks.create_task(self._commit_forever())
                if self._mirror is not None:
                    tasks.create_task(self._mirror.run())
                tasks.create_task(self._report_forever())
        finally:
            await self._store.stop()

    def _received(self, topic: str, payload: bytes, content_type: str, _retained: bool) -> None:
        try:
            parsed = parse_segment_topic(topic)
        except ValueError:
            # The subscription matches lanes of a later wire version; nobody here can read them, nor receipt them.
            _log.warning("topic_unknown", topic=topic[:200])
            return
        self._pace.heard(parsed.agent)
        self._buffer.put(read(Arrival(parsed.agent, parsed.lane, topic, content_type, payload, self._now_ms())))

    async def _commit_forever(self) -> None:
        while True:
            async with self._collecting:
                batch = await self._collect()
            committed = await self._commit(batch)
            self._buffer.release(batch)
            self._count(committed)
            self._send_receipts(committed)
            if self._mirror is not None:
                self._mirror.offer([item for item in batch if isinstance(item, Reading)], committed.fates)

    async def _collect(self) -> list[Reading | Refusal]:
        await self._buffer.wait()
        settings = self._settings.ingest
        await self._buffer.wait_for_rows(settings.batch_rows, timeout_seconds=settings.batch_milliseconds / 1000)
        return self._buffer.take(settings.batch_rows)

    async def _commit(self, batch: list[Reading | Refusal]) -> Committed:
        attempt = 0
        while True:
            started = time.monotonic()
            try:
                committed = await self._store.commit(batch)
            except DatabaseUnavailable as error:
                if not self._waiting_for_database:
                    self._waiting_for_database = True
                    _log.warning("database_unavailable", reason=str(error), hint=error.hint, waiting=len(self._buffer))
                attempt += 1
                await asyncio.sleep(random.uniform(0.1, min(0.25 * 2**attempt, MAX_RETRY_SECONDS)))
                continue
            self._pace.committed(time.monotonic() - started)
            if self._waiting_for_database:
                self._waiting_for_database = False
                _log.info("database_available")
            return committed

    def _send_receipts(self, committed: Committed) -> None:
        # A receipt without segments tells an agent that is held back that the centre is there all the same.
        by_agent: dict[str, list[SegmentReceipt]] = {agent: [] for agent in committed.held_back}
        for fate in committed.fates:
            by_agent.setdefault(fate.agent, []).append(
                SegmentReceipt(epoch=fate.epoch, seq=fate.seq, outcome=fate.outcome, reason=fate.reason)
            )
        credit, now_ms = self._pace.credit(), self._now_ms()
        for agent, segments in by_agent.items():
            for start in range(0, max(len(segments), 1), SEGMENTS_PER_RECEIPT):
                receipt = Receipt(
                    agent=agent,
                    cloud_time_ms=now_ms,
                    credit=credit,
                    segments=segments[start : start + SEGMENTS_PER_RECEIPT],
                )
                self._broker.publish(down_topic(agent, DownChannel.RECEIPT), encode(receipt))

    def _count(self, committed: Committed) -> None:
        self.segments_total += committed.stored_segments
        self.rows_total += committed.stored_rows
        self.duplicates_total += committed.duplicates
        self.quarantined_total += committed.quarantined
        self.held_back_total += len(committed.held_back)

    async def _report_forever(self) -> None:
        while True:
            await asyncio.sleep(REPORT_SECONDS)
            _log.info(
                "ingest_progress",
                segments=self.segments_total,
                rows=self.rows_total,
                duplicates=self.duplicates_total,
                quarantined=self.quarantined_total,
                held_back=self.held_back_total,
                waiting=len(self._buffer),
                shed=self._buffer.shed_total,
                commit_seconds=round(self._pace.commit_seconds, 4),
                mirror_dropped=0 if self._mirror is None else self._mirror.dropped_total,
            )
