"""What the evidence says: one pure rule for links, one for agents.

A link is judged by both ends. The centre's word on "dead" counts most, because it still arrives when the link is cut;
what the school measured then comes later as backlog, with old times, and cannot speak about now. An agent's silence is
judged by its link: behind a dead link it is unreachable, not down. While the link has not been looked at since the
agent went silent, nothing is concluded.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cloud.status.models import (
    AgentEvidence,
    Evidence,
    Judgement,
    LinkEvidence,
    Settled,
    StatusKind,
    StatusWord,
    Thing,
    VantageEvidence,
)

FRESH = timedelta(seconds=60)
"""Evidence older than this says nothing about now."""
AHEAD = timedelta(minutes=5)
"""A time further ahead of the cloud's clock cannot be right and says nothing."""
HEARTBEAT_LATE = timedelta(seconds=90)
"""Three missed heartbeats."""
RECONNECTING = timedelta(seconds=90)
"""How long agents have to come back after their link did, before their silence is their own."""
LOSS_DEGRADED_RATIO = 0.05
LOSS_GOOD_RATIO = 0.03
"""A degraded link is well again below this, not already where it became degraded."""
LOSS_DEAD_RATIO = 1.0
RTT_DEGRADED_SECONDS = 0.150
RTT_GOOD_SECONDS = 0.120
ERRORS_DEGRADED_PER_SECOND = 0.0
"""Any interface error on a link is worth a look: fibre to a school has none."""


def is_fresh(at: datetime | None, now: datetime) -> bool:
    """Tell whether evidence of that time may speak about now."""
    return at is not None and now - FRESH <= at <= now + AHEAD


def centre_says_dead(link: LinkEvidence, now: datetime) -> bool:
    """Tell whether what the centre sees now says that a line is dead."""
    centre = _fresh_part(link.centre, now)
    return centre is not None and not _says_alive(centre)


def judge_link(link: LinkEvidence, now: datetime, previous: Settled | None = None) -> Judgement:
    """Return what both ends' fresh values say about a link; a degraded one has to be clearly better to be well."""
    degraded = previous is not None and StatusWord.DEGRADED in (previous.status, previous.beneath)
    school, centre = _fresh_part(link.school, now), _fresh_part(link.centre, now)
    if school is None and centre is None:
        return Judgement(StatusWord.UNKNOWN, "no_fresh_evidence", _times(link), silent=True)
    for vantage, seen in (("centre", centre), ("school", school)):
        if seen is None or (vantage == "school" and centre is not None and _says_alive(centre)):
            continue
        if seen.oper_up is False:
            return Judgement(StatusWord.DOWN, f"{vantage}_port_down", _values(vantage, seen))
        if seen.loss_ratio is not None and seen.loss_ratio >= LOSS_DEAD_RATIO:
            return Judgement(StatusWord.DOWN, f"{vantage}_probe_dead", _values(vantage, seen))
    for vantage, seen in (("centre", centre), ("school", school)):
        reason = _degraded_reason(seen, degraded=degraded) if seen is not None else None
        if seen is not None and reason is not None:
            return Judgement(StatusWord.DEGRADED, reason, _values(vantage, seen))
    vantage, best = ("centre", centre) if centre is not None else ("school", school)
    return Judgement(StatusWord.UP, "evidence_good", _values(vantage, best) if best is not None else {})


@dataclass(frozen=True, slots=True)
class Beside:
    """What else is known of an agent's school: when a room was heard last, and how its gateway is judged.

    `rooms` is the number of rooms that have an agent.
    """

    rooms: int = 0
    room_heard_at: datetime | None = None
    gateway: tuple[Thing, Settled] | None = None
    gateway_heard_at: datetime | None = None


NOBODY = Beside()


def judge_agent(
    agent: AgentEvidence,
    link: LinkEvidence | None,
    link_status: Settled | None,
    previous: Settled | None,
    now: datetime,
    beside: Beside = NOBODY,
) -> Judgement | None:
    """Return what presence and the link's settled status say about an agent; None when it is too early to say.

    A gateway's agent that is silent while the line works is a blind spot as long as rooms of its school are heard:
    the gateway passes their traffic. When none is heard either the gateway is dead, and they lie behind it.
    """
    if agent.heard_at is None and agent.offline_at is None:
        return Judgement(StatusWord.UNKNOWN, "never_seen", silent=True)
    late = is_late(agent, now)
    if agent.offline_at is None and not late:
        return Judgement(StatusWord.UP, "online", {"heard_at": _text(agent.heard_at)})
    silent = agent.offline_at is None
    reason = "heartbeat_late" if silent else "said_offline"
    evidence: Evidence = {
        "heard_at": _text(agent.heard_at),
        "offline_at": _text(agent.offline_at),
        "link": agent.link,
        "link_status": link_status.status.value if link_status is not None else None,
    }
    if agent.link is None:
        return Judgement(StatusWord.DOWN, reason, evidence, silent)
    line = Thing(StatusKind.LINK, agent.link)
    if link is None or link_status is None or link_status.status is StatusWord.UNKNOWN:
        return Judgement(StatusWord.UNKNOWN, "link_unknown", evidence, silent=True, root=line)
    if StatusWord.DOWN in (link_status.status, link_status.beneath):
        root = link_status.root or line
        return Judgement(StatusWord.UNREACHABLE, "behind_link_down", evidence, silent, root=root)
    was_behind_it = previous is not None and previous.status is StatusWord.UNREACHABLE
    if was_behind_it and now - _back_at(link_status, beside) < RECONNECTING:
        return None
    looked_at, gone_at = _looked_at(link), agent.offline_at or agent.heard_at
    if looked_at is None or (gone_at is not None and looked_at <= gone_at):
        return None
    if agent.kind is StatusKind.GATEWAY:
        was_dead = previous is not None and previous.status is StatusWord.DOWN
        return _silent_gateway(beside, evidence, reason, silent=silent, was_dead=was_dead, now=now)
    return _silent_room(beside, evidence, reason, gone_at, silent=silent)


