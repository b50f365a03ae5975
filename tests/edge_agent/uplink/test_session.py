"""The session's decisions, without a socket and without a clock."""

from __future__ import annotations

import itertools
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from edge_agent.errors import Retry
from edge_agent.uplink.session import Action, Close, Connect, PublishStatus, RestartEpoch, Session, Subscribe
from edge_agent.uplink.values import Loss, Phase, Timing
from protocols.receipts import Verdict, Welcome

TIMING = Timing()
MOST = 120.0


def _session() -> Session:
    return Session(Random(1), TIMING, MOST)


def _welcome(session: int, verdict: Verdict = Verdict.ACCEPTED, detail: str = "") -> Welcome:
    return Welcome(agent="s07-gw", session=session, verdict=verdict, cloud_time_ms=1, credit=4, detail=detail)


def _joining(session: Session, number: int = 7) -> float:
    """Bring a session to where it waits for its welcome."""
    assert session.start(0.0) == [Connect()]
    session.number(number)
    assert session.connected(1.0) == [Subscribe()]
    assert session.subscribed(2.0) == [PublishStatus()]
    return 2.0


def _sending(session: Session) -> float:
    now = _joining(session)
    assert session.welcomed(now, _welcome(7)) == []
    assert session.phase is Phase.SENDING
    return now


def test_it_connects_subscribes_is_born_and_waits_for_its_welcome() -> None:
    session = _session()
    _joining(session)
    assert session.phase is Phase.JOINING
    assert "welcome" in session.reason


def test_it_is_born_again_with_growing_pauses_until_welcomed() -> None:
    session = _session()
    _joining(session)
    times = []
    for _ in range(12):
        at = session.next_at()
        assert at is not None
        assert session.tick(at) == [PublishStatus()]
        times.append(at)
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert max(pauses) <= TIMING.birth_most + TIMING.birth_first
    assert max(pauses[6:]) > max(pauses[:3])


def test_a_welcome_to_an_earlier_session_is_past_news() -> None:
    session = _session()
    _joining(session)
    assert session.welcomed(3.0, _welcome(6)) == []
    assert session.phase is Phase.JOINING


def test_while_sending_it_says_every_half_minute_that_it_lives() -> None:
    session = _session()
    now = _sending(session)
    beats = 0
    while now < 400:
        at = session.next_at()
        assert at is not None
        now = at
        beats += session.tick(now) == [PublishStatus()]
    assert 13 <= beats <= 15


def test_a_duplicate_disconnects_cleanly_shows_it_and_asks_again_at_the_longest_interval() -> None:
    session = _session()
    now = _joining(session)
    actions = session.welcomed(now, _welcome(7, Verdict.DUPLICATE_AGENT, "s07-gw is online from 10.7.0.2"))
    assert actions == [Close(clean=True)]
    assert (session.phase, session.reason) == (Phase.REFUSED, "s07-gw is online from 10.7.0.2")
    at = session.next_at()
    assert at is not None
    assert MOST / 2 <= at - now <= MOST
    assert session.lost(now, Loss("closed")) == []
    assert session.tick(at) == [Connect()]


def test_an_old_copy_begins_a_new_epoch_and_is_born_in_a_new_session() -> None:
    session = _session()
    now = _joining(session)
    assert session.welcomed(now, _welcome(7, Verdict.RESTART_EPOCH)) == [RestartEpoch()]
    assert session.epoch_restarted(now) == [Close(clean=True), Connect()]


def test_a_centre_that_keeps_asking_for_new_epochs_is_left_alone_for_a_while() -> None:
    session = _session()
    session.start(0.0)
    actions: list[Action] = []
    for number in range(1, 6):
        session.number(number)
        session.connected(1.0)
        session.subscribed(2.0)
        actions = session.welcomed(3.0, _welcome(number, Verdict.RESTART_EPOCH))
        if actions != [RestartEpoch()]:
            break
        session.epoch_restarted(4.0)
    assert actions == [Close(clean=False)]
    assert session.phase is Phase.WAITING


@pytest.mark.parametrize("retry", [Retry.MAX_BACKOFF, Retry.NEVER])
def test_what_only_a_person_can_mend_waits_longest(retry: Retry) -> None:
    session = _session()
    session.start(0.0)
    session.lost(1.0, Loss("the broker refuses our user name or password", retry))
    at = session.next_at()
    assert at is not None
    assert at - 1.0 >= MOST / 2
    assert session.reason == "the broker refuses our user name or password"


