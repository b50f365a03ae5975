"""From what is seen to what is shown: confirmation, quiet times, and one evaluation of everything. Pure.

A judgement that differs from the shown status is a candidate first and is shown after it has held for a while: bad
news about a link after a second look, good news after two seconds, soft thresholds after longer, so that nothing
flickers. In quiet times (after the cloud's own start, or while it hears nobody at all) silence is nobody's fault and
changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cloud.status.models import Change, Judgement, Settled, Snapshot, StatusKind, StatusWord
from cloud.status.rules import judge_agent, judge_link

GRACE = timedelta(seconds=60)
"""How long after its start, or after it hears again, the cloud does not count silence."""
DEAF = timedelta(seconds=35)
"""Hearing no agent at all for longer than a heartbeat means that the broker or ingest is away, not every agent."""
DEAF_LIMIT = timedelta(seconds=120)
"""After this long of hearing nobody, "unknown" is the honest word."""

_SECOND = timedelta(seconds=1)
_HOLDS: dict[tuple[StatusWord, StatusWord], timedelta] = {
    (StatusWord.UP, StatusWord.DOWN): _SECOND * 0.3,
    (StatusWord.DEGRADED, StatusWord.DOWN): _SECOND * 0.3,
    (StatusWord.DOWN, StatusWord.UP): 2 * _SECOND,
    (StatusWord.DOWN, StatusWord.DEGRADED): 2 * _SECOND,
    (StatusWord.UP, StatusWord.DEGRADED): 5 * _SECOND,
    (StatusWord.DEGRADED, StatusWord.UP): 10 * _SECOND,
}
"""How long a judgement has to hold before it is shown; at once where nothing is named."""

Board = Mapping[tuple[StatusKind, str], Settled]
"""The settled status of everything, by kind and key."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """Whether silence counts now."""

    quiet_until: datetime
    heard_at: datetime | None = None

    @classmethod
    def begin(cls, now: datetime) -> Hearing:
        """Start quiet: what happened while the cloud was away is not known yet."""
        return cls(quiet_until=now + GRACE)

    def listen(self, heard_at: datetime | None, now: datetime) -> Hearing:
        """Take note of when any agent was heard last; hearing again after deafness starts a new grace."""
        if heard_at is None or (self.heard_at is not None and heard_at <= self.heard_at):
            return self
        was_deaf = self.heard_at is not None and heard_at - self.heard_at > DEAF
        return Hearing(max(self.quiet_until, now + GRACE) if was_deaf else self.quiet_until, heard_at)

    def is_quiet(self, now: datetime) -> bool:
        """Tell whether silence proves nothing now."""
        if now < self.quiet_until:
            return True
        return self.heard_at is not None and DEAF < now - self.heard_at < DEAF_LIMIT


def settle(previous: Settled | None, judgement: Judgement | None, now: datetime, *, quiet: bool) -> Settled | None:
    """Return what is shown after one more look; None while nothing was ever said."""
    if judgement is None or (quiet and judgement.silent and previous is not None):
        return previous
    if previous is None:
        return Settled(judgement.status, now, judgement.reason, root=judgement.root)
    if judgement.status is previous.status and judgement.root != previous.root:
        return Settled(judgement.status, now, judgement.reason, root=judgement.root)
    if judgement.status is previous.status:
        return replace(previous, candidate=None, candidate_since=None) if previous.candidate else previous
    if previous.candidate is not judgement.status or previous.candidate_since is None:
        previous = replace(previous, candidate=judgement.status, candidate_since=now)
    hold = _HOLDS.get((previous.status, judgement.status), timedelta())
    if now - (previous.candidate_since or now) >= hold:
        return Settled(judgement.status, now, judgement.reason, root=judgement.root)
    return previous


def evaluate(
    snapshot: Snapshot, board: Board, *, quiet: bool
) -> tuple[dict[tuple[StatusKind, str], Settled], list[Change]]:
    """Return the new status of everything and the changes to log: links first, then what is behind them."""
    settled: dict[tuple[StatusKind, str], Settled] = {}
    changes: list[Change] = []

    def take(kind: StatusKind, key: str, judgement: Judgement | None) -> None:
        previous = board.get((kind, key))
        now_shown = settle(previous, judgement, snapshot.at, quiet=quiet)
        if now_shown is None:
            return
        settled[kind, key] = now_shown
        before = (previous.status, previous.root) if previous is not None else None
        if judgement is not None and before != (now_shown.status, now_shown.root):
            word = previous.status if previous is not None else None
            why = (judgement.reason, judgement.evidence)
            changes.append(Change(kind, key, word, now_shown.status, snapshot.at, *why, root=now_shown.root))

    links = {link.link: link for link in snapshot.links}
    for link in snapshot.links:
        take(StatusKind.LINK, link.link, judge_link(link, snapshot.at))
    for agent in snapshot.agents:
        link_evidence = links.get(agent.link) if agent.link is not None else None
        link_status = settled.get((StatusKind.LINK, agent.link)) if agent.link is not None else None
        previous = board.get((agent.kind, agent.agent))
        take(agent.kind, agent.agent, judge_agent(agent, link_evidence, link_status, previous, snapshot.at))
    return settled, changes


def has_candidates(board: Board) -> bool:
    """Tell whether something waits for confirmation, so that the next look should come soon."""
    return any(settled.candidate is not None for settled in board.values())
