"""Adds and ends planned work. Work in lessons needs a reason; work in an exam is never begun without one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg

from cloud.errors import MaintenanceRefused, MaintenanceUnknown
from cloud.maintenance import occurrences, reading
from cloud.maintenance.models import Window
from cloud.maintenance.reading import QUERIES
from cloud.maintenance.schemas import WindowOrder, WindowRow


async def add(connection: psycopg.AsyncConnection, order: WindowOrder, zone: ZoneInfo) -> WindowRow:
    """Add a window and return it.

    Raises:
        MaintenanceRefused: nothing of that key, no usable recurrence, or lessons or exams in it and no reason.
    """
    now = datetime.now(UTC)
    problems: list[tuple[str, str]] = []
    target = {"kind": order.kind.value, "key": order.key}
    if not await reading.known(connection, order.kind, order.key):
        problems.append(("key", f"the inventory has no {order.kind} {order.key!r}"))
    if order.recurrence is not None:
        try:
            occurrences.check_recurrence(order.recurrence, order.starts_at)
        except ValueError as error:
            problems.append(("recurrence", str(error)))
    elif order.starts_at + timedelta(seconds=order.duration_seconds) <= now:
        problems.append(("starts_at", "the window would be over already"))
    if not problems and order.reason is None:
        window = Window(
            0, order.kind, order.key, order.starts_at, timedelta(seconds=order.duration_seconds), order.recurrence
        )
        touched = await reading.forecast(connection, window, now, zone)
        if touched.lessons:
            what = f"{touched.lessons} lessons" + (f", {touched.exams} of them exams," if touched.exams else "")
            problems.append(
                ("reason", f"{what} fall into it within {reading.LOOK_AHEAD.days} days: say why, or move it")
            )
    if problems:
        raise MaintenanceRefused(problems)
    values = {**target, "starts_at": order.starts_at, "duration_seconds": order.duration_seconds}
    values |= {"recurrence": order.recurrence, "reason": order.reason or "", "actor": order.actor}
    row = await (await connection.execute(QUERIES["add"], values)).fetchone()
    assert row is not None
    await connection.execute(QUERIES["notify"])
    return (await reading.windows(connection, now, zone, window_id=row[0])).items[0]


async def end(connection: psycopg.AsyncConnection, window_id: int, zone: ZoneInfo) -> WindowRow:
    """End a window now and for ever.

    Raises:
        MaintenanceUnknown: none of that number, or it was ended before.
    """
    if await (await connection.execute(QUERIES["end"], {"window_id": window_id})).fetchone() is None:
        raise MaintenanceUnknown(f"there is no window {window_id} that could be ended")
    await connection.execute(QUERIES["notify"])
    return (await reading.windows(connection, datetime.now(UTC), zone, window_id=window_id)).items[0]
