"""Looking into a spool file from outside, read-only, whether or not its agent runs. For people; nothing is repaired."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from msgspec import Struct

from edge_agent.spool.errors import SpoolUnwritable, translate
from edge_agent.spool.values import StoredLane
from protocols.segments import Books


class EpochBooks(Struct, frozen=True, kw_only=True):
    """One epoch's books; `current` is the one that is written."""

    epoch: str
    current: bool
    next_seq: int
    books: Books


class LaneContent(Struct, frozen=True, kw_only=True):
    """What is held of one stored lane (health travels as live or backlog)."""

    lane: str
    segments: int
    items: int
    size_bytes: int
    oldest_at_ms: int | None = None
    newest_at_ms: int | None = None


class SetAside(Struct, frozen=True, kw_only=True):
    """A segment that cannot be delivered, kept for people."""

    epoch: str
    seq: int
    lane: str
    items: int
    reason: str
    set_aside_at_ms: int


class SpoolContent(Struct, frozen=True, kw_only=True):
    """A spool file at one moment."""

    path: str
    agent: str
    session: int
    epochs: list[EpochBooks]
    lanes: list[LaneContent]
    set_aside: list[SetAside]
    damaged_files: list[str]
    file_bytes: int
    wal_bytes: int
    last_receipt_at_ms: int | None = None
    skew_seconds: float | None = None


class HeldBooks(Struct, frozen=True, kw_only=True):
    """One epoch's books of an agent, with the items of each held segment by its seq."""

    agent: str
    epoch: EpochBooks
    held: dict[int, int]


def inspect_spool(path: Path) -> SpoolContent:
    """Read a spool file.

    Raises:
        SpoolError: it is not there, is not a spool, or cannot be read.
    """
    with _opened(path) as db:
        return _read(db, path)


def read_held(path: Path) -> list[HeldBooks]:
    """Read every epoch's books and which segments it holds, all of one moment: what closes the ledger exactly.

    Raises:
        SpoolError: it is not there, is not a spool, or cannot be read.
    """
    with _opened(path) as db:
        agent, epoch_id, *_ = _only_row(db, path)
        return [
            HeldBooks(
                agent=agent,
                epoch=epoch,
                held=dict(db.execute("SELECT seq, items FROM segments WHERE epoch_id = ?", (one_id,)).fetchall()),
            )
            for one_id, epoch in _epochs(db, epoch_id)
        ]


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.is_file():
        raise SpoolUnwritable(f"there is no spool at {path}")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=10)) as db:
            # One transaction, so that books and segments are of one moment while the agent goes on writing.
            db.execute("BEGIN")
            yield db
    except sqlite3.Error as error:
        raise translate(error) from error


def _only_row(db: sqlite3.Connection, path: Path) -> tuple[str, int, int, int | None, float | None]:
    row = db.execute("SELECT agent, epoch_id, session, last_receipt_at_ms, skew_seconds FROM spool").fetchone()
    if row is None:
        raise SpoolUnwritable(f"the spool at {path} has not been begun")
    agent, epoch_id, session, last_receipt_at_ms, skew_seconds = row
    return agent, epoch_id, session, last_receipt_at_ms, skew_seconds


def _epochs(db: sqlite3.Connection, current_id: int) -> list[tuple[int, EpochBooks]]:
    held = dict(db.execute("SELECT epoch_id, SUM(items) FROM segments GROUP BY epoch_id").fetchall())
    return [
        (
            one_id,
            EpochBooks(
                epoch=epoch,
                current=one_id == current_id,
                next_seq=next_seq,
                books=Books(
                    produced_items=produced,
                    confirmed_items=confirmed,
                    rejected_items=rejected,
                    thinned_items=thinned,
                    damaged_items=damaged,
                    held_items=held.get(one_id, 0),
                ),
            ),
        )
        for one_id, epoch, next_seq, produced, confirmed, rejected, thinned, damaged in db.execute(
            "SELECT epoch_id, epoch, next_seq, produced_items, confirmed_items, rejected_items, thinned_items,"
            " damaged_items FROM epochs ORDER BY epoch_id"
        )
    ]


def _read(db: sqlite3.Connection, path: Path) -> SpoolContent:
    agent, epoch_id, session, last_receipt_at_ms, skew_seconds = _only_row(db, path)
    epochs = [epoch for _, epoch in _epochs(db, epoch_id)]
    lanes = [
        LaneContent(
            lane=StoredLane(lane).name.lower(),
            segments=segments,
            items=items,
            size_bytes=size_bytes,
            oldest_at_ms=oldest,
            newest_at_ms=newest,
        )
        for lane, segments, items, size_bytes, oldest, newest in db.execute(
            "SELECT lane, COUNT(*), SUM(items), SUM(LENGTH(payload)), MIN(sealed_at_ms), MAX(sealed_at_ms)"
            " FROM segments GROUP BY lane ORDER BY lane"
        )
    ]
    set_aside = [
        SetAside(
            epoch=epoch, seq=seq, lane=StoredLane(lane).name.lower(), items=items, reason=reason, set_aside_at_ms=at_ms
        )
        for epoch, seq, lane, items, reason, at_ms in db.execute(
            "SELECT epoch, seq, lane, items, reason, set_aside_at_ms FROM set_aside JOIN epochs USING (epoch_id)"
            " ORDER BY set_aside_at_ms"
        )
    ]
    log = path.with_name(path.name + "-wal")
    return SpoolContent(
        path=str(path),
        agent=agent,
        session=session,
        epochs=epochs,
        lanes=lanes,
        set_aside=set_aside,
        damaged_files=sorted(one.name for one in path.parent.glob(f"{path.name}.damaged-*")),
        file_bytes=path.stat().st_size,
        wal_bytes=log.stat().st_size if log.exists() else 0,
        last_receipt_at_ms=last_receipt_at_ms,
        skew_seconds=skew_seconds,
    )
