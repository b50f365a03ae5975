"""At least once in, exactly once in effect: duplicates, reordering, conflicts, strangers and hostile bytes."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable

import msgspec
import psycopg
import pytest
import zstandard

from cloud.fleet.books import read_ledger
from cloud.ingest.replay import replay, replay_known_agents
from protocols.codec import JSON, MAX_PAYLOAD_BYTES, encode, encode_json
from protocols.events import Event
from protocols.receipts import Outcome
from protocols.samples import HostSample, Kind, LinkSample, Sample, TerminalSample, Vantage
from protocols.segments import Books
from protocols.topics import Lane
from tests.cloud.ingest.publisher import Publisher, now_ms, until_rows

pytestmark = [pytest.mark.db, pytest.mark.broker]

Make = Callable[..., Publisher]
Rows = Callable[..., list[tuple[object, ...]]]


def monotonic_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def terminals(count: int, **metrics: object) -> list[Sample]:
    return [
        TerminalSample(
            thing=f"s01-t{number:04d}",
            observed_at_ms=now_ms(),
            monotonic_ms=monotonic_ms(),
            present=True,
            **metrics,  # type: ignore[arg-type]
        )
        for number in range(count)
    ]


def refuse_version(dsn: str, version: str) -> None:
    """Have the database refuse a row that is good by the wire's own rules."""
    with psycopg.connect(dsn) as connection:
        connection.execute(f"ALTER TABLE terminal_samples ADD CHECK (app_version <> '{version}')".encode())


def event(**changes: object) -> Event:
    values: dict[str, object] = {
        "event_id": secrets.token_hex(16),
        "type": "port.changed",
        "kind": Kind.PORT,
        "thing": "s01-sw01/GigabitEthernet0/0/1",
        "observed_at_ms": now_ms(),
        "monotonic_ms": monotonic_ms(),
        "attributes": {"oper_up": False, "previous": "up"},
    }
    return Event(**(values | changes))  # type: ignore[arg-type]


@pytest.mark.usefixtures("worker")
def test_a_segment_is_stored_with_its_events_and_receipted(publisher: Make, rows: Rows) -> None:
    agent = publisher()
    segment = agent.seal(terminals(3, battery_ratio=0.5, app_version="1.2"), [event()])
    agent.publish(segment)
    assert agent.wait_for_receipts(segment) == [(Outcome.STORED, "")]
    assert rows("SELECT count(*), max(battery_ratio), max(app_version) FROM terminal_samples") == [(3, 0.5, "1.2")]
    assert rows("SELECT type, attributes FROM events") == [("port.changed", {"oper_up": False, "previous": "up"})]
    assert rows("SELECT stored_items, stored_events, high_seq FROM agent_epochs") == [(4, 1, 1)]
    assert rows("SELECT count(*) FROM terminal_current") == [(3,)]
    assert agent.credits[-1] >= 1


@pytest.mark.usefixtures("worker")
def test_plain_json_of_the_same_schema_is_accepted(publisher: Make, rows: Rows) -> None:
    agent = publisher()
    segment = agent.seal(terminals(2))
    agent.publish_bytes(encode_json(segment), content_type=JSON)
    assert agent.wait_for_receipts(segment) == [(Outcome.STORED, "")]
    assert rows("SELECT count(*) FROM terminal_samples") == [(2,)]


@pytest.mark.usefixtures("worker")
def test_a_second_arrival_inserts_nothing_and_is_receipted_again(publisher: Make, rows: Rows) -> None:
    agent = publisher()
    segment = agent.seal(terminals(2))
    payload = encode(segment)
    agent.publish(segment)
    agent.wait_for_receipts(segment)
    agent.receipts.clear()
    agent.publish_bytes(payload)
    assert agent.wait_for_receipts(segment) == [(Outcome.DUPLICATE, "")]
    assert rows("SELECT count(*) FROM terminal_samples") == [(2,)]
    assert rows("SELECT duplicate_segments FROM agent_epochs") == [(1,)]


