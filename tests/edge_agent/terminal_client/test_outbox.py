"""What a pupil made is on the terminal's disk until an agent has it."""

from __future__ import annotations

import secrets
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge_agent.terminal_client.outbox import Outbox
from protocols.records import Answer, RecordBody


def record(at_ms: int = 1) -> RecordBody:
    return RecordBody(
        record_id=secrets.token_hex(16), observed_at_ms=at_ms, subject="p-1", fact=Answer(question="q", response="A")
    )


class OutboxMachine(RuleBasedStateMachine):
    """The outbox beside a list that cannot forget."""

    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.path = self.folder / secrets.token_hex(8) / "outbox.db"
        self.outbox = Outbox(self.path)
        self.waiting: list[RecordBody] = []
        self.refused: list[str] = []

    @rule(at_ms=st.integers(0, 1000))
    def make(self, at_ms: int) -> None:
        one = record(at_ms)
        self.outbox.add(one)
        self.outbox.add(one)
        self.waiting.append(one)

    @precondition(lambda self: self.waiting)
    @rule(count=st.integers(1, 3))
    def send(self, count: int) -> None:
        gone, self.waiting = self.waiting[:count], self.waiting[count:]
        self.outbox.sent([one.record_id for one in gone])

    @precondition(lambda self: self.waiting)
    @rule()
    def refuse(self) -> None:
        one = self.waiting.pop(0)
        self.outbox.refuse(one.record_id, "no")
        self.refused.append(one.record_id)

    @rule()
    def lose_power(self) -> None:
        self.outbox.close()
        self.outbox = Outbox(self.path)

    @invariant()
    def everything_is_there(self) -> None:
        assert self.outbox.oldest(1000) == self.waiting
        assert [one.record.record_id for one in self.outbox.refused()] == self.refused
        said = self.outbox.waiting()
        assert (said.unsent, said.refused) == (len(self.waiting), len(self.refused))
        assert said.oldest_at_ms == min((one.observed_at_ms for one in self.waiting), default=None)

    def teardown(self) -> None:
        self.outbox.close()


def test_nothing_is_lost_whatever_happens(tmp_path: Path) -> None:
    OutboxMachine.folder = tmp_path
    case = OutboxMachine.TestCase
    case.settings = settings(max_examples=15, stateful_step_count=12, deadline=None)
    case().runTest()
