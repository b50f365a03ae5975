"""Rollups, late data, retention and pruning, on plain tables and on TimescaleDB."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count

import psycopg
import pytest

from cloud.config import Retention
from cloud.db import open_pool
from cloud.errors import DatabaseUnavailable
from cloud.fleet.books import read_ledger
from cloud.ingest.models import Arrival, Reading
from cloud.ingest.reading import read
from cloud.ingest.store import Store
from cloud.telemetry.maintenance import Maintenance
from protocols.blocks import pack
from protocols.codec import MSGPACK, encode
from protocols.events import Event
from protocols.samples import Kind, LinkSample, Sample, Vantage
from protocols.segments import Books, Segment
from protocols.topics import Lane

pytestmark = pytest.mark.db

_seqs = count(1)
NOW = (datetime.now(UTC) - timedelta(hours=2)).replace(minute=30, second=0, microsecond=0)
EPOCH = "e" * 16


def link(at: datetime, **metrics: object) -> Sample:
    at_ms = int(at.timestamp() * 1000)
    return LinkSample(
        thing="s01-wan",
        observed_at_ms=at_ms,
        monotonic_ms=at_ms % 10**9,
        vantage=Vantage.SCHOOL,
        **metrics,  # type: ignore[arg-type]
    )


def reading(samples: list[Sample], events: list[Event] | None = None, low: int = 1) -> Reading:
    segment = Segment(
        agent="s01-gw",
        epoch=EPOCH,
        seq=next(_seqs),
        low=low,
        boot="unknown-boot",
        sealed_at_ms=0,
        sealed_monotonic_ms=2**40,
        books=Books(),
        blocks=pack(samples),
        events=events or [],
    )
    received_at_ms = time.time_ns() // 1_000_000
    item = read(Arrival("s01-gw", Lane.BACKLOG, "t", MSGPACK, encode(segment), received_at_ms))
    assert isinstance(item, Reading)
    return item


@asynccontextmanager
async def rooms(dsn: str, **retention: int) -> AsyncIterator[tuple[Store, Maintenance]]:
    store = Store(dsn)
    await store.start()

    async def replay() -> int:
        return 0

    try:
        async with open_pool(dsn) as pool:
            yield store, Maintenance(pool, Retention(**retention), replay=replay)
    finally:
        await store.stop()


@contextmanager
def asking(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


ROLLUP = """
SELECT samples, in_bps_avg, in_bps_min, in_bps_max, oper_up_avg, rtt_seconds_avg, in_octets_total_max
FROM {}
WHERE bucket = %s AND vantage = 'school'
"""


async def test_rollups_hold_what_was_measured_and_null_where_nothing_was(variant_database: str) -> None:
    async with rooms(variant_database) as (store, maintenance):
        samples: list[Sample] = [
            link(NOW + timedelta(seconds=1), in_bps=100, oper_up=True, in_octets_total=5),
            link(NOW + timedelta(seconds=2), in_bps=300, oper_up=False, in_octets_total=9),
            link(NOW + timedelta(seconds=3), in_bps=None, oper_up=None),
        ]
        await store.commit([reading(samples)])
        assert await maintenance.roll_up(settle=False) == 2
    with asking(variant_database) as connection:
        expected = (3, 200.0, 100, 300, 0.5, None, 9)
        assert connection.execute(ROLLUP.format("link_5m"), [NOW]).fetchall() == [expected]
        hour = NOW.replace(minute=0)
        assert connection.execute(ROLLUP.format("link_1h"), [hour]).fetchall() == [expected]
        assert connection.execute("SELECT count(*) FROM rollup_dirty").fetchone() == (0,)


async def test_a_backlog_of_a_week_ago_makes_its_own_buckets_right(variant_database: str) -> None:
    long_ago = NOW - timedelta(days=7)
    async with rooms(variant_database) as (store, maintenance):
        await store.commit([reading([link(long_ago, in_bps=100)]), reading([link(NOW, in_bps=1)])])
        await maintenance.roll_up(settle=False)
        await store.commit([reading([link(long_ago + timedelta(seconds=10), in_bps=500)])])
        assert await maintenance.roll_up(settle=False) == 2
    with asking(variant_database) as connection:
        for rollup, bucket in (("link_5m", long_ago), ("link_1h", long_ago.replace(minute=0))):
            query = f"SELECT samples, in_bps_avg FROM {rollup} WHERE bucket = %s"
            assert connection.execute(query, [bucket]).fetchall() == [(2, 300.0)]


async def test_a_bucket_that_still_fills_waits(variant_database: str) -> None:
    async with rooms(variant_database) as (store, maintenance):
        await store.commit([reading([link(NOW, in_bps=100)])])
        assert await maintenance.roll_up() == 0


async def test_retention_removes_old_samples_and_the_ledger_still_balances(variant_database: str) -> None:
    old = NOW - timedelta(days=20)
    event = Event(
        event_id="a" * 32,
        type="port.changed",
        kind=Kind.PORT,
        thing="s01-sw01/1",
        observed_at_ms=int(old.timestamp() * 1000),
        monotonic_ms=1,
    )
    async with rooms(variant_database, samples_days=10, events_days=10, rollup_5m_days=10) as (store, maintenance):
        await store.commit([reading([link(old, in_bps=1), link(old, in_bps=2)], [event])])
        await store.commit([reading([link(NOW, in_bps=3)])])
        await maintenance.expire()
        await maintenance.expire()
    with asking(variant_database) as connection:
        assert connection.execute("SELECT in_bps FROM link_samples").fetchall() == [(3,)]
        assert connection.execute("SELECT samples, events FROM expired_items").fetchall() == [(2, 1)]
    total = read_ledger(variant_database).total
    assert (total.stored, total.lost, total.duplicated) == (4, 0, 0)


async def test_identities_are_pruned_below_low_after_an_hour_and_not_before(variant_database: str) -> None:
    async with rooms(variant_database) as (store, maintenance):
        first, second = reading([link(NOW)]), reading([link(NOW)])
        settled = reading([link(NOW)], low=second.segment.seq)
        await store.commit([first, second, settled])
        assert await maintenance.prune_identities() == 0
        with asking(variant_database) as connection:
            connection.execute("UPDATE segments SET received_at = received_at - INTERVAL '61 minutes'")
            assert await maintenance.prune_identities() == 1
            assert connection.execute("SELECT seq FROM segments ORDER BY seq").fetchall() == [
                (second.segment.seq,),
                (settled.segment.seq,),
            ]
        committed = await store.commit([first])
    assert [fate.reason for fate in committed.fates] == ["below_low"]


async def test_rows_missing_from_the_tables_are_lost_and_doubled_ones_duplicated(variant_database: str) -> None:
    async with rooms(variant_database) as (store, _):
        await store.commit([reading([link(NOW, in_bps=1), link(NOW, in_bps=2)])])
    with asking(variant_database) as connection:
        connection.execute("DELETE FROM link_samples WHERE in_bps = 1")
        assert read_ledger(variant_database).total.lost == 1
        connection.execute("INSERT INTO link_samples SELECT * FROM link_samples")
        connection.execute("INSERT INTO link_samples SELECT * FROM link_samples")
    assert read_ledger(variant_database).total.duplicated == 2


async def test_a_database_that_goes_away_during_a_replay_ends_no_duty(database: str) -> None:
    went_on = asyncio.Event()

    class Watched(Maintenance):
        async def prune_identities(self) -> int:
            went_on.set()
            return 0

    async def replay() -> int:
        raise DatabaseUnavailable("the server is shutting down")

    async with open_pool(database) as pool:
        running = asyncio.create_task(Watched(pool, Retention(), replay=replay).run())
        next_duty = asyncio.create_task(went_on.wait())
        await asyncio.wait([running, next_duty], return_when=asyncio.FIRST_COMPLETED)
        for task in (running, next_duty):
            task.cancel()
        await asyncio.wait([running, next_duty])
    assert went_on.is_set()