@pytest.mark.usefixtures("worker")
def test_segments_in_any_order_and_twice_are_stored_once_each(publisher: Make, rows: Rows) -> None:
    agent = publisher()
    segments = [agent.seal(terminals(1)) for _ in range(40)]
    payloads = [encode(segment) for segment in reversed(segments)]
    for payload in [*payloads, *payloads[::2], *reversed(payloads)]:
        agent.publish_bytes(payload, lane=Lane.BACKLOG)
    agent.wait_for_receipts(*segments)
    assert rows("SELECT count(*) FROM terminal_samples") == [(40,)]
    assert rows("SELECT stored_segments, high_seq FROM agent_epochs") == [(40, 40)]


@pytest.mark.usefixtures("worker")
def test_the_same_identity_with_other_content_is_quarantined_and_shown(publisher: Make, rows: Rows) -> None:
    agent = publisher()
    first = agent.seal(terminals(1))
    agent.publish(first)
    agent.wait_for_receipts(first)
    agent.receipts.clear()
    agent.publish_bytes(encode(msgspec.structs.replace(first, sealed_at_ms=first.sealed_at_ms + 1)))
    assert agent.wait_for_receipts(first) == [(Outcome.REJECTED, "identity_conflict")]
    assert rows("SELECT reason, epoch, seq FROM quarantine") == [("identity_conflict", first.epoch, 1)]
    assert rows("SELECT conflict_segments FROM agent_epochs") == [(1,)]
    assert rows("SELECT count(*) FROM terminal_samples") == [(1,)]


@pytest.mark.usefixtures("worker")
def test_a_seq_below_low_whose_identity_was_pruned_is_quarantined(publisher: Make, rows: Rows) -> None:
    agent = publisher()
    old, new = agent.seal(terminals(1)), agent.seal(terminals(1), low=2)
    payload = encode(old)
    agent.publish(old, new)
    agent.wait_for_receipts(old, new)
    rows("DELETE FROM segments WHERE seq = 1 RETURNING seq")
    agent.receipts.clear()
    agent.publish_bytes(payload)
    assert agent.wait_for_receipts(old) == [(Outcome.REJECTED, "below_low")]
    assert rows("SELECT count(*) FROM terminal_samples") == [(2,)]


@pytest.mark.usefixtures("worker")
def test_a_segment_of_another_agent_is_quarantined_and_only_the_sender_is_told(publisher: Make, rows: Rows) -> None:
    sender = publisher("s01-a1")
    forged = sender.seal(terminals(1), agent="s01-a2")
    sender.publish(forged)
    assert sender.wait_for_receipts(forged) == [(Outcome.REJECTED, "agent_mismatch")]
    assert rows("SELECT agent, reason FROM quarantine") == [("s01-a1", "agent_mismatch")]
    assert rows("SELECT count(*) FROM agent_epochs") == [(0,)]


@pytest.mark.usefixtures("worker")
def test_an_unknown_agent_waits_in_quarantine_until_the_inventory_names_it(
    publisher: Make, rows: Rows, inventory: str
) -> None:
    stranger = publisher("s09-gw")
    stranger.birth()
    assert stranger.wait_for_welcomes().verdict.value == "accepted"
    segment = stranger.seal(terminals(5))
    stranger.publish(segment)
    assert stranger.wait_for_receipts(segment) == [(Outcome.REJECTED, "unknown_agent")]
    assert rows("SELECT agent, host FROM unknown_agents") == [("s09-gw", "test-host")]
    rows("INSERT INTO agents (agent, position, role, school) VALUES ('s09-gw', 9, 'gateway', 's01') RETURNING agent")
    asyncio.run(replay_known_agents(inventory))  # or the leader's own turn was first: either way it is stored once
    assert rows("SELECT count(*) FROM terminal_samples") == [(5,)]
    assert rows("SELECT state FROM quarantine") == [("replayed",)]
    total = read_ledger(inventory).total
    assert (total.stored, total.quarantined, total.lost, total.duplicated) == (5, 0, 0, 0)


