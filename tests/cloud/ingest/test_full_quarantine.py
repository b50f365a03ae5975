"""What one agent may have in quarantine: beyond it nothing is kept, nothing is receipted, and nothing is lost."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterator

import psycopg
import pytest

from cloud.ingest.replay import replay_known_agents
from cloud.quarantine.quota import LEAST_BYTES
from ops.embedded import EmbeddedMosquitto
from protocols.receipts import Outcome
from protocols.samples import TerminalSample
from protocols.segments import Segment
from protocols.topics import status_topic
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
