"""What one agent may have in quarantine: beyond it nothing is kept, nothing is receipted, and nothing is lost."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg
import pytest
import structlog

from cloud.ingest.replay import replay_known_agents
from cloud.quarantine import repository
from cloud.quarantine.models import NewEntry
from cloud.quarantine.quota import LEAST_BYTES, LOOK_AGAIN_SECONDS, Quota
from ops.embedded import EmbeddedMosquitto
from protocols.receipts import Outcome
from protocols.samples import TerminalSample
from protocols.segments import Segment, content_hash
from protocols.topics import DownChannel, down_topic, status_topic
from tests.cloud.ingest.conftest import settings, start_worker
from tests.cloud.ingest.publisher import Publisher, now_ms

pytestmark = [pytest.mark.db, pytest.mark.broker]

Make = Callable[..., Publisher]
Rows = Callable[..., list[tuple[object, ...]]]

REJECTED = (Outcome.REJECTED, "unknown_agent")


def sealed(agent: Publisher) -> Segment:
    return agent.seal([TerminalSample(thing="s01-t1", observed_at_ms=now_ms(), monotonic_ms=1, present=True)])


@pytest.fixture
def worker_with_little_room(inventory: str, mosquitto: EmbeddedMosquitto) -> Iterator[None]:
    """A worker whose quarantine has room for three small segments of each agent."""
    chosen = settings(inventory, mosquitto)
    ingest = dataclasses.replace(chosen.ingest, quarantine_bytes_per_agent=3 * LEAST_BYTES)
    running = start_worker(dataclasses.replace(chosen, ingest=ingest))
    yield
    running.stop()


@pytest.mark.usefixtures("worker_with_little_room")
def test_what_has_no_room_in_quarantine_stays_with_its_agent_until_it_can_be_stored(
    publisher: Make, rows: Rows, inventory: str
) -> None:
    stranger, other = publisher("s01-new"), publisher("s01-b9")
    segments = [sealed(stranger) for _ in range(4)]
    stranger.publish(*segments[:3])
    assert stranger.wait_for_receipts(*segments[:3]) == [REJECTED] * 3
    words = len(stranger.credits)

    stranger.publish(segments[3])
    stranger.wait_for_words(words + 1)  # it is told that the centre is there, and nothing of the segment
    assert list(stranger.held) == [(stranger.epoch, 4)]
    assert rows("SELECT count(*) FROM quarantine WHERE agent = 's01-new'") == [(3,)]

    # A lost receipt is given again, and another agent has room of its own.
    stranger.held[stranger.epoch, 1] = (segments[0], b"")
    stranger.receipts.clear()
    payload = rows("SELECT payload FROM quarantine WHERE agent = 's01-new' AND seq = 1")[0][0]
    assert isinstance(payload, bytes)
    stranger.publish_bytes(payload)
    assert stranger.wait_for_receipts(segments[0]) == [REJECTED]
    segment = sealed(other)
    other.publish(segment)
    assert other.wait_for_receipts(segment) == [REJECTED]

    assert rows("SELECT count(*) FROM terminal_samples") == [(0,)]
    with psycopg.connect(inventory) as connection:
        connection.execute("INSERT INTO agents (agent, position, role) VALUES ('s01-new', 9, 'core')")
    assert asyncio.run(replay_known_agents(inventory)) == 3
    while stranger.held:
        words = len(stranger.credits)
        stranger.publish_held()
        stranger.wait_for_words(words + 1)
    assert stranger.receipts[stranger.epoch, 4] == (Outcome.STORED, "")
    assert rows("SELECT count(*) FROM terminal_samples") == [(4,)]


@pytest.mark.usefixtures("worker_with_little_room")
def test_statuses_that_cannot_be_read_do_not_fill_quarantine(publisher: Make, rows: Rows) -> None:
    agent = publisher()
    for number in range(6):
        agent._client.publish(status_topic(agent.agent), b"rubbish %d" % number, qos=1)
    agent.birth()
    agent.wait_for_welcomes()
    assert rows("SELECT count(*) FROM quarantine") == [(3,)]


def entry(number: int, *, agent: str = "s01-a1", size_bytes: int = 10, reason: str = "bad_schema") -> NewEntry:
    payload = b"%d".ljust(size_bytes) % number
    return NewEntry(
        agent=agent,
        topic=down_topic(agent, DownChannel.RECEIPT),
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


async def test_every_agent_has_its_own_room_and_small_entries_count_for_more(inventory: str) -> None:
    quota = Quota(3 * LEAST_BYTES)
    big = [entry(1, size_bytes=2 * LEAST_BYTES), entry(2, size_bytes=2 * LEAST_BYTES)]
    assert await keep(inventory, quota, *big, entry(1, agent="s01-a2")) == [True, False, True]
    other = [entry(number, agent="s01-a2") for number in (2, 3, 4)]
    assert await keep(inventory, quota, *other) == [True, True, False]
    assert await keep(inventory, quota) == []


async def test_what_is_kept_already_is_admitted_again_and_the_same_bytes_count_once(inventory: str) -> None:
    quota = Quota(2 * LEAST_BYTES)
    assert await keep(inventory, quota, entry(1), entry(1), entry(2), entry(2), entry(3)) == [True] * 4 + [False]
    assert await keep(inventory, quota, entry(1), entry(3), entry(2)) == [True, False, True]
    assert await keep(inventory, quota, entry(1, reason="bad_row")) == [False]


async def test_an_agent_without_room_is_told_of_once_and_looked_at_again(inventory: str) -> None:
    time = 0.0
    quota = Quota(LEAST_BYTES, monotonic=lambda: time)
    with structlog.testing.capture_logs() as said:
        assert await keep(inventory, quota, entry(1), entry(2)) == [True, False]
        with psycopg.connect(inventory) as connection:
            connection.execute("UPDATE quarantine SET state = 'replayed'")
        assert await keep(inventory, quota, entry(2)) == [False]
        time = LOOK_AGAIN_SECONDS
        assert await keep(inventory, quota, entry(2)) == [True]
        assert await keep(inventory, quota, entry(3)) == [False]
    assert [line["event"] for line in said] == ["quarantine_full", "quarantine_has_room", "quarantine_full"]
