"""The spool in figures: what is held by lane, where it stands, how full it is. Reads a few rows, changes nothing."""

from __future__ import annotations

from contextlib import closing

from edge_agent.spool import retention
from edge_agent.spool.ledger import LaneTotals
from edge_agent.spool.store import PROMISED, STORED, Store
from edge_agent.spool.values import SpoolStats, StoredLane
from protocols.status import LaneHeld
from protocols.topics import Lane

MOST_LIVE = 10_000
"""Far above what can be sealed in a minute; only bounds a loop."""


def stats_of(store: Store) -> SpoolStats:
    """Return the figures; reads a few rows."""
    usage = store.file.usage()
    with store.file.reading() as db:
        last_receipt_at_ms, skew_seconds = db.execute("SELECT last_receipt_at_ms, skew_seconds FROM spool").fetchone()
        set_aside = db.execute("SELECT COUNT(*) FROM set_aside").fetchone()[0]
    return SpoolStats(
        position=store.position(),
        books=store.state.books,
        held=_held(store),
        file_bytes=usage.file_bytes,
        wal_bytes=store.file.wal_bytes(),
        used_ratio=retention.used_ratio(usage, store.limits),
        set_aside_segments=set_aside,
        last_receipt_at_ms=last_receipt_at_ms,
        skew_seconds=skew_seconds,
    )


def _held(store: Store) -> list[LaneHeld]:
    totals = store.state.totals
    held = [
        _lane_held(lane, totals[STORED[lane]], _oldest(store, STORED[lane])) for lane in (Lane.EVENTS, Lane.RECORDS)
    ]
    live, oldest_live = LaneTotals(), None
    with store.file.reading() as db:
        for head in store.young(MOST_LIVE):
            size_bytes, oldest_live = db.execute(
                "SELECT LENGTH(payload), sealed_at_ms FROM segments WHERE segment_id = ?", (head.segment_id,)
            ).fetchone()
            live.segments += 1
            live.items += head.items
            live.size_bytes += size_bytes
    health = totals[StoredLane.HEALTH]
    backlog = LaneTotals(
        health.segments - live.segments, health.items - live.items, health.size_bytes - live.size_bytes
    )
    oldest = _oldest(store, StoredLane.HEALTH) if backlog.segments else None
    return [*held, _lane_held(Lane.LIVE, live, oldest_live), _lane_held(Lane.BACKLOG, backlog, oldest)]


def _oldest(store: Store, lane: StoredLane) -> int | None:
    rows = store.old() if lane is StoredLane.HEALTH else store.rows(PROMISED, int(lane))
    with closing(rows):
        oldest = next(rows, None)
    if oldest is None:
        return None
    with store.file.reading() as db:
        row = db.execute("SELECT sealed_at_ms FROM segments WHERE segment_id = ?", (oldest.segment_id,)).fetchone()
    return int(row[0])


def _lane_held(lane: Lane, totals: LaneTotals, oldest_at_ms: int | None) -> LaneHeld:
    return LaneHeld(
        lane=lane,
        segments=totals.segments,
        items=totals.items,
        size_bytes=totals.size_bytes,
        oldest_at_ms=oldest_at_ms,
    )
