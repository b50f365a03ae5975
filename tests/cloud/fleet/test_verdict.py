"""Births, wills and clocks: the pure decisions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloud.fleet.boots import boot_started_at_ms
from cloud.fleet.verdict import TAKEOVER_SECONDS, KnownPresence, believes_offline, verdict_on
from protocols.receipts import Verdict
from protocols.status import Position, Presence, Status

ONE, OTHER = "1" * 16, "2" * 16
EPOCH = "e" * 16


def birth(instance: str = ONE, session: int = 1, next_seq: int = 1) -> Status:
    position = Position(epoch=EPOCH, next_seq=next_seq, low=1)
    return Status(agent="s01-gw", presence=Presence.ONLINE, session=session, instance=instance, position=position)


def known(
    instance: str = ONE, session: int = 1, presence: Presence = Presence.ONLINE, age: float = 1.0
) -> KnownPresence:
    return KnownPresence(presence, session, instance, age)


def test_a_first_birth_is_accepted() -> None:
    assert verdict_on(birth(), None, 0) is Verdict.ACCEPTED


def test_a_second_process_under_one_id_is_refused_while_the_first_is_heard() -> None:
    assert verdict_on(birth(OTHER), known(), 0) is Verdict.DUPLICATE_AGENT


def test_a_second_process_takes_over_after_the_first_has_been_silent() -> None:
    assert verdict_on(birth(OTHER), known(age=TAKEOVER_SECONDS), 0) is Verdict.ACCEPTED


def test_a_restarted_agent_is_accepted_once_its_will_came() -> None:
    assert verdict_on(birth(OTHER, 2), known(presence=Presence.OFFLINE), 0) is Verdict.ACCEPTED


def test_the_same_process_reconnects_at_once() -> None:
    assert verdict_on(birth(session=2), known(session=1), 0) is Verdict.ACCEPTED


def test_an_old_copy_of_a_spool_must_begin_a_new_epoch() -> None:
    assert verdict_on(birth(next_seq=91), None, 100) is Verdict.RESTART_EPOCH
    assert verdict_on(birth(next_seq=101), None, 100) is Verdict.ACCEPTED


@given(next_seq=st.integers(1, 1000), high_seq=st.integers(0, 1000), age=st.floats(0, 1e6))
def test_a_heartbeat_of_the_accepted_session_is_never_refused(next_seq: int, high_seq: int, age: float) -> None:
    # Segments sealed after the heartbeat may have been committed before it was read.
    assert verdict_on(birth(next_seq=next_seq), known(age=age), high_seq) is Verdict.ACCEPTED


@given(
    session=st.integers(0, 5),
    instance=st.sampled_from([ONE, OTHER]),
    known_session=st.integers(0, 5),
    presence=st.sampled_from(Presence),
)
def test_an_offline_is_believed_only_of_the_session_it_names(
    session: int, instance: str, known_session: int, presence: Presence
) -> None:
    farewell = Status(agent="s01-gw", presence=Presence.OFFLINE, session=session, instance=instance)
    believed = believes_offline(farewell, known(session=known_session, presence=presence))
    assert believed == (session == known_session and instance == ONE)
    assert not believes_offline(farewell, None)


@given(st.lists(st.integers(0, 20_000), min_size=1, max_size=200))
def test_delays_never_move_a_boot_before_its_true_zero(delays_ms: list[int]) -> None:
    zero_ms, estimate = 1_700_000_000_000, None
    for number, delay_ms in enumerate(delays_ms):
        monotonic_ms = number * 30_000
        estimate = boot_started_at_ms(estimate, zero_ms + monotonic_ms + delay_ms, monotonic_ms)
    assert estimate is not None
    assert 0 <= estimate - zero_ms <= max(delays_ms)


def test_a_slow_quartz_is_followed() -> None:
    estimate = None
    for minute in range(60 * 24 * 30):
        real_ms = minute * 60_000
        estimate = boot_started_at_ms(estimate, real_ms, int(real_ms * (1 - 50e-6)))
    assert estimate is not None
    assert abs(estimate - 60 * 24 * 30 * 60_000 * 50e-6) < 2_000
