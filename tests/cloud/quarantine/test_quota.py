"""Whose refused bytes are kept, and whose are not; against the real table."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
import structlog

from cloud.quarantine import repository
from cloud.quarantine.models import NewEntry
from cloud.quarantine.quota import LEAST_BYTES, LOOK_AGAIN_SECONDS, Quota
from protocols.segments import content_hash

pytestmark = pytest.mark.db


def entry(number: int, *, agent: str = "s01-a1", size_bytes: int = 10, reason: str = "bad_schema") -> NewEntry:
    payload = b"%d".ljust(size_bytes) % number
    return NewEntry(
        agent=agent,
        topic=f"bw/1/{agent}/up/live",
        lane="live",
        content_type="t",
        reason=reason,
        detail="",
        epoch=None,
        seq=None,
        items=None,
        content_hash=content_hash(payload),
        payload=payload,
        received_at=datetime.now(UTC),
    )


async def keep(dsn: str, quota: Quota, *entries: NewEntry) -> list[bool]:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        cursor = connection.cursor()
        admitted = await quota.admit(cursor, entries)
        await repository.insert(cursor, [one for one, kept in zip(entries, admitted, strict=True) if kept])
    return admitted


async def test_every_agent_has_its_own_room_and_small_entries_count_for_more(database: str) -> None:
    quota = Quota(3 * LEAST_BYTES)
    big = [entry(1, size_bytes=2 * LEAST_BYTES), entry(2, size_bytes=2 * LEAST_BYTES)]
    assert await keep(database, quota, *big, entry(1, agent="s01-a2")) == [True, False, True]
    other = [entry(number, agent="s01-a2") for number in (2, 3, 4)]
    assert await keep(database, quota, *other) == [True, True, False]
    assert await keep(database, quota) == []


async def test_what_is_kept_already_is_admitted_again_and_the_same_bytes_count_once(database: str) -> None:
    quota = Quota(2 * LEAST_BYTES)
    assert await keep(database, quota, entry(1), entry(1), entry(2), entry(2), entry(3)) == [True] * 4 + [False]
    assert await keep(database, quota, entry(1), entry(3), entry(2)) == [True, False, True]
    assert await keep(database, quota, entry(1, reason="bad_row")) == [False]


async def test_an_agent_without_room_is_told_of_once_and_looked_at_again(database: str) -> None:
    time = 0.0
    quota = Quota(LEAST_BYTES, monotonic=lambda: time)
    with structlog.testing.capture_logs() as said:
        assert await keep(database, quota, entry(1), entry(2)) == [True, False]
        with psycopg.connect(database) as connection:
            connection.execute("UPDATE quarantine SET state = 'replayed'")
        assert await keep(database, quota, entry(2)) == [False]
        time = LOOK_AGAIN_SECONDS
        assert await keep(database, quota, entry(2)) == [True]
        assert await keep(database, quota, entry(3)) == [False]
    assert [line["event"] for line in said] == ["quarantine_full", "quarantine_has_room", "quarantine_full"]
