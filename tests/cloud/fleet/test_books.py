"""The ledger's arithmetic: each way an item can go has its column, and what went no way is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cloud.fleet.books import LedgerLine, SpoolBooks, close_line
from protocols.segments import Books

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
COUNTS = st.integers(0, 10_000)


def _row(**counts: Any) -> dict[str, Any]:
    names = ("stored", "duplicate_segments", "conflict_segments", "produced", "confirmed", "rejected", "thinned")
    more = ("damaged", "held", "quarantined", "replayed")
    reported = {"agent": "s07-gw", "epoch": "0" * 16, "reported_at": NOW - timedelta(seconds=20)}
    return {**dict.fromkeys((*names, *more), 0), **reported, **counts}


def _spool(held: dict[int, int], **books: int) -> SpoolBooks:
    counted = Books(**{f"{name}_items": count for name, count in books.items()}, held_items=sum(held.values()))
    return SpoolBooks(agent="s07-gw", epoch="0" * 16, next_seq=100, books=counted, held=held)


def _close(row: dict[str, Any], spool: SpoolBooks | None = None, taken: tuple[int, ...] = ()) -> LedgerLine:
    return close_line(row, spool, taken=taken, stored_since=0, at=NOW)


@given(stored=COUNTS, held=COUNTS, thinned=COUNTS, damaged=COUNTS, rejected=COUNTS, lost=COUNTS)
def test_with_the_spool_at_hand_the_books_are_exact(
    stored: int, held: int, thinned: int, damaged: int, rejected: int, lost: int
) -> None:
    produced = stored + held + thinned + damaged + rejected + lost
    spool = _spool({7: held}, produced=produced, thinned=thinned, damaged=damaged, rejected=rejected)
    line = _close(_row(stored=stored, quarantined=rejected), spool)
    assert (line.stored, line.held, line.thinned, line.damaged, line.quarantined, line.lost) == (
        stored, held, thinned, damaged, rejected, lost
    )  # fmt: skip
    assert line.exact
    assert line.surplus == 0


def test_what_is_stored_but_not_yet_receipted_counts_once() -> None:
    spool = _spool({8: 10, 9: 5}, produced=100)
    line = _close(_row(stored=95), spool, taken=(8,))
    assert (line.stored, line.held, line.lost, line.surplus) == (95, 5, 0, 0)


def test_without_the_spool_what_the_agent_saw_confirmed_and_nobody_has_is_lost() -> None:
    line = _close(_row(produced=100, confirmed=90, stored=84))
    assert (line.held, line.lost, line.exact, line.report_age_seconds) == (10, 6, False, 20.0)


def test_without_the_spool_what_was_not_confirmed_yet_is_held() -> None:
    line = _close(_row(produced=100, confirmed=60, stored=70, thinned=5))
    assert (line.held, line.lost) == (25, 0)


def test_items_of_an_agent_that_the_inventory_does_not_know_were_produced() -> None:
    line = _close(_row(agent="stranger", reported_at=None, quarantined=145))
    assert (line.produced, line.quarantined, line.lost, line.held) == (145, 145, 0, 0)


def test_a_replayed_segment_is_not_quarantined_any_more() -> None:
    line = _close(_row(produced=10, confirmed=4, rejected=6, stored=10, replayed=6))
    assert (line.stored, line.quarantined, line.lost) == (10, 0, 0)