@pytest.mark.usefixtures("worker")
def test_a_bad_row_goes_to_quarantine_alone(publisher: Make, rows: Rows, inventory: str) -> None:
    refuse_version(inventory, "6.6.6")
    agent = publisher()
    good = [agent.seal(terminals(2)) for _ in range(7)]
    bad = agent.seal(terminals(1, app_version="6.6.6"))
    agent.publish(*good[:3], bad, *good[3:])
    assert agent.wait_for_receipts(bad) == [(Outcome.REJECTED, "bad_row")]
    assert set(agent.wait_for_receipts(*good)) == {(Outcome.STORED, "")}
    assert rows("SELECT count(*) FROM terminal_samples") == [(14,)]


@pytest.mark.usefixtures("worker")
def test_a_thing_with_an_impossible_name_harms_nobody(publisher: Make) -> None:
    agent = publisher()
    bad = agent.seal([HostSample(thing="a\0b", observed_at_ms=now_ms(), monotonic_ms=1)])
    good = agent.seal(terminals(1))
    agent.publish(bad, good)
    assert agent.wait_for_receipts(bad, good) == [(Outcome.REJECTED, "bad_schema"), (Outcome.STORED, "")]


@pytest.mark.usefixtures("worker")
def test_times_whose_sum_leaves_the_calendar_are_refused(publisher: Make) -> None:
    agent = publisher()
    sample = terminals(1)[0]
    late = msgspec.structs.replace(sample, observed_at_ms=2**52)
    segment = agent.seal([late])
    agent.publish(segment)
    assert agent.wait_for_receipts(segment) == [(Outcome.REJECTED, "time_out_of_range")]


def _bomb() -> bytes:
    return zstandard.ZstdCompressor().compress(b"\0" * 64 * 1024 * 1024)


HOSTILE = {
    "empty": b"",
    "noise": b"\x00\x01\x02 not a segment",
    "truncated": zstandard.ZstdCompressor().compress(b"x" * 1000)[:20],
    "huge": b"\x28\xb5\x2f\xfd" + b"\xff" * (MAX_PAYLOAD_BYTES + 1),
    "bomb": _bomb(),
    "wrong types": zstandard.ZstdCompressor().compress(msgspec.msgpack.encode({"agent": 1, "epoch": [], "seq": "x"})),
    "deep": zstandard.ZstdCompressor().compress(b"\x91" * 100_000),
    "not a map": zstandard.ZstdCompressor().compress(msgspec.msgpack.encode(["s01-a1"])),
}


@pytest.mark.usefixtures("worker")
def test_hostile_payloads_reach_quarantine_and_the_next_segment_is_stored(publisher: Make, rows: Rows) -> None:
    agent = publisher()
    for payload in HOSTILE.values():
        agent.publish_bytes(payload)
    agent.publish_bytes(b"{}", content_type="text/plain")
    good = agent.seal(terminals(1))
    agent.publish(good)
    assert agent.wait_for_receipts(good) == [(Outcome.STORED, "")]
    until_rows(rows, "SELECT count(*) FROM quarantine", [(len(HOSTILE) + 1,)])  # two commit side by side
    assert {row[0] for row in rows("SELECT DISTINCT reason FROM quarantine")} == {
        "bad_compression",
        "bad_schema",
        "too_large",
        "unknown_content_type",
    }


@pytest.mark.usefixtures("worker")
def test_a_readable_identity_in_an_unreadable_segment_is_told_rejected(publisher: Make) -> None:
    agent = publisher()
    raw = {"version": 9, "agent": "s01-a1", "epoch": agent.epoch, "seq": 7, "future_field": True}
    agent.publish_bytes(zstandard.ZstdCompressor().compress(msgspec.msgpack.encode(raw)))
    with agent._changed:
        assert agent._changed.wait_for(lambda: (agent.epoch, 7) in agent.receipts, 120)
    assert agent.receipts[agent.epoch, 7] == (Outcome.REJECTED, "bad_schema")


