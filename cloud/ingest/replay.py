"""Replay: an entry of the quarantine goes through ingest again, and leaves quarantine when it is stored.

The bytes are read with today's code and today's inventory, so an entry whose cause is gone (the agent is imported, the
schema is understood) is stored exactly once, by the same identity rule as any other arrival. What is refused again
stays in quarantine, counted as one more arrival.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psycopg

from cloud.errors import DatabaseUnavailable, QuarantineUnknown
from cloud.ingest.models import Arrival, Reading, RefusalReason
from cloud.ingest.reading import read
from cloud.ingest.store import Store
from cloud.quarantine import repository as quarantine
from cloud.quarantine.models import OpenEntry
from protocols.topics import Lane

PAGE = 200
_LANES = {lane.value for lane in Lane}
_PERHAPS_STORED = {RefusalReason.BELOW_LOW.value, RefusalReason.IDENTITY_CONFLICT.value}


@dataclass(slots=True)
class ReplayResult:
    """What became of the entries that were tried."""

    tried: int = 0
    stored: int = 0
    duplicate: int = 0
    refused: int = 0
    stored_items: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def refuse(self, reason: str) -> None:
        """Count an entry that was refused again."""
        self.refused += 1
        self.reasons[reason] = self.reasons.get(reason, 0) + 1


async def replay(
    dsn: str, *, reason: str | None = None, agent: str | None = None, quarantine_id: int | None = None
) -> ReplayResult:
    """Replay the open entries of a reason, an agent, or one entry.

    Raises:
        QuarantineUnknown: `quarantine_id` names no open entry.
        DatabaseUnavailable: in the middle; what was replayed until then is, the rest can be tried again.
    """
    result = ReplayResult()
    store = Store(dsn, connections=1)
    await store.start()
    try:
        async with _connection(dsn) as connection:
            after = 0
            while entries := await quarantine.open_entries(
                connection, reason=reason, agent=agent, quarantine_id=quarantine_id, after=after, limit=PAGE
            ):
                after = entries[-1].quarantine_id
                await _replay_page(store, entries, result)
    finally:
        await store.stop()
    if quarantine_id is not None and not result.tried:
        raise QuarantineUnknown(f"no open entry {quarantine_id}")
    return result


async def replay_known_agents(dsn: str) -> int:
    """Replay what came from agents that were unknown then and are known now; return the number of segments stored.

    Raises:
        DatabaseUnavailable: as `replay`.
    """
    async with _connection(dsn) as connection:
        agents = await quarantine.replayable_agents(connection)
    stored = 0
    for agent in agents:
        stored += (await replay(dsn, reason="unknown_agent", agent=agent)).stored
    return stored


@asynccontextmanager
async def _connection(dsn: str) -> AsyncIterator[psycopg.AsyncConnection]:
    try:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True, connect_timeout=10) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(str(error).strip()) from error


async def _replay_page(store: Store, entries: list[OpenEntry], result: ReplayResult) -> None:
    readings: list[Reading] = []
    for entry in entries:
        result.tried += 1
        if entry.lane not in _LANES:
            result.refuse(entry.reason)
            continue
        arrival = Arrival(
            agent=entry.agent,
            lane=Lane(entry.lane),
            topic=entry.topic,
            content_type=entry.content_type,
            payload=bytes(entry.payload),
            received_at_ms=int(entry.received_at.timestamp() * 1000),
            replay_of=entry.quarantine_id,
            may_lie_below_low=entry.reason not in _PERHAPS_STORED,
        )
        item = read(arrival)
        if isinstance(item, Reading):
            readings.append(item)
        else:
            result.refuse(item.reason.value)
    items = {reading.identity: reading.segment.items for reading in readings}
    committed = await store.commit(readings)
    for fate in committed.fates:
        if fate.outcome == "stored":
            result.stored += 1
            result.stored_items += items[fate.agent, fate.epoch, fate.seq]
        elif fate.outcome == "duplicate":
            result.duplicate += 1
        else:
            result.refuse(fate.reason)
