"""Puts a month together from statuses, lessons and the inventory."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.lessons import impact
from cloud.lessons import reading as lessons
from cloud.lessons.models import Sum
from cloud.lessons.schemas import Grouping
from cloud.lessons.service import sums
from cloud.reports.availability import availability
from cloud.reports.models import Availability
from cloud.reports.schemas import AvailabilityReport, AvailabilityRow
from cloud.status.models import StatusKind, Thing
from cloud.status.spans import spans

QUERIES = Queries(Path(__file__).with_name("queries.sql"))


def month_of(text: str, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return begin and end of a month `YYYY-MM` of the district's calendar; its end is now while it is not over.

    Raises ValueError, with words for people.
    """
    try:
        begin = datetime.strptime(text, "%Y-%m").replace(tzinfo=zone)
    except ValueError:
        raise ValueError(f"{text!r} is no month such as 2026-11") from None
    end = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    if begin >= now:
        raise ValueError(f"{text} has not begun")
    return begin, min(end, now)


async def report(
    connection: psycopg.AsyncConnection, month: str, since: datetime, until: datetime
) -> AvailabilityReport:
    """Return the availability of every line and provider."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["links"])
        links = await cursor.fetchall()
    of_thing = impact.by_thing(await spans(connection, since, until, kinds=[StatusKind.LINK]))
    cost = sums(await lessons.losses(connection, since, until, until), Grouping.CAUSE)
    rows: list[AvailabilityRow] = []
    by_provider: dict[str, Availability] = {}
    lost: dict[str, Sum] = {}
    for link in links:
        found = availability(of_thing.get(Thing(StatusKind.LINK, link["link"]), []), since, until)
        own = cost.get(f"link {link['link']}", Sum())
        rows.append(_row(link, found, own))
        provider = link["provider"]
        by_provider[provider] = by_provider.get(provider, Availability()) + found
        added = lost.setdefault(provider, Sum())
        added.lost_seconds += own.lost_seconds
        added.saved_seconds += own.saved_seconds
    providers = []
    for provider, found in by_provider.items():
        own = cost.get(f"provider {provider}", Sum())
        lost[provider].lost_seconds += own.lost_seconds
        lost[provider].saved_seconds += own.saved_seconds
        providers.append(_row({"provider": provider}, found, lost[provider]))
    return AvailabilityReport(month=month, since=since, until=until, links=rows, providers=providers)


def _row(link: dict[str, Any], found: Availability, cost: Sum) -> AvailabilityRow:
    return AvailabilityRow(
        link=link.get("link"),
        school=link.get("school"),
        school_name=link.get("school_name"),
        school_name_en=link.get("school_name_en"),
        provider=link["provider"],
        contracted_bps=link.get("contracted_bps"),
        availability_ratio=round(found.ratio, 6) if found.ratio is not None else None,
        up_seconds=round(found.up_seconds, 1),
        down_seconds=round(found.down_seconds, 1),
        unknown_seconds=round(found.unknown_seconds, 1),
        maintenance_seconds=round(found.maintenance_seconds, 1),
        outages=found.outages,
        longest_seconds=round(found.longest_seconds, 1),
        lost_minutes=round(cost.lost_seconds / 60, 2),
        saved_minutes=round(cost.saved_seconds / 60, 2),
    )
