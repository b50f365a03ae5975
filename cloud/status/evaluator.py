"""The one loop that evaluates status: elected by an advisory lock, woken by NOTIFY, otherwise every second.

Every API process runs one; the database lets one of them work, and another takes over when its connection ends.
Candidates and the hearing live in memory: a new loop begins with a quiet minute, so that a restart of the cloud
changes nothing.
"""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import psycopg
import structlog

from cloud.db import connect
from cloud.http.ending import end
from cloud.status import repository
from cloud.status.models import Settled, StatusKind
from cloud.status.settling import Hearing, evaluate, has_candidates

CHANNEL = "bellwether_live"
_LOCK_KEY = 0x62777374
_log = structlog.get_logger(__name__)


class StatusEvaluator:
    """Evaluates while it holds the lock. `evaluated_at` is this process's last evaluation, None while another works."""

    def __init__(
        self,
        dsn: str,
        *,
        time_zone: str = "Asia/Shanghai",
        interval_seconds: float = 1.0,
        least_seconds: float = 0.4,
        retry_seconds: float = 2.0,
    ) -> None:
        self._dsn = dsn
        self._zone = ZoneInfo(time_zone)
        self._interval_seconds = interval_seconds
        self._least_seconds = least_seconds
        self._retry_seconds = retry_seconds
        self._task: asyncio.Task[None] | None = None
        self.evaluated_at: datetime | None = None
        self.evaluations_total = 0
        self.changes_total = 0
        self.last_seconds = 0.0

    async def start(self) -> None:
        """Begin to stand for election."""
        self._task = asyncio.create_task(self._run(), name="status-evaluator")

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """What runs in the background and should never end by itself."""
        return [] if self._task is None else [self._task]

    async def stop(self) -> None:
        """End the loop and give up the lock."""
        if self._task is not None:
            await end(self._task)
            self._task = None

    async def _run(self) -> None:
        away = False
        while True:
            try:
                async with await connect(self._dsn, name="status") as connection:
                    if away:
                        _log.info("status_database_back")
                        away = False
                    if await self._elected(connection):
                        await self._evaluate_for_ever(connection)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                if not away:
                    _log.warning("status_database_away", error=str(error).strip())
                    away = True
            except psycopg.Error as error:
                _log.error("status_evaluation_failed", error=str(error).strip(), hint="Run `bellwether cloud migrate`.")
            self.evaluated_at = None
            await asyncio.sleep(self._retry_seconds)

    async def _elected(self, connection: psycopg.AsyncConnection) -> bool:
        row = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK_KEY])).fetchone()
        return row == (True,)

    async def _evaluate_for_ever(self, connection: psycopg.AsyncConnection) -> None:
        await connection.execute(f"LISTEN {CHANNEL}")
        settled = await repository.board(connection)
        hearing: Hearing | None = None
        _log.info("status_evaluator_elected", things=len(settled))
        while True:
            began = time.monotonic()
            hearing, settled = await self._evaluate_once(connection, hearing, settled)
            self.last_seconds = time.monotonic() - began
            least = self._least_seconds
            wait = least if has_candidates(settled) else self._interval_seconds
            await asyncio.sleep(max(0.0, least - self.last_seconds))
            async for _ in connection.notifies(timeout=max(0.0, wait - (time.monotonic() - began)), stop_after=1):
                pass

    async def _evaluate_once(
        self,
        connection: psycopg.AsyncConnection,
        hearing: Hearing | None,
        settled: dict[tuple[StatusKind, str], Settled],
    ) -> tuple[Hearing, dict[tuple[StatusKind, str], Settled]]:
        snapshot = await repository.snapshot(connection, self._zone)
        hearing = (hearing or Hearing.begin(snapshot.at)).listen(snapshot.heard_at, snapshot.at)
        settled, changes = evaluate(snapshot, settled, quiet=hearing.is_quiet(snapshot.at))
        if changes:
            await repository.write(connection, changes)
            self.changes_total += len(changes)
            for change in changes[:20]:
                _log.info(
                    "status_changed",
                    kind=change.kind.value,
                    key=change.key,
                    previous=change.previous,
                    status=change.status.value,
                    reason=change.reason,
                )
        self.evaluated_at = snapshot.at
        self.evaluations_total += 1
        return hearing, settled
