"""What the evidence says of links and agents."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.status.models import AgentEvidence, LinkEvidence, Settled, StatusKind, StatusWord, Thing, VantageEvidence
from cloud.status.rules import RECONNECTING, Beside, judge_agent, judge_link

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


GOOD = VantageEvidence(
    counters_at=ago(5), oper_up=True, errors_per_second=0.0, probes_at=ago(5), loss_ratio=0.0, rtt_seconds=0.003
)
ENDED = VantageEvidence()


def link_status(word: StatusWord, since_seconds: float = 3600) -> Settled:
    return Settled(word, ago(since_seconds), "test")


@pytest.mark.parametrize(
    ("school", "centre", "status", "reason"),
    [
        (GOOD, GOOD, "up", "evidence_good"),
        (GOOD, ENDED, "up", "evidence_good"),
        (ENDED, GOOD, "up", "evidence_good"),
        (ENDED, ENDED, "unknown", "no_fresh_evidence"),
        (replace(GOOD, counters_at=ago(61), probes_at=ago(61)), ENDED, "unknown", "no_fresh_evidence"),
        (GOOD, replace(GOOD, loss_ratio=1.0), "down", "centre_probe_dead"),
        (GOOD, replace(GOOD, oper_up=False), "down", "centre_port_down"),
        (replace(GOOD, loss_ratio=1.0), ENDED, "down", "school_probe_dead"),
        (replace(GOOD, loss_ratio=1.0), GOOD, "degraded", "loss_high"),
        (replace(GOOD, oper_up=False), GOOD, "degraded", "port_down"),
        (GOOD, replace(GOOD, loss_ratio=0.05), "degraded", "loss_high"),
        (GOOD, replace(GOOD, loss_ratio=0.049), "up", "evidence_good"),
        (replace(GOOD, rtt_seconds=0.151), GOOD, "degraded", "rtt_high"),
        (replace(GOOD, errors_per_second=0.2), GOOD, "degraded", "errors"),
        (GOOD, replace(GOOD, loss_ratio=1.0, probes_at=ago(61)), "up", "evidence_good"),
        (GOOD, replace(GOOD, oper_up=False, counters_at=ago(61)), "up", "evidence_good"),
    ],
)
def test_a_link_is_judged_by_both_ends(
    school: VantageEvidence, centre: VantageEvidence, status: str, reason: str
) -> None:
    judgement = judge_link(LinkEvidence("s01-wan", school, centre), NOW)
    assert (judgement.status, judgement.reason) == (status, reason)


def test_a_time_far_ahead_of_the_clock_is_no_fresh_evidence() -> None:
    ahead = replace(GOOD, counters_at=ago(-301), probes_at=ago(-301))
    assert judge_link(LinkEvidence("s01-wan", ahead), NOW).status is StatusWord.UNKNOWN


AGENT = AgentEvidence("s01-c01", StatusKind.CLASSROOM, "s01-wan", heard_at=ago(3))
LINK = LinkEvidence("s01-wan", centre=GOOD)


@pytest.mark.parametrize(
    ("agent", "link", "status", "reason"),
    [
        (AGENT, "up", "up", "online"),
        (AGENT, "down", "up", "online"),
        (replace(AGENT, heard_at=None), "up", "unknown", "never_seen"),
        (replace(AGENT, heard_at=ago(89)), "up", "up", "online"),
        (replace(AGENT, heard_at=ago(91)), "up", "down", "heartbeat_late"),
        (replace(AGENT, heard_at=ago(91)), "down", "unreachable", "behind_link_down"),
        (replace(AGENT, heard_at=ago(91)), "unknown", "unknown", "link_unknown"),
        (replace(AGENT, offline_at=ago(10)), "up", "down", "said_offline"),
        (replace(AGENT, offline_at=ago(10)), "degraded", "down", "said_offline"),
        (replace(AGENT, offline_at=ago(10)), "down", "unreachable", "behind_link_down"),
        (replace(AGENT, offline_at=ago(10), link=None), "up", "down", "said_offline"),
    ],
)
def test_a_silent_agent_is_judged_by_its_link(agent: AgentEvidence, link: str, status: str, reason: str) -> None:
    judgement = judge_agent(agent, LINK, link_status(StatusWord(link)), None, NOW)
    assert judgement is not None
    assert (judgement.status, judgement.reason) == (status, reason)


def test_nothing_is_concluded_before_the_link_was_looked_at_again() -> None:
    gone = replace(AGENT, offline_at=ago(4))
    assert judge_agent(gone, LINK, link_status(StatusWord.UP), None, NOW) is None
    looked_again = LinkEvidence("s01-wan", centre=replace(GOOD, probes_at=ago(3)))
    judgement = judge_agent(gone, looked_again, link_status(StatusWord.UP), None, NOW)
    assert judgement is not None
    assert judgement.status is StatusWord.DOWN


def test_agents_have_time_to_come_back_after_their_link_did() -> None:
    gone = replace(AGENT, offline_at=ago(300))
    unreachable = Settled(StatusWord.UNREACHABLE, ago(280), "behind_link_down")
    assert judge_agent(gone, LINK, link_status(StatusWord.UP, 30), unreachable, NOW) is None
    late = judge_agent(gone, LINK, link_status(StatusWord.UP, 91), unreachable, NOW)
    assert late is not None
    assert late.status is StatusWord.DOWN


def test_agents_have_time_after_every_return_of_a_line_that_flaps() -> None:
    gone = replace(AGENT, offline_at=ago(40))
    unreachable = Settled(StatusWord.UNREACHABLE, ago(40), "behind_link_down")
    line = Settled(StatusWord.FLAPPING, ago(600), "flapping_up", penalty_at=ago(20), beneath=StatusWord.UP)
    assert judge_agent(gone, LINK, line, unreachable, NOW) is None
    calm = replace(line, penalty_at=ago(91))
    assert judge_agent(gone, LINK, calm, unreachable, NOW) is not None


def test_a_room_has_time_to_come_back_after_its_gateway_did() -> None:
    gone = replace(AGENT, offline_at=ago(300))
    unreachable = Settled(StatusWord.UNREACHABLE, ago(280), "behind_gateway")
    gateway = Thing(StatusKind.GATEWAY, "s01-gw")

    def with_gateway(seconds: float) -> Beside:
        return Beside(1, None, (gateway, Settled(StatusWord.UP, ago(seconds), "online")), ago(1))

    assert judge_agent(gone, LINK, link_status(StatusWord.UP), unreachable, NOW, with_gateway(10)) is None
    assert judge_agent(gone, LINK, link_status(StatusWord.UP), unreachable, NOW, with_gateway(91)) is not None


def test_a_dead_gateway_whose_rooms_are_back_first_is_not_blind_at_once() -> None:
    gone = AgentEvidence("s01-gw", StatusKind.GATEWAY, "s01-wan", heard_at=ago(300), offline_at=ago(300))
    dead = Settled(StatusWord.DOWN, ago(290), "gateway_dead")
    judgement = judge_agent(gone, LINK, link_status(StatusWord.UP), dead, NOW, Beside(2, ago(3)))
    assert judgement is not None
    assert (judgement.status, judgement.hold) == (StatusWord.UNKNOWN, RECONNECTING)


ages = st.none() | st.floats(min_value=-600, max_value=600).map(ago)
vantages = st.builds(
    VantageEvidence,
    counters_at=ages,
    oper_up=st.none() | st.booleans(),
    errors_per_second=st.none() | st.floats(min_value=0, max_value=1e6),
    probes_at=ages,
    loss_ratio=st.none() | st.floats(min_value=0, max_value=1),
    rtt_seconds=st.none() | st.floats(min_value=0, max_value=10),
)
links = st.builds(LinkEvidence, st.just("s01-wan"), vantages, vantages)


@given(links)
def test_a_link_is_unknown_exactly_when_neither_end_is_fresh(link: LinkEvidence) -> None:
    times = (link.school.counters_at, link.school.probes_at, link.centre.counters_at, link.centre.probes_at)
    fresh = any(time is not None and ago(60) <= time <= ago(-300) for time in times)
    assert (judge_link(link, NOW).status is StatusWord.UNKNOWN) is not fresh


@given(links, vantages)
def test_what_the_school_says_never_hides_that_the_centre_sees_it_dead(
    link: LinkEvidence, school: VantageEvidence
) -> None:
    judgement = judge_link(link, NOW)
    if judgement.reason.startswith("centre_"):
        assert judge_link(replace(link, school=school), NOW).status is StatusWord.DOWN


@given(links)
def test_stale_values_never_speak(link: LinkEvidence) -> None:
    blind = replace(
        link,
        school=replace(link.school, probes_at=ago(3600), loss_ratio=1.0),
        centre=replace(link.centre, probes_at=ago(3600), loss_ratio=1.0),
    )
    assert "probe_dead" not in judge_link(blind, NOW).reason


agents = st.builds(
    AgentEvidence,
    agent=st.just("s01-gw"),
    kind=st.sampled_from(StatusKind),
    link=st.none() | st.just("s01-wan"),
    heard_at=ages,
    offline_at=ages,
)
words = st.sampled_from((StatusWord.UP, StatusWord.DEGRADED, StatusWord.DOWN, StatusWord.UNKNOWN))
settled = st.builds(Settled, words, st.floats(min_value=0, max_value=600).map(ago), st.just("test"))


@given(agents, links, settled, st.none() | settled)
def test_no_agent_is_called_down_behind_a_link_that_is_down(
    agent: AgentEvidence, link: LinkEvidence, status: Settled, previous: Settled | None
) -> None:
    judgement = judge_agent(agent, link, status, previous, NOW)
    if judgement is not None and judgement.status is StatusWord.DOWN and agent.link is not None:
        assert status.status in (StatusWord.UP, StatusWord.DEGRADED)
