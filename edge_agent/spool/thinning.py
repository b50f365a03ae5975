"""Thinning: giving up detail of the oldest health so that the spool keeps within its budget. `retention` decides.

Raw samples of one five-minute stretch become aggregates under new seqs of the current epoch, sent before all raw
backlog as they stand for what was before it. The raw items are counted as thinned and the aggregates as produced, in
the transaction that swaps them. Whatever was handed out for sending is passed over: the cloud may have stored it, and
an item must not be both stored and thinned.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from edge_agent.spool import retention
from edge_agent.spool.aggregation import aggregate, bucket_of
from edge_agent.spool.errors import SpoolFull, SpoolUnwritable
from edge_agent.spool.retention import Step, Usage
from edge_agent.spool.sealing import checksum, seal
from edge_agent.spool.store import Store
from edge_agent.spool.values import LIVE_SECONDS, Identity, StoredLane
from protocols.blocks import unpack
from protocols.codec import DecodeError, decode_segment
from protocols.samples import Sample

STEPS_AT_ONCE = 16
"""Most steps before one append, so that no append waits long for room."""

STRETCH_SEGMENTS = 128
STRETCH_BYTES = 512 * 1024
DROP_SEGMENTS = 32
REPORT_EVERY_MS = 300_000

_OLDEST_AGGREGATES = (
    "SELECT segment_id, epoch_id, items, LENGTH(payload) FROM segments WHERE aggregate AND NOT sent"
    " ORDER BY segment_id LIMIT ?"
)
_OLDEST_RAW = (
    "SELECT segment_id, epoch_id, items, LENGTH(payload) FROM segments WHERE lane = 3 AND NOT aggregate AND NOT sent"
    " ORDER BY segment_id LIMIT ?"
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Raw:
    segment_id: int
    epoch_id: int
    identity: Identity
    items: int
    boot: str
    sealed_at_ms: int
    sealed_monotonic_ms: int
    checksum: int
    payload: bytes


class Thinning:
    """Keeps one store within its budget, remembering how far it has come."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._active = False
        self._passed_id = 0
        self._raw_left = True
        self._reported_at_ms: int | None = None

    def relieve(self) -> Usage:
        """Thin until below the lower mark, until nothing is left to thin, or for some steps; return the usage then.

        A disk that cannot even be thinned is left to the append that follows, which tells its caller.
        """
        usage = self._store.file.usage()
        self._store.watch_pressure(usage)
        try:
            for _ in range(STEPS_AT_ONCE):
                if not self._step(usage):
                    break
                usage = self._store.file.usage()
        except (SpoolFull, SpoolUnwritable) as error:
            log.warning("spool_thinning_failed", agent=self._store.agent, reason=str(error))
        self._report()
        return usage

    def _step(self, usage: Usage) -> bool:
        ratio = retention.used_ratio(usage, self._store.limits)
        step = retention.next_step(ratio, self._active, self._raw_left)
        if step is Step.NOTHING:
            self._active = self._active and ratio >= retention.THIN_DOWN_TO
            if not self._active:
                self._raw_left = True
            return False
        self._active = True
        if step is Step.AGGREGATE:
            self._raw_left = self._aggregate_stretch()
            return True
        return self._drop_oldest()

    def _aggregate_stretch(self) -> bool:
        """Swap the oldest stretch of raw segments for aggregates; return False when there is none that may be."""
        stretch = self._oldest_stretch()
        if not stretch:
            return False
        store = self._store
        for raw in stretch:
            if checksum(*raw.identity, StoredLane.HEALTH, raw.items, raw.payload) != raw.checksum:
                store.set_aside(raw.identity, "checksum")
                return True
        self._passed_id = stretch[-1].segment_id
        try:
            segments = [decode_segment(raw.payload) for raw in stretch]
        except DecodeError as error:
            # Sealed by another version of the agent: passed over, the centre may read it, and nothing may stop for it.
            log.warning("spool_segment_of_another_version", agent=store.agent, reason=str(error))
            return True
        samples = [sample for segment in segments for block in segment.blocks for sample in unpack(block)]
        merged: list[Sample] = aggregate(samples)
        # The aggregates keep the boot and the sealing times of what they replace, or their times could not be
        # corrected.
        header = replace(
            store.header(),
            boot=stretch[-1].boot,
            sealed_at_ms=stretch[-1].sealed_at_ms,
            sealed_monotonic_ms=stretch[-1].sealed_monotonic_ms,
        )
        sealed, _ = seal(merged, header)
        if len(sealed) > len(stretch) or sum(len(one.payload) for one in sealed) >= sum(
            len(r.payload) for r in stretch
        ):
            return True
        with store.transaction() as db:
            self._take(db, stretch)
            store.insert(db, sealed, header, aggregate=True)
            store.refresh_low(db)
        store.state.thinned_unreported += len(samples)
        return True

    def _oldest_stretch(self) -> list[_Raw]:
        store = self._store
        stretch: list[_Raw] = []
        size_bytes = 0
        with store.file.reading() as db:
            rows = db.execute(
                "SELECT segment_id, epoch_id, epoch, seq, items, boot, sealed_at_ms, sealed_monotonic_ms, checksum,"
                " payload FROM segments JOIN epochs USING (epoch_id)"
                " WHERE lane = 3 AND segment_id > ? AND NOT aggregate AND NOT sent ORDER BY segment_id",
                (self._passed_id,),
            )
            for segment_id, epoch_id, epoch, seq, items, *rest in rows:
                if segment_id in store.sent_unmarked:
                    continue
                raw = _Raw(segment_id, epoch_id, Identity(epoch, seq), items, *rest)
                first = stretch[0] if stretch else raw
                size_bytes += len(raw.payload)
                if (
                    self._is_current(raw)
                    or raw.boot != first.boot
                    or bucket_of(raw.sealed_at_ms) != bucket_of(first.sealed_at_ms)
                    or len(stretch) >= STRETCH_SEGMENTS
                    or (stretch and size_bytes > STRETCH_BYTES)
                ):
                    break
                stretch.append(raw)
            rows.close()
        return stretch

    def _is_current(self, raw: _Raw) -> bool:
        """Tell whether a segment is still live, so that thinning leaves it alone."""
        clock = self._store.clock
        age_ms = clock.monotonic_ms() - raw.sealed_monotonic_ms
        return raw.boot == clock.boot and age_ms <= LIVE_SECONDS * 1000

    def _drop_oldest(self) -> bool:
        """Drop the oldest health that was never handed out; return False when there is none.

        Aggregates go first: the raw segments that nothing could be merged from are the live ones, today's state.
        """
        store = self._store
        with store.transaction() as db:
            rows = db.execute(_OLDEST_AGGREGATES, (DROP_SEGMENTS,)).fetchall()
            rows = rows or db.execute(_OLDEST_RAW, (DROP_SEGMENTS,)).fetchall()
            rows = [row for row in rows if row[0] not in store.sent_unmarked]
            for segment_id, epoch_id, items, size_bytes in rows:
                store.remove(db, [(segment_id, int(StoredLane.HEALTH), items, size_bytes)])
                store.count(db, epoch_id, thinned=items)
                store.state.thinned_unreported += items
            store.refresh_low(db)
        return bool(rows)

    def _take(self, db: sqlite3.Connection, stretch: Sequence[_Raw]) -> None:
        store = self._store
        store.remove(db, [(raw.segment_id, int(StoredLane.HEALTH), raw.items, len(raw.payload)) for raw in stretch])
        for raw in stretch:
            store.count(db, raw.epoch_id, thinned=raw.items)

    def _report(self) -> None:
        store = self._store
        now_ms = store.clock.monotonic_ms()
        due = self._reported_at_ms is None or now_ms - self._reported_at_ms >= REPORT_EVERY_MS
        if store.state.thinned_unreported and (due or not self._active):
            store.note("spool.thinned", items=store.state.thinned_unreported)
            log.warning("spool_thinned", agent=store.agent, items=store.state.thinned_unreported)
            store.state.thinned_unreported = 0
            self._reported_at_ms = now_ms