@pytest.mark.usefixtures("worker")
def test_a_replay_of_what_is_still_refused_stays_in_quarantine(publisher: Make, rows: Rows, inventory: str) -> None:
    refuse_version(inventory, "6.6.6")
    agent = publisher()
    bad = agent.seal(terminals(1, app_version="6.6.6"))
    agent.publish(bad)
    agent.wait_for_receipts(bad)
    result = asyncio.run(replay(inventory, reason="bad_row"))
    assert (result.tried, result.stored, result.refused) == (1, 0, 1)
    assert rows("SELECT state, arrivals FROM quarantine") == [("open", 2)]


@pytest.mark.usefixtures("worker")
def test_backlog_never_overwrites_newer_current_values(publisher: Make, rows: Rows) -> None:
    agent = publisher()
    now, boot = now_ms(), monotonic_ms()

    def sample(age_ms: int, **metrics: object) -> Sample:
        return LinkSample(
            thing="s01-wan",
            observed_at_ms=now - age_ms,
            monotonic_ms=boot - age_ms,
            vantage=Vantage.SCHOOL,
            **metrics,  # type: ignore[arg-type]
        )

    live = agent.seal([sample(0, in_bps=500, oper_up=True), sample(1, loss_ratio=0.0, rtt_seconds=0.002)])
    agent.publish(live)
    agent.wait_for_receipts(live)
    old = agent.seal([sample(60_000, in_bps=1), sample(50_000, loss_ratio=1.0)])
    newer_probe = agent.seal([sample(-1, loss_ratio=0.5)])
    agent.publish(old, newer_probe, lane=Lane.BACKLOG)
    agent.wait_for_receipts(old, newer_probe)
    assert rows("SELECT in_bps, oper_up, loss_ratio, rtt_seconds FROM link_current") == [(500, True, 0.5, None)]
    assert rows("SELECT count(*) FROM link_samples") == [(5,)]


@pytest.mark.usefixtures("worker")
def test_books_of_an_older_segment_do_not_replace_newer_ones(publisher: Make, rows: Rows) -> None:
    agent = publisher()
    newer = agent.seal(terminals(1), seq=5, books=Books(produced_items=50, confirmed_items=40, held_items=10))
    older = agent.seal(terminals(1), seq=2, books=Books(produced_items=20, held_items=20))
    agent.publish(newer)
    agent.wait_for_receipts(newer)
    agent.publish(older, lane=Lane.BACKLOG)
    agent.wait_for_receipts(older)
    assert rows("SELECT produced_items, confirmed_items, high_seq FROM agent_epochs") == [(50, 40, 5)]


@pytest.mark.usefixtures("worker")
def test_things_that_the_inventory_does_not_know_are_stored_and_unclaimed(publisher: Make, rows: Rows) -> None:
    agent = publisher()
    segment = agent.seal([*terminals(1), HostSample(thing="s01-a1", observed_at_ms=now_ms(), monotonic_ms=1)])
    agent.publish(segment)
    agent.wait_for_receipts(segment)
    assert rows("SELECT kind, key, claimed_at IS NULL FROM things ORDER BY kind") == [
        ("host", "s01-a1", False),
        ("terminal", "s01-t0000", True),
    ]


def test_an_import_that_retires_an_agent_sends_its_segments_to_quarantine(
    publisher: Make, rows: Rows, worker: object, inventory: str
) -> None:
    with psycopg.connect(inventory) as connection:
        connection.execute("UPDATE agents SET retired_at = now() WHERE agent = 's01-a8'")
    agent = publisher("s01-a8")
    segment = agent.seal(terminals(1))
    agent.publish(segment)
    assert agent.wait_for_receipts(segment) == [(Outcome.REJECTED, "unknown_agent")]
