"""One page per cause, one when it is over, whatever happens in between and however often anybody looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.errors import ConfigError
from cloud.incidents.models import IncidentKind, IncidentState, Severity
from cloud.notifications import plan_file
from cloud.notifications.models import Case
from cloud.notifications.planning import CALM, HOLD, OVER, digest_since, due

ZONE = ZoneInfo("Asia/Shanghai")
EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "notifications.toml"
PLAN = plan_file.load(EXAMPLE)
OPENED = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
"""A Tuesday, ten in the morning at school: `first` is on duty."""
CASE = Case(7, IncidentKind.OUTAGE, IncidentState.OPEN, Severity.P1, OPENED, None, acknowledged=False)


def told(case: Case, after: timedelta) -> list[tuple[str, str]]:
    return [(one.step, one.contact.name) for one in due(PLAN, [case], OPENED + after, ZONE)]


def test_a_page_waits_for_a_better_explanation_and_goes_to_who_is_on_duty() -> None:
    assert told(CASE, HOLD - timedelta(seconds=1)) == []
    assert told(CASE, HOLD) == [("page 1", "first")]
    assert told(replace(CASE, told=frozenset({("page 1", "first")})), HOLD) == []


def test_when_nobody_takes_note_the_next_step_is_told_and_nobody_twice() -> None:
    paged = replace(CASE, told=frozenset({("page 1", "first")}))
    assert told(paged, timedelta(minutes=15) + HOLD) == [("page 2", "second")]
    assert told(replace(paged, acknowledged=True), timedelta(hours=1)) == []


def test_quiet_hours_hold_back_what_they_do_not_let_through() -> None:
    night = replace(CASE, opened_at=datetime(2026, 11, 24, 15, 0, tzinfo=UTC))  # eleven at night
    at = night.opened_at + HOLD
    assert [one.contact.name for one in due(PLAN, [night], at, ZONE)] == ["first"], "P1 passes"
    held = replace(night, severity=Severity.P2)
    assert due(PLAN, [held], at, ZONE) == []
    morning = datetime(2026, 11, 24, 22, 30, tzinfo=UTC)
    assert {one.contact.name for one in due(PLAN, [held], morning, ZONE)} >= {"first"}


def test_blind_spots_and_small_things_are_for_the_digest() -> None:
    assert told(replace(CASE, kind=IncidentKind.BLIND_SPOT), timedelta(hours=2)) == []
    assert told(replace(CASE, severity=Severity.P3), timedelta(hours=2)) == []


def test_the_end_is_told_once_it_lasts_and_only_to_those_who_were_paged() -> None:
    ended = replace(CASE, state=IncidentState.RESOLVED, resolved_at=OPENED + timedelta(minutes=9))
    assert told(ended, timedelta(minutes=20)) == []
    paged = replace(ended, told=frozenset({("page 1", "first")}))
    assert told(paged, timedelta(minutes=10)) == []
    assert told(paged, timedelta(minutes=9) + CALM) == [(OVER, "first")]
    assert told(replace(paged, told=paged.told | {(OVER, "first")}), timedelta(minutes=20)) == []
    assert told(replace(paged, state=IncidentState.MERGED), timedelta(minutes=20)) == []


def test_the_rota_turns_on_mondays_and_gives_way_to_overrides() -> None:
    rota = PLAN.rotas["network"]
    days = {date(2026, 11, 23): "first", date(2026, 11, 29): "first", date(2026, 11, 30): "second"}
    assert {day: rota.on_duty(day) for day in days} == days
    assert rota.on_duty(date(2026, 12, 1)) == "second"
    assert rota.on_duty(date(2026, 12, 8)) == "first"


def test_a_digest_is_due_at_its_times_and_once() -> None:
    evening = datetime(2026, 11, 24, 17, 30, tzinfo=ZONE)
    assert digest_since(PLAN, evening - timedelta(hours=1), evening, ZONE) == evening
    assert digest_since(PLAN, evening, evening + timedelta(hours=1), ZONE) is None


@given(
    st.lists(
        st.tuples(
            st.integers(1, 60),
            st.sampled_from(list(Severity)),
            st.sampled_from([IncidentState.OPEN, IncidentState.RESOLVED]),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_nobody_is_told_a_step_twice_and_never_more_than_twice_of_one_cause(walk) -> None:
    case, now = CASE, OPENED
    messages: list[tuple[str, str]] = []
    for minutes, severity, state, acknowledged in walk:
        now += timedelta(minutes=minutes)
        over = state is IncidentState.RESOLVED
        resolved_at = (case.resolved_at or now) if over else None
        case = replace(case, severity=severity, state=state, resolved_at=resolved_at, acknowledged=acknowledged)
        for one in due(PLAN, [case], now, ZONE):
            messages.append((one.step, one.contact.name))
            case = replace(case, told=case.told | {messages[-1]})
    for name in PLAN.contacts:
        pages = [step for step, who in messages if who == name and step.startswith("page")]
        ends = [step for step, who in messages if who == name and step == OVER]
        assert len(pages) <= 1
        assert len(ends) <= len(pages)


def test_every_problem_of_a_file_is_told_at_once_and_no_address_with_it() -> None:
    text = """
    [[contacts]]
    name = "rota:x"
    urls = ["nonsense", "also bad"]
    quiet_from = "late"
    tongue = "zh"
    [[rotas]]
    name = "network"
    begins_on = "monday"
    contacts = ["nobody"]
    [[policies]]
    severities = ["p9"]
    [digest]
    at = ["7"]
    """
    with pytest.raises(ConfigError) as refused:
        plan_file.parse(text, "notifications.toml")
    said = "\n".join(refused.value.problems)
    for part in ("contacts 1.name", "contacts 1.urls", "quiet_from", "quiet_until", "'tongue'", "begins_on", "p9",
                 "policies 1.steps", "digest.at", "digest.to", "'nobody'"):  # fmt: skip
        assert part in said, said
    assert "example:" in said
    assert "also bad" not in said


def test_turns_of_a_rota_are_weeks_with_single_days_given_away() -> None:
    turns = PLAN.rotas["network"].turns(date(2026, 11, 27), 10)
    assert [(turn.contact, turn.first.day, turn.last.day) for turn in turns] == [("first", 27, 29), ("second", 30, 6)]
    assert PLAN.rotas["network"].turns(date(2026, 12, 8), 1)[0].contact == "first"
