"""Looks whether database, migrations and broker are there, when asked; the broker at most every two seconds."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import psycopg

from cloud.api import broker as broker_check
from cloud.api.schemas import Check, Readiness
from cloud.config import Settings
from cloud.db.migrate import load
from cloud.errors import BrokerUnavailable, DatabaseUnavailable, MigrationError

_BROKER_SECONDS = 2.0
_DATABASE_TIMEOUT_SECONDS = 3


class ReadinessChecker:
    """Answers `/readyz`. A connection of its own each time: the pool's could be healthy while new ones are refused."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._broker_lock = asyncio.Lock()
        self._broker_check: Check | None = None
        self._broker_at = 0.0

    async def look(self) -> Readiness:
        """Return what is there now."""
        (database, migrations), broker = await asyncio.gather(self._database(), self._broker())
        checks = [database, migrations, broker]
        return Readiness(ready=all(check.ok for check in checks), checks=checks)

    async def _database(self) -> tuple[Check, Check]:
        began = time.monotonic()
        try:
            async with (
                asyncio.timeout(_DATABASE_TIMEOUT_SECONDS),
                await psycopg.AsyncConnection.connect(
                    self._settings.database.dsn, autocommit=True, connect_timeout=_DATABASE_TIMEOUT_SECONDS
                ) as connection,
            ):
                applied = await _applied(connection)
        except (psycopg.Error, TimeoutError) as error:
            reason = str(error).strip() or f"no answer within {_DATABASE_TIMEOUT_SECONDS} s"
            return (
                _check("database", False, reason, DatabaseUnavailable.hint),
                _check("migrations", False, "cannot be looked up without the database", DatabaseUnavailable.hint),
            )
        milliseconds = (time.monotonic() - began) * 1000
        return _check("database", True, f"answers in {milliseconds:.1f} ms"), _migrations(applied)

    async def _broker(self) -> Check:
        async with self._broker_lock:
            if self._broker_check is None or time.monotonic() - self._broker_at > _BROKER_SECONDS:
                wrong = await broker_check.look(self._settings.broker)
                where = f"{self._settings.broker.host}:{self._settings.broker.port}"
                self._broker_check = _check(
                    "broker", not wrong, wrong or f"{where} accepts the login", BrokerUnavailable.hint if wrong else ""
                )
                self._broker_at = time.monotonic()
            return self._broker_check


async def _applied(connection: psycopg.AsyncConnection) -> list[tuple[int, str | None]] | None:
    row = await (await connection.execute("SELECT to_regclass('schema_migrations') IS NOT NULL")).fetchone()
    if row != (True,):
        return None
    return await (await connection.execute("SELECT number, variant FROM schema_migrations")).fetchall()


def _migrations(applied: list[tuple[int, str | None]] | None) -> Check:
    if applied is None:
        return _check("migrations", False, "the database is empty", MigrationError.hint)
    variant = "timescale" if any(chosen == "timescale" for _, chosen in applied) else "plain"
    wanted = {migration.number for migration in load("timescale" if variant == "timescale" else "plain")}
    present = {number for number, _ in applied}
    if missing := sorted(wanted - present):
        return _check("migrations", False, f"not applied: {', '.join(map(str, missing))}", MigrationError.hint)
    if unknown := sorted(present - wanted):
        return _check(
            "migrations", False, f"the database is newer than this version: {unknown}", "Run the newer version."
        )
    return _check("migrations", True, f"{len(present)} applied, {variant}")


def _check(name: str, ok: bool, detail: str, hint: str = "") -> Check:
    return Check(name=name, ok=ok, detail=detail, hint="" if ok else hint, checked_at=datetime.now(UTC))
