"""What is shown, after confirmation and outside quiet times."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cloud.status.models import (
    AgentEvidence,
    Judgement,
    LinkEvidence,
    Settled,
    Snapshot,
    StatusKind,
    StatusWord,
    VantageEvidence,
)
from cloud.status.settling import Hearing, evaluate, settle

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def says(word: StatusWord, *, silent: bool = False) -> Judgement:
    return Judgement(word, "test", {}, silent)


UP = Settled(StatusWord.UP, START, "test")
DOWN = Settled(StatusWord.DOWN, START, "test")


def test_bad_news_of_a_link_needs_two_looks_a_third_of_a_second_apart() -> None:
    first = settle(UP, says(StatusWord.DOWN), at(10), quiet=False)
    assert first is not None
    assert (first.status, first.candidate) == (StatusWord.UP, StatusWord.DOWN)
    assert settle(first, says(StatusWord.DOWN), at(10.2), quiet=False) == first
    confirmed = settle(first, says(StatusWord.DOWN), at(10.3), quiet=False)
    assert confirmed == Settled(StatusWord.DOWN, at(10.3), "test")


def test_one_bad_look_among_good_ones_changes_nothing() -> None:
    shown: Settled | None = UP
    for second in range(60):
        word = StatusWord.DOWN if second % 2 else StatusWord.UP
        shown = settle(shown, says(word), at(second), quiet=False)
        assert shown is not None
        assert shown.status is StatusWord.UP


def test_good_news_is_shown_after_two_seconds() -> None:
    shown: Settled | None = DOWN
    for second, expected in ((0, StatusWord.DOWN), (1, StatusWord.DOWN), (2, StatusWord.UP)):
        shown = settle(shown, says(StatusWord.UP), at(second), quiet=False)
        assert shown is not None
        assert shown.status is expected


def test_silence_changes_nothing_in_quiet_times_but_says_unknown_of_what_was_never_shown() -> None:
    assert settle(UP, says(StatusWord.UNKNOWN, silent=True), at(5), quiet=True) == UP
    new = settle(None, says(StatusWord.UNKNOWN, silent=True), at(5), quiet=True)
    assert new is not None
    assert new.status is StatusWord.UNKNOWN


def test_evidence_counts_in_quiet_times() -> None:
    first = settle(UP, says(StatusWord.DOWN), at(5), quiet=True)
    second = settle(first, says(StatusWord.DOWN), at(6), quiet=True)
    assert second is not None
    assert second.status is StatusWord.DOWN


def test_the_minute_after_the_start_is_quiet() -> None:
    hearing = Hearing.begin(START)
    for second in range(60):
        hearing = hearing.listen(at(second), at(second))
        assert hearing.is_quiet(at(second))
    assert not hearing.listen(at(60), at(60)).is_quiet(at(60))


def test_while_nobody_is_heard_silence_does_not_count_and_not_for_a_minute_after() -> None:
    hearing = Hearing.begin(START)
    for second in range(100):
        hearing = hearing.listen(at(second), at(second))
    assert not hearing.is_quiet(at(100))
    assert hearing.is_quiet(at(99 + 36))
    assert hearing.is_quiet(at(99 + 119))
    assert not hearing.is_quiet(at(99 + 121)), "after two minutes of deafness, unknown is the honest word"
    for second in range(300, 360):
        hearing = hearing.listen(at(second), at(second))
        assert hearing.is_quiet(at(second))
    assert not hearing.listen(at(360), at(360)).is_quiet(at(360))


words = st.sampled_from((StatusWord.UP, StatusWord.DEGRADED, StatusWord.DOWN, StatusWord.UNKNOWN))
judgements = st.none() | st.builds(Judgement, words, st.just("test"), st.just({}), st.booleans())
steps = st.lists(st.tuples(st.floats(min_value=0.4, max_value=5), judgements, st.booleans()), max_size=60)


@given(steps)
def test_a_shown_status_is_always_one_that_was_judged_and_its_time_never_goes_back(
    walk: list[tuple[float, Judgement | None, bool]],
) -> None:
    shown: Settled | None = None
    seconds, judged = 0.0, set()
    for pause, judgement, quiet in walk:
        seconds += pause
        if judgement is not None:
            judged.add(judgement.status)
        before, shown = shown, settle(shown, judgement, at(seconds), quiet=quiet)
        if shown is None:
            assert not judged
            continue
        assert shown.status in judged
        assert shown.since <= at(seconds)
        if before is not None and before.status is shown.status:
            assert shown.since == before.since
        if before is not None and before.status is not shown.status:
            assert shown.since == at(seconds)
            assert judgement is not None
            assert shown.status is judgement.status


@given(words, words, st.floats(min_value=0.4, max_value=1.0))
def test_whatever_holds_long_enough_is_shown(before: StatusWord, word: StatusWord, pause: float) -> None:
    shown: Settled | None = Settled(before, START, "test")
    for number in range(40):
        shown = settle(shown, says(word), at(number * pause), quiet=False)
    assert shown is not None
    assert (shown.status, shown.candidate) == (word, None)


def good(seconds: float) -> VantageEvidence:
    return VantageEvidence(counters_at=at(seconds), oper_up=True, probes_at=at(seconds), loss_ratio=0.0)


def test_a_cut_link_takes_its_school_with_it_and_brings_it_back_without_anyone_being_called_down() -> None:
    """The cut at second 10, wills at 40, the repair at 100, agents back at 130; the centre probes every 5 seconds."""
    board: dict[tuple[StatusKind, str], Settled] = {}
    seen: dict[str, list[StatusWord]] = {"s01-wan": [], "s01-gw": [], "s01-c01": []}
    for second in range(240):
        dead = 10 <= second < 100
        looked = second - second % 5
        centre = replace(good(looked), loss_ratio=1.0 if 10 <= looked < 100 else 0.0)
        school = good(min(looked, 9) if dead else looked)
        gone = 40 <= second < 130
        heard = 9 if 10 <= second < 130 else second
        agents = tuple(
            AgentEvidence(key, kind, "s01-wan", at(heard), at(40) if gone else None)
            for key, kind in (("s01-gw", StatusKind.GATEWAY), ("s01-c01", StatusKind.CLASSROOM))
        )
        snapshot = Snapshot(at(second), at(second), (LinkEvidence("s01-wan", school, centre),), agents)
        board, changes = evaluate(snapshot, board, quiet=False)
        for change in changes:
            if change.key in seen:
                seen[change.key].append(change.status)
    assert seen["s01-wan"] == [StatusWord.UP, StatusWord.DOWN, StatusWord.UP]
    for agent in ("s01-gw", "s01-c01"):
        assert seen[agent] == [StatusWord.UP, StatusWord.UNREACHABLE, StatusWord.UP]
