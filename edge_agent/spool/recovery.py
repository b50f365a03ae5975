"""When the spool file itself is damaged: set it aside, begin a new one, carry over whatever can still be read.

The damaged file is renamed and kept. Segments whose checksum holds move to the new file under their old identity, so
that the cloud recognises those it has; what the old books say was held and could not be read is counted as damaged in
the old epoch. The new file always begins a new epoch: the old one's last seqs may be among what was lost.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from edge_agent.spool.ledger import segment_key
from edge_agent.spool.sealing import checksum
from edge_agent.spool.store import Store

log = structlog.get_logger(__name__)

_SUFFIXES = ("", "-wal", "-shm")
_GIVE_UP_AFTER = 100_000
"""Unreadable ids in a row after which the rest of a damaged table is taken for lost."""


@dataclass(frozen=True, slots=True)
class Salvage:
    """What came over. `lost_items` is None when the old books could not be read."""

    segments: int
    items: int
    lost_items: int | None


def begin_anew(store: Store, reason: str) -> Path:
    """Set the store's file aside, begin a new one and carry over what is readable; return where the old one went.

    The lock is held throughout. Raises SpoolUnwritable or SpoolFull when the disk does not allow even that.
    """
    path = store.file.path
    store.file.close()
    set_aside = _rename(path, store.clock.wall_ms())
    store.file.open()
    store.load()
    salvage = _salvage(set_aside, store)
    store.note(
        "spool.damaged",
        file=set_aside.name,
        reason=reason[:200],
        items=salvage.lost_items,
        carried_over_items=salvage.items,
    )
    with store.transaction() as db:
        store.insert_notes(db)
    log.error(
        "spool_file_set_aside",
        agent=store.agent,
        file=str(set_aside),
        reason=reason,
        lost_items=salvage.lost_items,
        carried_over_items=salvage.items,
    )
    return set_aside


def _rename(path: Path, now_ms: int) -> Path:
    target = path.with_name(f"{path.name}.damaged-{now_ms}")
    while target.exists():
        now_ms += 1
        target = path.with_name(f"{path.name}.damaged-{now_ms}")
    for suffix in _SUFFIXES:
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(target.with_name(target.name + suffix))
    return target


def _salvage(damaged: Path, store: Store) -> Salvage:
    try:
        old = sqlite3.connect(damaged, isolation_level=None)
    except sqlite3.Error:
        return Salvage(0, 0, None)
    try:
        return _carry_over(old, store)
    finally:
        old.close()


def _carry_over(old: sqlite3.Connection, store: Store) -> Salvage:
    epochs = _read_epochs(old, store)
    if epochs is None:
        return Salvage(0, 0, None)
    new_ids: dict[int, int] = {}
    carried = dict.fromkeys(epochs, 0)
    segments = 0
    with store.transaction() as db:
        for epoch_id, (epoch, *counts) in epochs.items():
            cursor = db.execute(
                "INSERT INTO epochs (epoch, next_seq, sent_seq, produced_items, confirmed_items, rejected_items,"
                " thinned_items, damaged_items) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (epoch, *counts),
            )
            new_ids[epoch_id] = int(cursor.lastrowid or 0)
        for row in _readable_segments(old, {epoch_id: counts[0] for epoch_id, (_, *counts) in epochs.items()}):
            _, epoch_id, seq, lane, items, *_, stored_checksum, payload = row
            if checksum(epochs[epoch_id][0], seq, lane, items, payload) != stored_checksum:
                continue
            db.execute(
                "INSERT INTO segments (segment_id, epoch_id, seq, lane, items, aggregate, sent, boot, sealed_at_ms,"
                " sealed_monotonic_ms, checksum, payload) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (segment_key(new_ids[epoch_id], seq), new_ids[epoch_id], *row[2:]),
            )
            carried[epoch_id] += items
            segments += 1
        lost = 0
        for epoch_id, (_, _, _, produced, *gone) in epochs.items():
            missing = produced - sum(gone) - carried[epoch_id]
            store.count(db, new_ids[epoch_id], damaged=missing)
            lost += missing
        session = _session_of(old)
        db.execute("UPDATE spool SET session = MAX(session, ?)", (session,))
        store.begin_newest_epoch(db)
    store.reload()
    return Salvage(segments, sum(carried.values()), lost)


def _read_epochs(old: sqlite3.Connection, store: Store) -> dict[int, tuple[Any, ...]] | None:
    try:
        (agent,) = old.execute("SELECT agent FROM spool").fetchone()
        if agent != store.agent:
            return None
        rows = old.execute(
            "SELECT epoch_id, epoch, next_seq, sent_seq, produced_items, confirmed_items, rejected_items,"
            " thinned_items, damaged_items FROM epochs"
        ).fetchall()
    except (sqlite3.Error, TypeError):
        return None
    return {row[0]: row[1:] for row in rows}


def _session_of(old: sqlite3.Connection) -> int:
    try:
        return int(old.execute("SELECT session FROM spool").fetchone()[0])
    except sqlite3.Error:
        return 0


def _readable_segments(old: sqlite3.Connection, next_seqs: dict[int, int]) -> Iterator[tuple[Any, ...]]:
    """Yield every row that can be read, epoch by epoch, stepping over those that cannot."""
    for epoch_id, next_seq in next_seqs.items():
        passed, end, unreadable = segment_key(epoch_id, 0), segment_key(epoch_id, next_seq), 0
        while passed < end and unreadable < _GIVE_UP_AFTER:
            try:
                row = old.execute(
                    "SELECT segment_id, epoch_id, seq, lane, items, aggregate, sent, boot, sealed_at_ms,"
                    " sealed_monotonic_ms, checksum, payload FROM segments WHERE segment_id > ? AND segment_id < ?"
                    " ORDER BY segment_id LIMIT 1",
                    (passed, end),
                ).fetchone()
            except sqlite3.Error:
                passed += 1
                unreadable += 1
                continue
            if row is None:
                break
            passed, unreadable = row[0], 0
            yield row
