"""Who is there: the presence engine as scenarios and under random check-ins."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.terminals.presence import Changed, Findings, Presence, Remembered
from edge_agent.terminals.values import CheckIn, CheckInBody, PresenceRules, TooManyTerminals

RULES = PresenceRules()
GONE_MS = RULES.absent_after_ms


def run(presence: Presence, until_ms: int, now_ms: int) -> list[Findings]:
    """Advance as the agent does: whenever something is due."""
    found = []
    while (due_ms := max(presence.next_due_ms(), now_ms)) <= until_ms:
        now_ms = due_ms
        found.append(presence.advance(now_ms))
    return found


def changes(found: list[Findings]) -> list[Changed]:
    return [change for findings in found for change in findings.changes]


def test_a_terminal_is_absent_after_three_missed_checkins_and_grace():
    presence = Presence(RULES, 0)
    presence.check_in(CheckIn("t1"), 1_000)
    assert changes(run(presence, 1_000 + GONE_MS - 1, 1_000)) == []
    assert changes(run(presence, 1_000 + GONE_MS, 1_000)) == [Changed("t1", False, GONE_MS)]
    assert (presence.known(), presence.present()) == (1, 0)


def test_the_first_sight_is_a_sample_and_no_event():
    findings = Presence(RULES, 0).check_in(CheckIn("t1", CheckInBody(battery_ratio=0.5)), 1_000)
    assert findings.changes == ()
    assert [(one.terminal, one.present, one.body.battery_ratio) for one in findings.observations] == [("t1", True, 0.5)]


def test_a_terminal_that_comes_back_is_told_at_once_with_its_silence():
    presence = Presence(RULES, 0)
    presence.check_in(CheckIn("t1"), 0)
    run(presence, 600_000, 0)
    findings = presence.check_in(CheckIn("t1"), 700_000)
    assert findings.changes == (Changed("t1", True, 700_000),)
    assert [one.present for one in findings.observations] == [True]
    assert presence.check_in(CheckIn("t1"), 730_000) == Findings()


def test_seven_hundred_terminals_are_sampled_once_in_five_minutes_and_never_all_in_one_second():
    presence = Presence(RULES, 0)
    terminals = [f"s07-t{number:04}" for number in range(700)]
    times: list[tuple[int, str]] = []
    now_ms = 0
    for now_ms in range(0, 900_000, 1_000):
        if now_ms % 30_000 == 0:
            for terminal in terminals:
                presence.check_in(CheckIn(terminal), now_ms)
        for one in presence.advance(now_ms).observations:
            times.append((now_ms, one.terminal))
    settled = [(at, terminal) for at, terminal in times if 300_000 <= at < 900_000]
    assert Counter(terminal for _, terminal in settled) == dict.fromkeys(terminals, 2)
    assert max(Counter(at for at, _ in settled).values()) < 20


def test_facts_that_somebody_acts_on_are_told_at_once_and_do_not_flap():
    presence = Presence(RULES, 0)
    presence.check_in(CheckIn("t1", CheckInBody(battery_ratio=0.30, wifi_rssi_dbm=-60)), 0)

    def news(**facts: object) -> bool:
        return bool(presence.check_in(CheckIn("t1", CheckInBody(**facts)), 1_000).observations)  # type: ignore[arg-type]

    assert not news(battery_ratio=0.21, wifi_rssi_dbm=-74)
    assert news(battery_ratio=0.19, wifi_rssi_dbm=-74)
    assert not news(battery_ratio=0.21, wifi_rssi_dbm=-74)
    assert not news(battery_ratio=0.19, wifi_rssi_dbm=-74)
    assert news(battery_ratio=0.26, wifi_rssi_dbm=-76)
    assert not news(battery_ratio=0.26, wifi_rssi_dbm=-71)
    assert news(battery_ratio=0.26, wifi_rssi_dbm=-60)
    assert news(battery_ratio=0.26, wifi_rssi_dbm=-60, charging=True)
    assert news(battery_ratio=0.26, wifi_rssi_dbm=-60, charging=True, content_token="v2")


def test_a_restart_tells_of_no_change_for_those_who_stay():
    before = Presence(RULES, 0)
    for number in range(700):
        before.check_in(CheckIn(f"t{number}"), 0)
    after = Presence(RULES, 5_000, remembered=before.to_remember(0))
    found = [after.check_in(CheckIn(f"t{number}"), 5_000 + number * 40) for number in range(700)]
    assert changes(found) == []
    assert sum(len(findings.observations) for findings in found) == 0
    assert changes(run(after, 5_000 + GONE_MS - 1, 5_000)) == []
    assert after.present() == 700


def test_a_restart_still_finds_out_who_left_and_who_came_back_meanwhile():
    remembered = [Remembered("left", True, "s07-c03"), Remembered("returns", False), Remembered("stays away", False)]
    after = Presence(RULES, 0, remembered=remembered)
    assert after.check_in(CheckIn("returns"), 1_000).changes == (Changed("returns", True, 1_000),)
    assert changes(run(after, GONE_MS, 0)) == [Changed("left", False, GONE_MS)]


def test_summaries_come_once_a_minute_for_each_classroom():
    presence = Presence(RULES, 0, classroom="s07-c03")
    for now_ms in (0, 30_000):
        presence.check_in(CheckIn("t1", CheckInBody(battery_ratio=0.1, wifi_rssi_dbm=-80)), now_ms)
        presence.check_in(CheckIn("t2", CheckInBody(classroom="s07-c04")), now_ms)
    found = [one for findings in run(presence, 200_000, 30_000) for one in findings.summaries]
    assert [(one.classroom, one.present, one.known, one.checkins, one.battery_low, one.wifi_weak) for one in found] == [
        ("s07-c03", 1, 1, 2, 1, 1),
        ("s07-c04", 1, 1, 2, 0, 0),
        ("s07-c03", 1, 1, 0, 1, 1),
        ("s07-c04", 1, 1, 0, 0, 0),
        ("s07-c03", 0, 1, 0, 0, 0),
        ("s07-c04", 0, 1, 0, 0, 0),
    ]


def test_an_empty_classroom_says_so():
    (summary,) = Presence(RULES, 0, classroom="s07-c03").advance(60_000).summaries
    assert (summary.classroom, summary.present, summary.known) == ("s07-c03", 0, 0)


def test_at_the_bound_the_longest_absent_is_forgotten_and_the_present_are_kept():
    rules = PresenceRules(max_terminals=2)
    presence = Presence(rules, 0)
    presence.check_in(CheckIn("old"), 0)
    run(presence, 200_000, 0)
    presence.check_in(CheckIn("there"), 200_000)
    presence.check_in(CheckIn("new"), 200_000)
    assert {one.terminal for one in presence.to_remember(0)} == {"there", "new"}
    with pytest.raises(TooManyTerminals, match="2 terminals are present, more are not taken"):
        presence.check_in(CheckIn("newer"), 200_001)
    assert presence.present() == 2


check_ins = st.lists(
    st.tuples(st.integers(0, 120_000), st.sampled_from("abcd"), st.sampled_from([None, 0.1, 0.5, 0.9])), max_size=60
)


@given(steps=check_ins, tick_ms=st.integers(1, 40_000))
@settings(max_examples=150, deadline=None)
def test_presence_is_what_the_last_checkins_say_whatever_their_order(steps, tick_ms):
    rules = PresenceRules(max_terminals=3, sample_seconds=60)
    presence = Presence(rules, 0)
    now_ms = 0
    heard: dict[str, int] = {}
    told: dict[str, bool] = {}
    for wait_ms, terminal, battery_ratio in steps:
        for at in range(now_ms + tick_ms, now_ms + wait_ms + 1, tick_ms):
            for change in presence.advance(at).changes:
                assert not change.present
                assert told[change.terminal], "absent is told once"
                assert change.silent_ms == at - heard[change.terminal] >= rules.absent_after_ms
                told[change.terminal] = False
        now_ms += wait_ms
        forgotten = {one.terminal for one in presence.to_remember(0)}
        try:
            findings = presence.check_in(CheckIn(terminal, CheckInBody(battery_ratio=battery_ratio)), now_ms)
        except TooManyTerminals:
            assert len(forgotten) == 3
            assert all(told[one] for one in forgotten)
            continue
        if terminal in forgotten:
            assert bool(findings.changes) == (not told[terminal]), "a return is told, a stay is not"
        else:
            assert findings.changes == ()
        heard[terminal] = now_ms
        told[terminal] = True
        known = {one.terminal: one.present for one in presence.to_remember(0)}
        assert known == {one: told[one] for one in known}
        assert presence.known() == len(known) <= 3
        assert presence.present() == sum(known.values())
        assert presence.next_due_ms() > 0


@given(st.lists(st.integers(0, 3_000_000), min_size=1, max_size=50))
@settings(deadline=None)
def test_the_schedule_does_not_grow_with_checkins(times):
    presence = Presence(RULES, 0)
    for now_ms in sorted(times):
        run(presence, now_ms, now_ms)
        presence.check_in(CheckIn("t1"), now_ms)
    run(presence, 5_000_000, max(times))
    assert len(presence._due) <= 2
