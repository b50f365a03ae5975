"""Reads a link's rollups and says what they mean: percentiles, forecast, the usual week, quality of a call."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.telemetry import voice
from cloud.telemetry.baseline import UsualHour, hour_of_week, usual
from cloud.telemetry.forecast import forecast
from cloud.telemetry.outlook_schemas import (
    DayTraffic,
    LinkOutlook,
    Percentile,
    Saturation,
    Sparkline,
    Sparklines,
    Usual,
    Voice,
)

QUERIES = Queries(Path(__file__).with_name("outlook.sql"))

FRESH = timedelta(minutes=1)
DAYS = 90
PERCENTILE_DAYS = 30
USUAL_WEEKS = 8
_WHOLE_DAY_STEPS = 144
"""Half of a day's five minutes: a day that was measured less says little of its busiest time."""
_SPARKLINE_STEPS = 48


async def link_outlook(
    connection: psycopg.AsyncConnection, link: str, at: datetime, time_zone: str
) -> LinkOutlook | None:
    """Return what is known of a link up to a moment; None when the inventory does not know it."""
    found = await _rows(connection, "outlook_link", link=link, fresh_since=at - FRESH)
    if not found:
        return None
    (row,) = found
    thing: dict[str, Any] = {"thing_id": row["thing_id"], "until": at}
    zone = ZoneInfo(time_zone)
    days = [
        DayTraffic(**{**day, "complete": day.pop("steps") >= _WHOLE_DAY_STEPS})
        for day in await _rows(
            connection, "daily_traffic", **thing, since=at - timedelta(days=DAYS), time_zone=time_zone
        )
    ]
    hours = await _rows(connection, "hourly_traffic", **thing, since=at - timedelta(weeks=USUAL_WEEKS))
    day_probes = await _rows(connection, "day_probes", **thing, since=at - timedelta(days=1))
    return LinkOutlook(
        link=link,
        at=at,
        contracted_bps=row["contracted_bps"],
        voice_now=_voice(row),
        voice_day=_voice(day_probes[0]) if day_probes else None,
        percentile=await _percentile(connection, thing, at),
        days=days,
        saturation=_saturation(days, row["contracted_bps"], at.astimezone(zone)),
        usual=[_usual(hour) for hour in usual(((one["bucket"], one["busier_bps"]) for one in hours), zone)],
        usual_hour=hour_of_week(at, zone),
    )


async def sparklines(connection: psycopg.AsyncConnection, at: datetime, hours: int) -> Sparklines:
    """Return the traffic of every link over the hours before a moment, in forty-eight steps."""
    step_seconds = hours * 3600 // _SPARKLINE_STEPS
    since = at - timedelta(hours=hours)
    lines: dict[str, Sparkline] = {}
    for row in await _rows(connection, "sparklines", since=since, until=at, step_seconds=step_seconds):
        line = lines.setdefault(
            row["link"],
            Sparkline(
                link=row["link"],
                to_school_bps=[None] * _SPARKLINE_STEPS,
                from_school_bps=[None] * _SPARKLINE_STEPS,
            ),
        )
        if 0 <= row["step"] < _SPARKLINE_STEPS:
            line.to_school_bps[row["step"]] = row["to_school_bps"]
            line.from_school_bps[row["step"]] = row["from_school_bps"]
    return Sparklines(since=since, step_seconds=step_seconds, items=list(lines.values()))


async def _percentile(connection: psycopg.AsyncConnection, thing: dict[str, Any], at: datetime) -> Percentile:
    parameters = {**thing, "since": at - timedelta(days=PERCENTILE_DAYS)}
    row = await (await connection.execute(QUERIES["month_traffic"], parameters)).fetchone()
    to_school, from_school, steps = row or (None, None, 0)
    return Percentile(days=PERCENTILE_DAYS, steps=steps, to_school_bps=to_school, from_school_bps=from_school)


def _saturation(days: list[DayTraffic], contracted_bps: int, now: datetime) -> Saturation:
    # Today is still going on: its busiest time may be to come.
    points = [
        (float((day.day - days[0].day).days), max(day.to_school_bps or 0.0, day.from_school_bps or 0.0))
        for day in days
        if day.complete and day.day < now.date()
    ]
    told = forecast(points, float(contracted_bps))
    slope = told.slope
    return Saturation(
        trend=told.trend,
        days_used=told.days_used,
        level_bps=slope.level if slope else None,
        per_day_bps=slope.per_day if slope else None,
        least_per_day_bps=slope.least_per_day if slope else None,
        most_per_day_bps=slope.most_per_day if slope else None,
        days=told.days,
        soonest_days=told.soonest_days,
        latest_days=told.latest_days,
    )


def _voice(row: dict[str, Any]) -> Voice | None:
    if row["rtt_seconds"] is None or row["loss_ratio"] is None:
        return None
    jitter_seconds = row["jitter_seconds"] or 0.0
    found = voice.quality(row["rtt_seconds"], jitter_seconds, row["loss_ratio"])
    return Voice(
        mos=round(found.mos, 2),
        r=round(found.r, 1),
        rtt_seconds=row["rtt_seconds"],
        jitter_seconds=jitter_seconds,
        loss_ratio=row["loss_ratio"],
    )


def _usual(hour: UsualHour | None) -> Usual | None:
    if hour is None:
        return None
    return Usual(hour=hour.hour, median_bps=hour.median, low_bps=hour.low, high_bps=hour.high, weeks=hour.weeks)


async def _rows(connection: psycopg.AsyncConnection, name: str, **parameters: Any) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[name], parameters)
        return await cursor.fetchall()
