"""What goes next, what is in flight, and who is to blame when the broker hangs up."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.spool import Identity
from edge_agent.uplink.backoff import Backoff
from edge_agent.uplink.skew import Skew
from edge_agent.uplink.suspects import CAREFUL_PASSES, Suspects
from edge_agent.uplink.values import Loss, Timing
from edge_agent.uplink.window import HANDED_MOST, Window
from protocols.topics import Lane

TIMING = Timing()


def _id(seq: int) -> Identity:
    return Identity("0" * 16, seq)


def _window(credit: int = 8) -> Window:
    window = Window(TIMING)
    window.grant(credit)
    return window


def _waiting(**lanes: int) -> dict[Lane, int]:
    return {lane: lanes.get(lane.value, 0) for lane in Lane}


def test_events_then_records_then_live_lead_and_backlog_follows() -> None:
    chosen = _window(100).choose(_waiting(events=50, records=50, live=50, backlog=50), 33)
    assert chosen[0] is Lane.EVENTS
    assert Counter(chosen) == {Lane.EVENTS: 16, Lane.RECORDS: 8, Lane.LIVE: 8, Lane.BACKLOG: 1}


def test_no_lane_starves_in_the_long_run() -> None:
    window = _window(1000)
    chosen = [window.choose(_waiting(events=1, records=1, live=1, backlog=1), 1)[0] for _ in range(330)]
    assert min(Counter(chosen).values()) >= 10


def test_a_lane_alone_has_it_all_but_backlog_leaves_some_credit_for_the_present() -> None:
    assert _window(8).choose(_waiting(live=20), 8) == [Lane.LIVE] * 8
    assert _window(8).choose(_waiting(backlog=20), 8) == [Lane.BACKLOG] * 6
    assert _window(1).choose(_waiting(backlog=20), 1) == [Lane.BACKLOG]


@given(st.dictionaries(st.sampled_from(list(Lane)), st.integers(0, 40)), st.integers(0, 50), st.integers(1, 64))
def test_never_more_is_chosen_than_waits_or_than_may_go(waiting: dict[Lane, int], limit: int, credit: int) -> None:
    waiting = {lane: waiting.get(lane, 0) for lane in Lane}
    chosen = Counter(_window(credit).choose(waiting, limit))
    assert chosen.total() <= limit
    assert all(chosen[lane] <= waiting[lane] for lane in Lane)


def test_room_is_bounded_by_credit_and_by_what_the_client_holds() -> None:
    window = _window(64)
    for seq in range(1, HANDED_MOST + 1):
        assert window.room() > 0
        window.sent(_id(seq), Lane.LIVE, 0.0)
    assert window.room() == 0
    window.acked(_id(1))
    assert window.room() == 1
    window.grant(4)
    assert window.room() == 0
    for seq in range(1, HANDED_MOST + 1):
        window.receipted(_id(seq))
    assert window.room() == 4


def test_the_brokers_receive_maximum_is_kept() -> None:
    window = _window(64)
    window.limit_handed(3)
    assert window.room() == 3


def test_a_lost_receipt_is_resent_with_growing_pauses() -> None:
    window, now, waits = _window(), 0.0, []
    for _ in range(8):
        window.sent(_id(1), Lane.EVENTS, now)
        assert window.next_due() is None, "what the broker has not taken is not overdue"
        window.acked(_id(1))
        due = window.next_due()
        assert due is not None
        assert window.give_up_waiting(due - 0.01) == 0
        assert window.give_up_waiting(due) == 1
        assert _id(1) not in window.in_flight
        waits.append(due - now)
        now = due
    assert waits == [15, 30, 60, 120, 240, 240, 240, 240]


def test_a_new_session_sends_all_that_is_unreceipted_again() -> None:
    window = _window()
    assert not window.sent(_id(1), Lane.EVENTS, 0.0)
    window.clear()
    assert window.in_flight == {}.keys()
    assert window.room() == 8


def test_backoff_stays_within_its_ceiling_and_spreads() -> None:
    backoff = Backoff(Random(3), 1.0, 60.0)
    waits = [backoff.next_seconds() for _ in range(2000)]
    assert max(waits) <= 60.0
    assert all(0 <= wait <= 2**n for n, wait in enumerate(waits[:6]))
    assert sum(wait < 30 for wait in waits[10:]) > 800
    backoff.reset()
    assert backoff.next_seconds() <= 1.0


def test_skew_takes_the_fastest_message_and_follows_a_jump_of_the_wall_clock_at_once() -> None:
    skew = Skew()
    assert skew.seconds(0, 0) is None
    for delay_ms in (400, 30, 900):
        skew.heard(cloud_time_ms=1_000_000 - delay_ms, monotonic_ms=5_000)
    assert skew.seconds(wall_ms=1_002_000, monotonic_ms=5_000) == 2.03
    assert skew.seconds(wall_ms=1_062_000, monotonic_ms=5_000) == 62.03


CLOSED = Loss("connection lost", by_broker=True)
TOO_LARGE = Loss("packet too large", by_broker=True, too_large=True)


def test_a_message_the_broker_calls_too_large_is_convicted_after_a_few_lonely_tries() -> None:
    suspects = Suspects()
    verdicts = [suspects.lost([_id(1)], TOO_LARGE) for _ in range(5)]
    assert verdicts == [None, None, None, None, _id(1)]
    assert not suspects.careful


def test_a_connection_that_merely_closes_convicts_only_after_many() -> None:
    suspects = Suspects()
    assert [suspects.lost([_id(1)], CLOSED) for _ in range(20)].index(_id(1)) == 19


def test_a_line_that_ends_every_connection_at_its_first_segment_costs_no_more_than_three() -> None:
    suspects = Suspects()
    assert [suspects.lost([_id(seq)], CLOSED) for seq in range(1, 9) for _ in range(30)].count(None) == 8 * 30 - 3
    assert suspects.lost([_id(9)], CLOSED) is None
    suspects.passed(_id(9))
    assert [suspects.lost([_id(10)], CLOSED) for _ in range(20)][-1] == _id(10)


def test_one_puback_clears_a_segment_however_often_the_line_flapped() -> None:
    suspects = Suspects()
    for _ in range(100):
        for _ in range(4):
            assert suspects.lost([_id(1)], TOO_LARGE) is None
        suspects.passed(_id(1))


def test_a_line_that_goes_silent_blames_nobody() -> None:
    suspects = Suspects()
    for _ in range(100):
        assert suspects.lost([_id(1)], Loss("keepalive")) is None
    assert not suspects.careful


def test_after_a_loss_with_several_under_way_they_go_one_by_one_until_the_air_is_clear() -> None:
    suspects = Suspects()
    assert suspects.lost([_id(1), _id(2)], TOO_LARGE) is None
    assert suspects.careful
    assert suspects.known == frozenset()
    for seq in range(CAREFUL_PASSES):
        assert suspects.careful
        suspects.passed(_id(seq))
    assert not suspects.careful
