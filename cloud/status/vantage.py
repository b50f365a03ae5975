"""Whether the centre itself can see: one blind monitor is one trouble, not one for every line behind it. Pure.

The monitor is blind when nobody at all is heard, when nothing new comes from the centre's vantage, or when that vantage
calls half of the lines dead at once while the schools behind them are heard on: then its own way out is dead.
What cannot be seen for that reason is unknown and names the monitor as its root; it is never a loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from cloud.status.models import (
    AgentEvidence,
    Judgement,
    LinkEvidence,
    Settled,
    Snapshot,
    StatusKind,
    StatusWord,
    Thing,
    VantageEvidence,
)
from cloud.status.rules import HEARTBEAT_LATE, centre_says_dead, is_fresh, judge_link

MONITOR = Thing(StatusKind.MONITOR, "centre")
BLIND_REASON = "monitoring_blind"
DEAF_LIMIT = timedelta(seconds=120)
"""After this long of hearing nobody, "unknown" is the honest word."""
SILENT = timedelta(seconds=40)
"""The centre looks every ten seconds; its silence is found out before the first line's evidence is too old to count."""
CROWD_LEAST = 3
CROWD_SHARE = 1 / 2
"""So many lines dead to the centre at once, and such a share of those it sees, may be the centre's own fault."""
PATIENCE = timedelta(seconds=35)
"""How long a crowd waits for a school to be heard, which proves the lines work: a little more than a heartbeat."""
RETURNING = timedelta(seconds=60)
"""How long what the monitor lost sight of has to be seen again, before its being unknown is its own."""


def judge_monitor(snapshot: Snapshot, links: Mapping[str, Settled], previous: Settled | None) -> Judgement | None:
    """Return whether the centre can see; None while nothing was ever seen or heard."""
    now = snapshot.at
    looked_at = max((at for link in snapshot.links if (at := _centre_at(link)) is not None), default=None)
    if snapshot.heard_at is not None and now - snapshot.heard_at > DEAF_LIMIT:
        return _blind("nobody_heard", silent=True, last_at=snapshot.heard_at)
    if looked_at is None:
        return None
    if now - looked_at > SILENT:
        return _blind("core_silent", silent=True, last_at=looked_at)
    dead = crowd(snapshot)
    if dead and _contradicted(dead, snapshot, links, previous):
        return _blind("all_look_dead", silent=False, last_at=looked_at, lines_dead=len(dead))
    return Judgement(StatusWord.UP, "sees", {"looked_at": looked_at.isoformat(timespec="milliseconds")})


def crowd(snapshot: Snapshot) -> frozenset[str]:
    """Return the lines that the centre calls dead, when they are so many that it may be the centre's own fault."""
    seen = [link for link in snapshot.links if is_fresh(_centre_at(link), snapshot.at)]
    dead = frozenset(link.link for link in seen if centre_says_dead(link, snapshot.at))
    return dead if len(dead) >= max(CROWD_LEAST, len(seen) * CROWD_SHARE) else frozenset()


def judge_seen(
    link: LinkEvidence, now: datetime, previous: Settled | None, monitor: Settled | None
) -> Judgement | None:
    """Return what is known of a line, given whether the centre sees; None while it has only just begun to see again."""
    if monitor is None:
        return judge_link(link, now, previous)
    blind = monitor.status is StatusWord.UNKNOWN
    judged = judge_link(replace(link, centre=VantageEvidence()) if blind else link, now, previous)
    if judged.status is not StatusWord.UNKNOWN:
        return judged
    if blind:
        return replace(judged, reason=BLIND_REASON, root=MONITOR)
    return None if is_returning(previous, monitor, now) else judged


def is_returning(previous: Settled | None, monitor: Settled | None, now: datetime) -> bool:
    """Tell whether something is still unknown only because the monitor was blind a moment ago."""
    lost = previous is not None and previous.root == MONITOR
    return lost and monitor is not None and now - monitor.since < RETURNING


def _contradicted(
    dead: frozenset[str], snapshot: Snapshot, links: Mapping[str, Settled], previous: Settled | None
) -> bool:
    """Tell whether half of the schools behind dead lines were heard after their lines had been found dead.

    Once it is known to be blind they only have to be heard on.
    """
    heard = _heard_by_link(snapshot.agents)
    told = previous is not None and previous.status is StatusWord.UNKNOWN
    alive = 0
    for link in dead:
        heard_at, shown = heard.get(link), links.get(link)
        since = snapshot.at - HEARTBEAT_LATE if told else _dead_since(shown)
        alive += heard_at is not None and since is not None and heard_at > since
    return 2 * alive >= len(dead)


def _dead_since(shown: Settled | None) -> datetime | None:
    if shown is None:
        return None
    if StatusWord.DOWN in (shown.status, shown.beneath):
        return shown.since
    return shown.candidate_since if shown.candidate is StatusWord.DOWN else None


def _heard_by_link(agents: Iterable[AgentEvidence]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for agent in agents:
        if agent.link is not None and agent.heard_at is not None and agent.offline_at is None:
            found[agent.link] = max(agent.heard_at, found.get(agent.link, agent.heard_at))
    return found


def _centre_at(link: LinkEvidence) -> datetime | None:
    times = (link.centre.counters_at, link.centre.probes_at)
    return max((at for at in times if at is not None), default=None)


def _blind(cause: str, *, silent: bool, last_at: datetime, lines_dead: int | None = None) -> Judgement:
    evidence = {"cause": cause, "last_at": last_at.isoformat(timespec="milliseconds"), "lines_dead": lines_dead}
    return Judgement(StatusWord.UNKNOWN, BLIND_REASON, evidence, silent)