def _back_at(link_status: Settled, beside: Beside) -> datetime:
    """Return since when nothing has stood between an agent and the centre.

    A line that flaps is called that since it began to; it came back at its last change.
    """
    flaps = link_status.status is StatusWord.FLAPPING and link_status.penalty_at is not None
    line = link_status.penalty_at if flaps and link_status.penalty_at is not None else link_status.since
    return max(line, beside.gateway[1].since) if beside.gateway is not None else line


def is_late(agent: AgentEvidence, now: datetime) -> bool:
    """Tell whether an agent has not been heard for so long that its silence says something."""
    return agent.heard_at is None or now - agent.heard_at > HEARTBEAT_LATE


def _silent_gateway(
    beside: Beside, evidence: Evidence, reason: str, *, silent: bool, was_dead: bool, now: datetime
) -> Judgement:
    told = {**evidence, "room_heard_at": _text(beside.room_heard_at), "said": reason}
    heard = beside.room_heard_at is not None and now - beside.room_heard_at <= HEARTBEAT_LATE
    if heard or beside.rooms == 0:
        # A gateway that was dead comes back with its rooms, in any order.
        hold = RECONNECTING if was_dead else None
        return Judgement(StatusWord.UNKNOWN, "agent_dead", told, silent, hold=hold)
    return Judgement(StatusWord.DOWN, "gateway_dead", told, silent)


def _silent_room(
    beside: Beside, evidence: Evidence, reason: str, gone_at: datetime | None, *, silent: bool
) -> Judgement | None:
    if beside.gateway is not None and beside.gateway[1].status is StatusWord.DOWN:
        return Judgement(StatusWord.UNREACHABLE, "behind_gateway", evidence, silent, root=beside.gateway[0])
    fresh = beside.gateway_heard_at
    if beside.gateway is not None and silent and gone_at is not None and fresh is not None and fresh <= gone_at:
        # The gateway may have died with the room and only be not late yet.
        status = beside.gateway[1].status
        return (
            None
            if status in (StatusWord.UP, StatusWord.DEGRADED)
            else Judgement(StatusWord.DOWN, reason, evidence, silent)
        )
    return Judgement(StatusWord.DOWN, reason, evidence, silent)


def _fresh_part(seen: VantageEvidence, now: datetime) -> VantageEvidence | None:
    counters, probes = is_fresh(seen.counters_at, now), is_fresh(seen.probes_at, now)
    if not counters and not probes:
        return None
    return VantageEvidence(
        counters_at=seen.counters_at if counters else None,
        oper_up=seen.oper_up if counters else None,
        errors_per_second=seen.errors_per_second if counters else None,
        probes_at=seen.probes_at if probes else None,
        loss_ratio=seen.loss_ratio if probes else None,
        rtt_seconds=seen.rtt_seconds if probes else None,
    )


def _says_alive(seen: VantageEvidence) -> bool:
    return seen.oper_up is not False and (seen.loss_ratio is None or seen.loss_ratio < LOSS_DEAD_RATIO)


def _degraded_reason(seen: VantageEvidence, *, degraded: bool) -> str | None:
    if seen.oper_up is False:
        return "port_down"
    if seen.loss_ratio is not None and seen.loss_ratio >= (LOSS_GOOD_RATIO if degraded else LOSS_DEGRADED_RATIO):
        return "loss_high"
    if seen.rtt_seconds is not None and seen.rtt_seconds > (RTT_GOOD_SECONDS if degraded else RTT_DEGRADED_SECONDS):
        return "rtt_high"
    if seen.errors_per_second is not None and seen.errors_per_second > ERRORS_DEGRADED_PER_SECOND:
        return "errors"
    return None


def _looked_at(link: LinkEvidence) -> datetime | None:
    times = (link.school.counters_at, link.school.probes_at, link.centre.counters_at, link.centre.probes_at)
    return max((time for time in times if time is not None), default=None)


def _values(vantage: str, seen: VantageEvidence) -> Evidence:
    return {
        "vantage": vantage,
        "counters_at": _text(seen.counters_at),
        "oper_up": seen.oper_up,
        "errors_per_second": seen.errors_per_second,
        "probes_at": _text(seen.probes_at),
        "loss_ratio": seen.loss_ratio,
        "rtt_seconds": seen.rtt_seconds,
    }


def _times(link: LinkEvidence) -> Evidence:
    return {
        "school_counters_at": _text(link.school.counters_at),
        "school_probes_at": _text(link.school.probes_at),
        "centre_counters_at": _text(link.centre.counters_at),
        "centre_probes_at": _text(link.centre.probes_at),
    }


def _text(at: datetime | None) -> str | None:
    return at.isoformat(timespec="milliseconds") if at is not None else None
