"""Everything a request may need, made once per app. Making it has no effect; `start` and `stop` do the work."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from cloud.api.metrics import ApiMetrics
from cloud.api.readiness import ReadinessChecker
from cloud.config import Settings
from cloud.content.store import BlobStore
from cloud.content.transfer import BlobTransfer
from cloud.db.pool import create_pool
from cloud.desired.keys import KeyRing
from cloud.errors import QuarantineUnknown
from cloud.ingest.replay import ReplayResult, replay
from cloud.live.hub import Hub
from cloud.overview.service import OverviewBoard
from cloud.quarantine.schemas import ReplayReport
from cloud.records.consuming import Consumer
from cloud.services import services
from cloud.status.evaluator import StatusEvaluator


class IngestReplayer:
    """Replays through ingest's own code."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    async def one(self, quarantine_id: int) -> ReplayReport | None:
        """Try one segment; None when none of that number waits."""
        try:
            return _report(await replay(self._dsn, quarantine_id=quarantine_id))
        except QuarantineUnknown:
            return None

    async def many(self, reason: str | None) -> ReplayReport:
        """Try every segment of a reason, or all."""
        return _report(await replay(self._dsn, reason=reason))


def _report(result: ReplayResult) -> ReplayReport:
    return ReplayReport(
        replayed=result.tried, stored=result.stored, duplicate=result.duplicate, still_quarantined=result.refused
    )


class Rooms:
    """The parts of one API process."""

    def __init__(self, settings: Settings, *, evaluate: bool = True) -> None:
        self.settings = settings
        self.started_at = datetime.now(UTC)
        self.operator_token = settings.api.operator_token
        self.pool = create_pool(settings.database.dsn, max_size=settings.database.pool_size, name="api")
        self.board = OverviewBoard(self.pool)
        self.hub = Hub(settings.database.dsn, self.pool, self.board)
        self.evaluator = (
            StatusEvaluator(settings.database.dsn, time_zone=settings.district.time_zone) if evaluate else None
        )
        self.readiness = ReadinessChecker(settings)
        self.consumers = {service.name: Consumer(self.pool, service) for service in services()}
        self.replayer = IngestReplayer(settings.database.dsn)
        folder = Path(settings.content.folder)
        store = BlobStore(folder, free_floor_bytes=settings.content.free_floor_bytes)
        self.keys = KeyRing(folder)
        self.transfer = BlobTransfer(store, self.pool)
        self.metrics = ApiMetrics()

    async def start(self) -> None:
        """Open the pool and begin to listen and evaluate; a database that is away is waited for in the background."""
        self.started_at = datetime.now(UTC)
        await self.pool.open(wait=False)
        await self.hub.start()
        if self.evaluator is not None:
            await self.evaluator.start()

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """What runs in the background and should never end by itself."""
        return [*self.hub.tasks, *(() if self.evaluator is None else self.evaluator.tasks)]

    async def stop(self) -> None:
        """End the streams, the evaluation and the pool."""
        await self.hub.stop()
        if self.evaluator is not None:
            await self.evaluator.stop()
        await self.pool.close()
