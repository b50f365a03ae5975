"""Records arrive at least once and count exactly once, whichever agents and segments they came with."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import msgspec
import pytest

from cloud.fleet.books import read_ledger
from protocols.receipts import Outcome
from protocols.records import Answer, Record
from tests.cloud.ingest.publisher import Publisher, now_ms

pytestmark = [pytest.mark.db, pytest.mark.broker]

Make = Callable[..., Publisher]
Rows = Callable[..., list[tuple[object, ...]]]


def answer(**changes: object) -> Record:
    values: dict[str, object] = {
        "record_id": secrets.token_hex(16),
        "observed_at_ms": now_ms(),
        "accepted_at_ms": now_ms(),
        "monotonic_ms": time.monotonic_ns() // 1_000_000,
        "subject": "p-0a1b",
        "lesson": "s01-c01-3",
        "fact": Answer(question="q-1", response="B", correct=True),
    }
    return Record(**(values | changes))  # type: ignore[arg-type]


def deliver(agent: Publisher, *records: Record) -> None:
    segment = agent.seal([], records=list(records))
    agent.publish(segment)
    assert agent.wait_for_receipts(segment) == [(Outcome.STORED, "")]


@pytest.mark.usefixtures("worker")
def test_a_record_is_stored_with_its_fact_and_counted(publisher: Make, rows: Rows, inventory: str) -> None:
    record = answer()
    deliver(publisher(), record)
    assert rows("SELECT record_id, type, subject, outcome, fact FROM records") == [
        (
            record.record_id,
            "answer",
            "p-0a1b",
            "stored",
            {"type": "answer", "question": "q-1", "response": "B", "correct": True},
        )
    ]
    assert rows("SELECT stored_items, stored_events FROM agent_epochs") == [(1, 0)]
    total = read_ledger(inventory).total
    assert (total.produced, total.stored, total.lost, total.duplicated) == (1, 1, 0, 0)


@pytest.mark.usefixtures("worker")
def test_one_id_from_two_agents_and_twice_in_a_segment_counts_once(publisher: Make, rows: Rows) -> None:
    record = answer()
    # The agents' own times differ; what the client said does not.
    again = msgspec.structs.replace(record, accepted_at_ms=record.accepted_at_ms + 5_000)
    deliver(publisher("s01-a1"), record, again)
    deliver(publisher("s01-a2"), again)
    assert rows("SELECT outcome, count(*) FROM records GROUP BY 1 ORDER BY 1") == [("duplicate", 2), ("stored", 1)]


@pytest.mark.usefixtures("worker")
def test_another_content_under_a_known_id_is_kept_as_a_conflict(publisher: Make, rows: Rows) -> None:
    record = answer()
    agent = publisher()
    deliver(agent, record)
    deliver(agent, msgspec.structs.replace(record, fact=Answer(question="q-1", response="C")))
    found = rows("SELECT outcome, fact ->> 'response' FROM records ORDER BY outcome")
    assert found == [("conflict", "C"), ("stored", "B")]


@pytest.mark.usefixtures("worker")
def test_a_segment_that_comes_again_adds_no_record(publisher: Make, rows: Rows) -> None:
    agent = publisher()
    segment = agent.seal([], records=[answer()])
    for _ in range(3):
        agent.publish(segment)
    assert agent.wait_for_receipts(segment) == [(Outcome.STORED, "")]
    follower = agent.seal([], records=[answer()])
    agent.publish(follower)
    agent.wait_for_receipts(follower)
    assert rows("SELECT count(*) FROM records") == [(2,)]
