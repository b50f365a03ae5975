"""Stores records as ingest does, and a service that only notes what it is given."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from cloud.db.pool import Pool
from cloud.records.consuming import Refusal, StoredRecord
from cloud.records.models import Arrived
from cloud.records.writing import store
from protocols.records import Answer, AnyFact, Record

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def record_of(fact: AnyFact, *, at: datetime | None = None, **envelope: Any) -> Record:
    """Return a record with a random id."""
    at_ms = round((at or datetime.now(UTC)).timestamp() * 1000)
    values = {"record_id": secrets.token_hex(16), "subject": "p-1", "school_class": "s01-g3c1"} | envelope
    return Record(observed_at_ms=at_ms, accepted_at_ms=at_ms, monotonic_ms=1, fact=fact, **values)


def answers(count: int, response: str = "A") -> list[Record]:
    """Return so many answers."""
    return [record_of(Answer(question=f"q-{number}", response=response)) for number in range(count)]


async def store_in(
    connection: psycopg.AsyncConnection,
    records: Sequence[Record],
    agent: str = "s01-gw",
    received: Mapping[str, datetime] | None = None,
) -> None:
    """Store records inside the caller's transaction, each received when `received` says, else when it was made."""
    row = await (await connection.execute("SELECT agent_id FROM agents WHERE agent = %s", [agent])).fetchone()
    assert row is not None
    arrivals = []
    for record in records:
        made_at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=record.observed_at_ms)
        received_at = (received or {}).get(record.record_id, made_at)
        made, came = ((at - EPOCH) // timedelta(microseconds=1) for at in (made_at, received_at))
        arrivals.append(Arrived(record, row[0], made, made, made, came))
    async with connection.cursor() as cursor:
        await store(cursor, arrivals)


async def store_records(pool: Pool, records: Sequence[Record], agent: str = "s01-gw") -> list[str]:
    """Store records in a transaction; return their ids."""
    async with pool.connection() as connection, connection.transaction():
        await store_in(connection, records, agent)
    return [record.record_id for record in records]


class NotingService:
    """Writes the id of what it takes into its table, with no unique key: a record taken twice is there twice."""

    def __init__(self, name: str = "noting") -> None:
        self._name = name
        self.refuses: Collection[str] = ()
        self.batches = 0

    @property
    def name(self) -> str:
        """The consumer's name."""
        return self._name

    @property
    def types(self) -> Collection[str]:
        """Answers only."""
        return ("answer",)

    async def take(self, connection: psycopg.AsyncConnection, records: Sequence[StoredRecord]) -> list[Refusal]:
        """Note what comes; refuse, or break on, what the test says by its response."""
        self.batches += 1
        refusals = []
        for record in records:
            assert isinstance(record.fact, Answer)
            match record.fact.response:
                case "not a number":
                    await connection.execute("SELECT %s::integer", [record.fact.response])
                case "break":
                    raise KeyError(record.fact.response)
            if record.fact.response in self.refuses:
                refusals.append(Refusal(record.record_id, "unwanted", "the test does not want it"))
            else:
                await connection.execute("INSERT INTO noted (record_id) VALUES (%s)", [record.record_id])
        return refusals
