"""The duty that tells people: plans what is due, writes it, sends it, writes what became of it.

Planned before it is sent, in a transaction of its own: a kill in between sends it at the next start. A receiver that
does not take a message is tried again, later each time, and given up after half a day. The file of notifications is
read again when it changes; a bad one is refused with every reason, and the last good one stays.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import structlog

from cloud.config import Settings
from cloud.db.pool import Pool
from cloud.errors import ConfigError
from cloud.incidents import reading, repository
from cloud.incidents.models import EntryKind, IncidentKind, IncidentState, Severity
from cloud.incidents.schemas import IncidentRow
from cloud.notifications import plan_file, texts
from cloud.notifications.models import Case, Plan
from cloud.notifications.planning import STALE, digest_since, due
from cloud.notifications.repository import QUERIES
from cloud.notifications.sending import send

INTERVAL_SECONDS = 5.0
FIRST_RETRY = timedelta(seconds=15)
LONGEST_RETRY = timedelta(minutes=30)
MOST_ATTEMPTS = 30

_log = structlog.get_logger(__name__)


class NotificationDuty:
    """Tells people until `run` is cancelled; does nothing while no file is configured."""

    def __init__(self, settings: Settings, pool: Pool, *, interval_seconds: float = INTERVAL_SECONDS) -> None:
        self._path = Path(settings.notifications.file) if settings.notifications.file else None
        self._console_url = settings.notifications.console_url.rstrip("/")
        self._zone = ZoneInfo(settings.district.time_zone)
        self._pool = pool
        self._interval_seconds = interval_seconds
        self._plan = Plan()
        self._read_at = 0.0

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            psycopg.OperationalError: the database is away; whoever runs duties waits for it.
        """
        while True:
            self._read()
            await self.step()
            await asyncio.sleep(self._interval_seconds)

    def _read(self) -> None:
        """Read the file when it changed since."""
        if self._path is None:
            return
        try:
            changed_at = self._path.stat().st_mtime
            if changed_at == self._read_at:
                return
            self._read_at = changed_at
            self._plan = plan_file.load(self._path)
        except OSError as error:
            _log.error("notifications_file_unreadable", error=str(error))
        except ConfigError as error:
            _log.error("notifications_file_refused", problems=error.problems)
        else:
            _log.info("notifications_file_read", contacts=len(self._plan.contacts), policies=len(self._plan.policies))

    async def step(self, plan: Plan | None = None) -> None:
        """Plan what is due, and send what waits."""
        self._plan = plan or self._plan
        if not self._plan.contacts:
            return
        now = datetime.now(UTC)
        await self.write_due(self._plan, now)
        async with self._pool.connection() as connection:
            waiting = await (await connection.execute(QUERIES["waiting"], {"now": now})).fetchall()
        for delivery_id, incident_id, step, contact, title, body, attempts in waiting:
            await self._deliver(delivery_id, incident_id, step, contact, title, body, attempts)

    async def write_due(self, plan: Plan, now: datetime) -> None:
        """Write down what a plan says is due at a moment; nothing is sent."""
        self._plan = plan
        async with self._pool.connection() as connection, connection.transaction():
            await self._plan_pages(connection, now)
            await self._plan_digest(connection, now)

    async def _plan_pages(self, connection: psycopg.AsyncConnection, now: datetime) -> None:
        rows = await (await connection.execute(QUERIES["cases"], {"after": now - STALE})).fetchall()
        cases = [
            Case(
                incident_id, IncidentKind(kind), IncidentState(state), Severity(severity), opened_at, resolved_at,
                acknowledged, frozenset(zip(steps, contacts, strict=True)),
            )
            for incident_id, kind, state, severity, opened_at, resolved_at, acknowledged, steps, contacts in rows
        ]  # fmt: skip
        for one in due(self._plan, cases, now, self._zone):
            row = await self._row(connection, one.incident_id)
            title, body = texts.message(row, one.step, one.contact.language, self._zone, self._console_url)
            await self._write(connection, one.incident_id, one.step, one.contact.name, title, body, now)

    async def _row(self, connection: psycopg.AsyncConnection, incident_id: int) -> IncidentRow:
        return (await reading.incidents(connection, incident_id=incident_id, limit=1)).items[0]

    async def _plan_digest(self, connection: psycopg.AsyncConnection, now: datetime) -> None:
        row = await (await connection.execute(QUERIES["last_digest"])).fetchone()
        last: datetime = (row[0] if row is not None else None) or now - timedelta(hours=24)
        at = digest_since(self._plan, last, now, self._zone)
        if at is None or self._plan.digest is None:
            return
        found = (await reading.incidents(connection, since=last, limit=1000)).items
        rest = [
            row
            for row in found
            if row.opened_at > last
            and (row.kind is IncidentKind.BLIND_SPOT or self._plan.policy_of(row.severity) is None)
        ]
        if not rest:
            return
        for contact in self._plan.people(self._plan.digest.who, at.astimezone(self._zone).date()):
            title, body = texts.digest(rest, contact.language, self._zone, self._console_url)
            await self._write(connection, None, f"digest {at:%Y-%m-%d %H:%M}", contact.name, title, body, now)

    async def _write(
        self,
        connection: psycopg.AsyncConnection,
        incident_id: int | None,
        step: str,
        contact: str,
        title: str,
        body: str,
        at: datetime,
    ) -> None:
        values = {"incident_id": incident_id, "step": step, "contact": contact, "title": title, "body": body, "at": at}
        await connection.execute(QUERIES["plan"], values)

    async def _deliver(
        self, delivery_id: int, incident_id: int | None, step: str, name: str, title: str, body: str, attempts: int
    ) -> None:
        contact = self._plan.contacts.get(name)
        problem = await send(contact, title, body) if contact is not None else "this contact is no longer known"
        now = datetime.now(UTC)
        async with self._pool.connection() as connection, connection.transaction():
            if problem is None:
                await connection.execute(QUERIES["sent"], {"delivery_id": delivery_id, "at": now})
                if incident_id is not None:
                    told = {"text": f"{step}: {name}"}
                    await repository.tell(connection, incident_id, EntryKind.NOTIFIED, now, told)
                    await repository.notify(connection)
                return
            over = contact is None or attempts + 1 >= MOST_ATTEMPTS
            values = {
                "delivery_id": delivery_id,
                "state": "given_up" if over else "waiting",
                "problem": problem,
                "next_try_at": now + min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(attempts, 10)),
            }
            await connection.execute(QUERIES["failed"], values)
        _log.warning(
            "notification_not_taken", delivery=delivery_id, contact=name, problem=problem, attempt=attempts + 1
        )