def test_reconnecting_backs_off_with_full_jitter_and_begins_anew_after_a_success() -> None:
    session = _session()
    now, waits = 0.0, []
    session.start(now)
    for _ in range(40):
        session.lost(now, Loss("no"))
        at = session.next_at()
        assert at is not None
        waits.append(at - now)
        now = at
        assert session.tick(now) == [Connect()]
    assert all(wait <= min(MOST, 2**n) for n, wait in enumerate(waits))
    assert min(waits[10:]) < MOST / 4
    assert max(waits[10:]) > MOST / 2
    session.number(7)
    session.connected(now)
    session.subscribed(now)
    session.welcomed(now, _welcome(7))
    session.lost(now, Loss("no"))
    at = session.next_at()
    assert at is not None
    assert at - now <= TIMING.reconnect_first


def test_a_broker_that_does_not_answer_is_given_up() -> None:
    session = _session()
    session.start(0.0)
    assert session.tick(TIMING.connect - 0.1) == []
    assert session.tick(TIMING.connect) == [Close(clean=False)]
    assert session.phase is Phase.WAITING


def test_a_half_open_line_is_noticed_by_the_missing_puback() -> None:
    session = _session()
    now = _sending(session)
    assert session.tick(now + 1, unacked_since=now) == []
    assert session.tick(now + TIMING.puback, unacked_since=now) == [Close(clean=False)]
    assert "half-open" in session.reason


def test_a_centre_without_receipts_is_asked_again_in_a_new_session() -> None:
    session = _session()
    now = _sending(session)
    while now < TIMING.receipt:
        now += 10
        actions = session.tick(now, in_flight_since=2.0)
    assert actions == [Close(clean=False)]
    assert "no receipts" in session.reason


def test_a_centre_that_receipts_is_never_given_up() -> None:
    session = _session()
    now = _sending(session)
    while now < 10 * TIMING.receipt:
        now += 10
        session.progressed(now)
        assert Close(clean=False) not in session.tick(now, in_flight_since=2.0)


class AnythingHappens(RuleBasedStateMachine):
    """In whatever order things happen, the session never gets stuck and never sends before it was accepted."""

    @initialize(seed=st.integers(0, 1000))
    def begin(self, seed: int) -> None:
        self.session = Session(Random(seed), TIMING, MOST)
        self.now = 0.0
        self.number = 0
        self.open = False
        self.accepted = False
        self._do(self.session.start(self.now))

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Connect):
                self.number += 1
                self.session.number(self.number)
                self.open, self.accepted = True, False
            elif isinstance(action, Close):
                self.open = self.accepted = False
            elif isinstance(action, RestartEpoch):
                self._do(self.session.epoch_restarted(self.now))
            else:
                assert self.open, f"{action} without a connection"

    @rule(seconds=st.floats(0, 200))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        self._do(self.session.tick(self.now))

    @rule()
    def connected(self) -> None:
        if self.open:
            self._do(self.session.connected(self.now))

    @rule()
    def subscribed(self) -> None:
        if self.open:
            self._do(self.session.subscribed(self.now))

    @rule(verdict=st.sampled_from(list(Verdict)), late=st.booleans())
    def welcomed(self, verdict: Verdict, late: bool) -> None:
        number = self.number - late
        sending = self.session.phase is Phase.SENDING
        self._do(self.session.welcomed(self.now, _welcome(number, verdict)))
        if verdict is Verdict.ACCEPTED and not late:
            self.accepted = self.session.phase is Phase.SENDING
        elif not sending:
            assert self.session.phase is not Phase.SENDING

    @rule(retry=st.sampled_from(list(Retry)))
    def lost(self, retry: Retry) -> None:
        if self.open:
            self._do(self.session.lost(self.now, Loss("lost", retry)))
            self.open = self.accepted = False

    @invariant()
    def only_the_accepted_send(self) -> None:
        assert (self.session.phase is Phase.SENDING) <= self.accepted

    @invariant()
    def it_never_waits_for_nothing(self) -> None:
        assert self.session.next_at() is not None
        assert self.session.phase is not Phase.STOPPED

    @invariant()
    def a_reason_is_always_shown(self) -> None:
        assert self.session.reason


TestAnythingHappens = AnythingHappens.TestCase
TestAnythingHappens.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
