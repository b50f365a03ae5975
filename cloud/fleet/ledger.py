"""The ledger's writing side: what a batch adds to the books of each agent and epoch.

The cloud's own counts (stored, duplicate, conflict) are added up; the agent's books are replaced by newer ones. What is
in quarantine is not counted here: the entries themselves are the count.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection, AsyncCursor

from cloud.db.queries import Queries
from protocols.segments import Books, Segment

QUERIES = Queries(Path(__file__).with_name("queries.sql"))

_TYPES = ["int4", "text", "int8", "int8", "int8", "int8", *["int8"] * 5, "int8", *["int8"] * 6, "int8"]


@dataclass(slots=True)
class EpochAddition:
    """What one batch adds to one epoch; times in microseconds since 2000."""

    agent_id: int
    epoch: str
    received_at: int
    high_seq: int = 0
    low: int = 1
    stored_segments: int = 0
    stored_items: int = 0
    stored_events: int = 0
    duplicate_segments: int = 0
    conflict_segments: int = 0
    newest_observed_at: int | None = None
    books: Books = field(default_factory=Books)
    reported_at: int | None = None

    def report(self, books: Books, received_at: int) -> None:
        """Take the agent's books if they are further than those held."""
        if self.reported_at is None or _progress(books) >= _progress(self.books):
            self.books = books
            self.reported_at = received_at

    def store(self, segment: Segment, newest_observed_at: int | None) -> None:
        """Count a segment that this batch stores."""
        self.high_seq = max(self.high_seq, segment.seq)
        self.low = max(self.low, segment.low)
        self.stored_segments += 1
        self.stored_items += segment.items
        self.stored_events += len(segment.events)
        if newest_observed_at is not None:
            self.newest_observed_at = max(self.newest_observed_at or newest_observed_at, newest_observed_at)


def _progress(books: Books) -> tuple[int, int]:
    settled = books.confirmed_items + books.rejected_items + books.thinned_items + books.damaged_items
    return books.produced_items, settled


async def prepare(connection: AsyncConnection) -> None:
    """Make the stage of a connection; once per connection."""
    await connection.execute(QUERIES["stage_epochs"])


async def add(cursor: AsyncCursor[Any], additions: Iterable[EpochAddition]) -> None:
    """Add a batch to the ledger, inside its transaction."""
    async with cursor.copy(QUERIES["copy_epochs"]) as copy:
        copy.set_types(_TYPES)
        for line in additions:
            books = line.books
            await copy.write_row(
                (
                    line.agent_id,
                    line.epoch,
                    line.received_at,
                    line.received_at,
                    line.high_seq,
                    line.low,
                    line.stored_segments,
                    line.stored_items,
                    line.stored_events,
                    line.duplicate_segments,
                    line.conflict_segments,
                    line.newest_observed_at,
                    books.produced_items,
                    books.confirmed_items,
                    books.rejected_items,
                    books.thinned_items,
                    books.damaged_items,
                    books.held_items,
                    line.reported_at,
                )
            )
    await cursor.execute(QUERIES["merge_epochs"])
