"""Births, heartbeats and wills through a real broker."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest

from protocols.codec import encode
from protocols.receipts import Verdict
from protocols.samples import HostSample
from protocols.segments import Books
from protocols.status import LaneHeld, Presence, Status
from protocols.topics import Lane, status_topic
from tests.cloud.ingest.publisher import Publisher, now_ms, until_rows

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.usefixtures("worker")]

Make = Callable[..., Publisher]
Rows = Callable[..., list[tuple[object, ...]]]

PRESENCE = "SELECT presence, session, instance FROM agent_presence"


def held(agent: Publisher) -> None:
    """Wait until the cloud has handled what this agent published so far: statuses of one agent keep their order."""
    count = len(agent.welcomes)
    agent.birth()
    agent.wait_for_welcomes(count + 1)


def test_a_birth_is_welcomed_and_kept_with_what_it_says(publisher: Make, rows: Rows) -> None:
    agent = publisher()
    lanes = [LaneHeld(lane=Lane.BACKLOG, segments=3, items=70, size_bytes=900, oldest_at_ms=now_ms() - 60_000)]
    agent.birth(held=lanes, books=Books(produced_items=100, confirmed_items=30, held_items=70), skew_seconds=-1.5)
    welcome = agent.wait_for_welcomes()
    assert (welcome.verdict, welcome.session, welcome.high_seq) == (Verdict.ACCEPTED, 1, 0)
    assert welcome.credit >= 1
    assert abs(welcome.cloud_time_ms - now_ms()) < 60_000
    assert rows(PRESENCE) == [("online", 1, agent.instance)]
    assert rows("SELECT held_segments, held_items, skew_seconds, host FROM agent_presence") == [
        (3, 70, -1.5, "test-host")
    ]
    assert rows("SELECT lane, held_items FROM agent_lanes") == [("backlog", 70)]
    assert rows("SELECT produced_items, held_items, stored_items FROM agent_epochs") == [(100, 70, 0)]
    assert rows("SELECT boot FROM agent_boots") == [(agent.boot,)]


def test_a_will_marks_its_own_session_offline(publisher: Make, rows: Rows) -> None:
    agent = publisher()
    held(agent)
    agent.die()
    witness = publisher("s01-a2")
    held(witness)
    until_rows(rows, "SELECT presence FROM agent_presence ORDER BY agent_id", [("offline",), ("online",)])
    assert rows(f"{PRESENCE} ORDER BY agent_id") == [
        ("offline", 1, agent.instance),
        ("online", 1, witness.instance),
    ]


def test_a_will_that_fires_late_cannot_mark_a_newer_session_offline(publisher: Make, rows: Rows) -> None:
    agent = publisher()
    held(agent)
    agent.session = 2
    held(agent)
    late = Status(agent=agent.agent, presence=Presence.OFFLINE, session=1, instance=agent.instance)
    agent._client.publish(status_topic(agent.agent), encode(late), qos=1)
    held(agent)
    assert rows(PRESENCE) == [("online", 2, agent.instance)]


def test_a_second_process_with_the_id_is_refused_visibly(publisher: Make, rows: Rows) -> None:
    first = publisher()
    held(first)
    second = publisher(session=9)
    second.birth(host="other-host")
    welcome = second.wait_for_welcomes()
    while welcome.session != 9:  # both listen to the same topic
        welcome = second.wait_for_welcomes(len(second.welcomes) + 1)
    assert welcome.verdict is Verdict.DUPLICATE_AGENT
    assert welcome.detail
    assert rows("SELECT presence, instance, duplicate_instance, duplicate_host FROM agent_presence") == [
        ("online", first.instance, second.instance, "other-host")
    ]


def test_an_old_copy_of_a_spool_is_told_to_restart_its_epoch(publisher: Make, rows: Rows) -> None:
    agent = publisher()
    held(agent)
    segments = [agent.seal([HostSample(thing="s01-a1", observed_at_ms=now_ms(), monotonic_ms=1)]) for _ in range(3)]
    agent.publish(*segments)
    agent.wait_for_receipts(*segments)
    agent.session, agent.seq = 2, 1
    agent.birth()
    welcome = agent.wait_for_welcomes(2)
    assert (welcome.verdict, welcome.high_seq) == (Verdict.RESTART_EPOCH, 3)
    agent.birth()  # the same birth again must not slip through because the session is known by now
    assert agent.wait_for_welcomes(3).verdict is Verdict.RESTART_EPOCH
    agent.epoch, agent.seq = secrets.token_hex(8), 0
    agent.birth()
    assert agent.wait_for_welcomes(4).verdict is Verdict.ACCEPTED


def test_a_status_that_cannot_be_read_is_quarantined_and_the_next_is_handled(publisher: Make, rows: Rows) -> None:
    agent = publisher()
    agent._client.publish(status_topic(agent.agent), b"\xffnoise", qos=1)
    forged = Status(agent="s01-a2", presence=Presence.ONLINE, session=1, instance=agent.instance)
    agent._client.publish(status_topic(agent.agent), encode(forged), qos=1)
    # A few such counts added up are more than PostgreSQL's bigint holds, and the district had no overview any more.
    agent.birth(held=[LaneHeld(lane=Lane.LIVE, segments=1, items=2**62, size_bytes=1)])
    agent.birth(books=Books(held_items=2**62, thinned_items=2**62, damaged_items=2**62))
    held(agent)
    # A second process is refused with the host it names, and this one the database cannot hold.
    second = Status(agent=agent.agent, presence=Presence.ONLINE, session=9, instance="f" * 16, host="\0")
    agent._client.publish(status_topic(agent.agent), encode(second), qos=1)
    held(agent)
    assert sorted(str(row[0]) for row in rows("SELECT reason FROM quarantine")) == [
        "agent_mismatch",
        "bad_compression",
        "bad_row",
        "bad_schema",
        "bad_schema",
    ]
    assert rows(PRESENCE) == [("online", 1, agent.instance)]
