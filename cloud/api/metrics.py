"""Figures for Prometheus. What this process does is counted here; what ingest does is read from the database it writes.

So a figure is the same whichever worker is asked, and survives restarts of ingest.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from psycopg.rows import dict_row
from psycopg_pool import PoolClosed, PoolTimeout

from cloud.db.queries import Queries
from cloud.http.database import read_only
from cloud.quarantine.quota import LEAST_BYTES

if TYPE_CHECKING:
    from cloud.api.rooms import Rooms

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
QUERIES = Queries(Path(__file__).with_name("metrics.sql"))

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class ApiMetrics:
    """The request times of one API process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            "bellwether_api_request_seconds",
            "Time to the first byte of an answer.",
            ("route", "method", "status"),
            buckets=_BUCKETS,
            registry=self.registry,
        )

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._seconds.labels(route, method, str(status)).observe(seconds)


async def exposition(rooms: Rooms) -> bytes:
    """Return all figures as text; what needs the database is left out while it is away, and `database_up` says so."""
    families = list(_process_families(rooms))
    database_up = True
    try:
        families += await _database_families(rooms)
    except (psycopg.Error, PoolTimeout, PoolClosed):
        database_up = False
    families.append(_gauge("database_up", "Whether the database answers.", float(database_up)))
    registry = CollectorRegistry()
    registry.register(_Collected(families))
    return generate_latest(registry) + generate_latest(rooms.metrics.registry)


class _Collected:
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"bellwether_{name}", text, value)


def _counter(name: str, text: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(f"bellwether_{name}", text, value)


def _process_families(rooms: Rooms) -> Iterator[Metric]:
    yield _gauge("api_started_timestamp_seconds", "When this API process started.", rooms.started_at.timestamp())
    yield _gauge("live_browsers", "Open live streams of this process.", rooms.hub.browsers)
    yield _counter("live_messages", "Messages sent on live streams by this process.", rooms.hub.messages_total)
    evaluator = rooms.evaluator
    if evaluator is not None and evaluator.evaluated_at is not None:
        yield _gauge(
            "status_evaluated_timestamp_seconds",
            "When this process evaluated status last; absent where another process does.",
            evaluator.evaluated_at.timestamp(),
        )
        yield _gauge("status_evaluation_seconds", "How long the last evaluation took.", evaluator.last_seconds)
        yield _counter("status_evaluations", "Evaluations by this process.", evaluator.evaluations_total)
        yield _counter("status_changes", "Changes of status written by this process.", evaluator.changes_total)


async def _database_families(rooms: Rooms) -> list[Metric]:
    picture = await rooms.board.picture(time.monotonic() - 1.0)
    overview = picture.overview
    async with read_only(rooms.pool) as connection:
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(QUERIES["totals"])
            totals = await cursor.fetchone() or {}
        reasons = await (await connection.execute(QUERIES["reasons"])).fetchall()
        fullest = await connection.execute(QUERIES["fullest_quarantine"], {"least": LEAST_BYTES})
        (fullest_bytes,) = await fullest.fetchone() or (0,)
        followers = await _follower_families(connection)
        incidents = await _incident_families(connection)
    families: list[Metric] = [
        _counter("segments_stored", "Segments committed.", totals["segments_stored"]),
        _counter("items_stored", "Samples and events committed.", totals["items_stored"]),
        _counter("events_stored", "Events committed.", totals["events_stored"]),
        _counter(
            "segments_duplicate", "Segments that arrived again and changed nothing.", totals["segments_duplicate"]
        ),
        _counter("segments_conflict", "Segments of a known identity with other content.", totals["segments_conflict"]),
        _gauge("agents", "Agents of the inventory.", overview.freshness.agents_total),
        _gauge("agents_online", "Agents that are online.", overview.freshness.agents_online),
        _gauge("backlog_segments", "Segments that agents still hold, by their reports.", overview.backlog.segments),
        _gauge("backlog_items", "Items that agents still hold, by their reports.", overview.backlog.items),
        _gauge("backlog_bytes", "Bytes that agents still hold, by their reports.", overview.backlog.bytes),
        _gauge("ledger_lost_items", "Items that neither side accounts for.", overview.ledger.lost),
        _gauge("ledger_thinned_items", "Items thinned on the edge for want of disk.", overview.ledger.thinned),
    ]
    families.append(
        _gauge(
            "quarantine_fullest_agent_ratio",
            "Room taken in quarantine by the agent that takes most; near 1, its refused segments stay at the edge.",
            fullest_bytes / rooms.settings.ingest.quarantine_bytes_per_agent,
        )
    )
    if overview.freshness.newest_sample_at is not None:
        newest = overview.freshness.newest_sample_at.timestamp()
        families.append(_gauge("newest_sample_timestamp_seconds", "Time of the newest observation.", newest))
    quarantined = GaugeMetricFamily(
        "bellwether_quarantine_segments", "Segments that wait in quarantine.", labels=("reason",)
    )
    for reason, number in reasons:
        quarantined.add_metric((reason,), number)
    things = GaugeMetricFamily("bellwether_things", "Things by status.", labels=("kind", "status"))
    for kind in ("links", "gateways", "classrooms", "terminals"):
        for status, number in getattr(overview, kind):
            things.add_metric((kind.removesuffix("s"), status), number)
    return [*families, quarantined, things, *followers, *incidents]


async def _incident_families(connection: psycopg.AsyncConnection) -> list[Metric]:
    """Return what is wrong now and what it means for lessons."""
    opened = GaugeMetricFamily("bellwether_incidents_open", "Open incidents.", labels=("kind", "severity"))
    affected = saved = 0
    for kind, severity, number, lessons, going_on in await (await connection.execute(QUERIES["incidents"])).fetchall():
        opened.add_metric((kind, severity), number)
        affected += lessons
        saved += going_on
    return [
        opened,
        _gauge("lessons_affected", "Lessons in session that an open incident stands in the way of.", affected),
        _gauge("lessons_saved", "Of these, lessons that go on from the cache.", saved),
    ]


async def _follower_families(connection: psycopg.AsyncConnection) -> list[Metric]:
    """Return the figures of those that follow the records: services and feeds."""
    taken = CounterMetricFamily("bellwether_service_records_taken", "Records a service took.", labels=("service",))
    behind = GaugeMetricFamily(
        "bellwether_service_places_behind",
        "Places of records that a service has still to look at.",
        labels=("service",),
    )
    for service, number, places in await (await connection.execute(QUERIES["services"])).fetchall():
        taken.add_metric((service,), number)
        behind.add_metric((service,), max(places, 0))
    refused = GaugeMetricFamily(
        "bellwether_service_records_refused", "Records that wait refused.", labels=("service", "reason")
    )
    for service, reason, number in await (await connection.execute(QUERIES["refused_records"])).fetchall():
        refused.add_metric((service, reason), number)
    delivered = CounterMetricFamily("bellwether_feed_records_delivered", "Records a receiver took.", labels=("feed",))
    failures = GaugeMetricFamily("bellwether_feed_failures", "Attempts in a row that failed.", labels=("feed",))
    untaken = GaugeMetricFamily(
        "bellwether_feed_records_refused", "Records a receiver would not take.", labels=("feed",)
    )
    for feed, number, failed, not_taken in await (await connection.execute(QUERIES["feeds"])).fetchall():
        delivered.add_metric((feed,), number)
        failures.add_metric((feed,), failed)
        untaken.add_metric((feed,), not_taken)
    return [taken, behind, refused, delivered, failures, untaken]
