"""From what is seen to what is shown: confirmation, quiet times, and one evaluation of everything. Pure.

A judgement that differs from the shown status is a candidate first and is shown after it has held for a while: bad
news about a link after a second look, good news after two seconds, soft thresholds after longer, so that nothing
flickers. In quiet times (after the cloud's own start, or while it hears nobody at all) silence is nobody's fault and
changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from cloud.status.flapping import beneath, damp
from cloud.status.models import AgentEvidence, Change, Judgement, Settled, Snapshot, StatusKind, StatusWord, Thing
from cloud.status.roots import judge_device, judge_providers, parents_first
from cloud.status.rules import Beside, judge_agent
from cloud.status.vantage import (
    BLIND_REASON,
    DEAF_LIMIT,
    MONITOR,
    PATIENCE,
    crowd,
    is_returning,
    judge_monitor,
    judge_seen,
)

GRACE = timedelta(seconds=60)
"""How long after its start, or after it hears again, the cloud does not count silence."""
DEAF = timedelta(seconds=35)
"""Hearing no agent at all for longer than a heartbeat means that the broker or ingest is away, not every agent."""

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


def settle(
    previous: Settled | None,
    judgement: Judgement | None,
    now: datetime,
    *,
    quiet: bool,
    patience: timedelta = timedelta(),
) -> Settled | None:
    """Return what is shown after one more look; None while nothing was ever said.

    What differs has to hold for as long as its kind of change asks, and for `patience` at least.
    """
    if judgement is None or (quiet and judgement.silent and previous is not None):
        return previous
    if previous is None:
        return Settled(judgement.status, now, judgement.reason, root=judgement.root)
    if judgement.status is previous.status and judgement.root != previous.root:
        return Settled(judgement.status, previous.since, judgement.reason, root=judgement.root)
    if judgement.status is previous.status:
        return replace(previous, candidate=None, candidate_since=None) if previous.candidate else previous
    if previous.candidate is not judgement.status or previous.candidate_since is None:
        previous = replace(previous, candidate=judgement.status, candidate_since=now)
    hold = max(patience, judgement.hold or _HOLDS.get((previous.status, judgement.status), timedelta()))
    if now - (previous.candidate_since or now) >= hold:
        return Settled(judgement.status, now, judgement.reason, root=judgement.root)
    return previous


@dataclass(slots=True)
class _Round:
    """One evaluation under way: what was shown, what is shown now, what is to be logged."""

    board: Board
    now: datetime
    quiet: bool
    worked_on: Mapping[Thing, int] = field(default_factory=dict)
    settled: dict[tuple[StatusKind, str], Settled] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    def take(
        self, kind: StatusKind, key: str, judgement: Judgement | None, *, patience: timedelta = timedelta()
    ) -> None:
        """Confirm, damp and note one judgement."""
        window = self.worked_on.get(Thing(kind, key))
        if window is not None and judgement is not None:
            seen = {**judgement.evidence, "window": window, "judged": judgement.status.value}
            judgement = Judgement(StatusWord.MAINTENANCE, "planned_work", seen)
        previous = self.board.get((kind, key))
        plain = beneath(previous) if previous is not None else None
        judged = settle(plain, judgement, self.now, quiet=self.quiet, patience=patience)
        if judged is None:
            return
        shown = damp(previous, judged, self.now)
        self.settled[kind, key] = shown
        before = (previous.status, previous.root, previous.beneath) if previous is not None else None
        if before == (shown.status, shown.root, shown.beneath):
            return
        flaps = StatusWord.FLAPPING in (shown.status, previous.status if previous is not None else None)
        if judgement is None and not flaps:
            return
        self.changes.append(
            Change(
                kind=kind,
                key=key,
                previous=previous.status if previous is not None else None,
                status=shown.status,
                changed_at=self.now,
                reason=shown.reason,
                evidence=judgement.evidence if judgement is not None else {},
                root=shown.root,
                penalty=shown.penalty,
                penalty_at=shown.penalty_at,
                beneath=shown.beneath,
            )
        )

    def of(self, kind: StatusKind, key: str | None) -> Settled | None:
        """Return what is shown of a thing in this evaluation."""
        return self.settled.get((kind, key)) if key is not None else None


def evaluate(
    snapshot: Snapshot, board: Board, *, quiet: bool
) -> tuple[dict[tuple[StatusKind, str], Settled], list[Change]]:
    """Return the new status of everything and the changes to log, causes before what lies behind them.

    Whether the centre sees at all comes first; then lines, and at once their providers, whose outage lines then name as
    their root; gateways, rooms, and devices from the centre outwards.
    """
    work = _Round(board, snapshot.at, quiet, snapshot.worked_on)
    shown = {key: settled for (kind, key), settled in board.items() if kind is StatusKind.LINK}
    sight = judge_monitor(snapshot, shown, board.get(MONITOR))
    if not (quiet and sight is not None and sight.silent and MONITOR not in board):
        work.take(*MONITOR, sight)
    _lines(work, snapshot)
    links = {link.link: link for link in snapshot.links}
    gateways = {agent.school: agent for agent in snapshot.agents if agent.kind is StatusKind.GATEWAY}
    rooms = _rooms_by_school(snapshot.agents)
    for kind in (StatusKind.GATEWAY, StatusKind.CLASSROOM):
        for agent in snapshot.agents:
            if agent.kind is not kind:
                continue
            line = links.get(agent.link) if agent.link is not None else None
            beside = _beside(work, agent, rooms, gateways.get(agent.school))
            previous = board.get((kind, agent.agent))
            line_status = work.of(StatusKind.LINK, agent.link)
            work.take(kind, agent.agent, judge_agent(agent, line, line_status, previous, snapshot.at, beside))
    _devices(work, snapshot)
    return work.settled, work.changes


def _lines(work: _Round, snapshot: Snapshot) -> None:
    monitor = work.of(*MONITOR)
    suspects = crowd(snapshot)
    judged: dict[str, Judgement | None] = {}
    patience: dict[str, timedelta] = {}
    looking = _Round(work.board, work.now, work.quiet)
    by_provider: dict[str, list[tuple[str, Settled]]] = {}
    for link in snapshot.links:
        key, held = link.link, work.board.get((StatusKind.LINK, link.link))
        found = judged[key] = judge_seen(link, work.now, held, monitor)
        is_suspect = key in suspects and found is not None and found.status is StatusWord.DOWN
        patience[key] = PATIENCE if is_suspect else timedelta()
        # What hangs on its provider keeps that root while the provider is looked at.
        kept = replace(found, root=held.root) if held is not None and found is not None else found
        looking.take(StatusKind.LINK, key, kept, patience=patience[key])
        settled = looking.of(StatusKind.LINK, key)
        if link.provider and settled is not None:
            by_provider.setdefault(link.provider, []).append((key, settled))
    for provider, judgement in judge_providers(by_provider).items():
        work.take(StatusKind.PROVIDER, provider, _seen(work, provider, judgement, monitor))
    for link in snapshot.links:
        found = judged[link.link]
        outage = work.of(StatusKind.PROVIDER, link.provider)
        behind = outage is not None and outage.status is StatusWord.DOWN
        if behind and found is not None and found.status is StatusWord.DOWN:
            found = replace(found, root=Thing(StatusKind.PROVIDER, link.provider or ""))
        work.take(StatusKind.LINK, link.link, found, patience=patience[link.link])


def _seen(work: _Round, provider: str, judgement: Judgement, monitor: Settled | None) -> Judgement | None:
    """Return a provider's judgement, given whether the centre sees its lines."""
    if judgement.status is not StatusWord.UNKNOWN or monitor is None:
        return judgement
    if monitor.status is StatusWord.UNKNOWN:
        return replace(judgement, reason=BLIND_REASON, root=MONITOR)
    return None if is_returning(work.board.get((StatusKind.PROVIDER, provider)), monitor, work.now) else judgement


def _rooms_by_school(agents: Sequence[AgentEvidence]) -> dict[str | None, list[AgentEvidence]]:
    found: dict[str | None, list[AgentEvidence]] = {}
    for agent in agents:
        if agent.kind is StatusKind.CLASSROOM:
            found.setdefault(agent.school, []).append(agent)
    return found


def _beside(
    work: _Round,
    agent: AgentEvidence,
    rooms: Mapping[str | None, Sequence[AgentEvidence]],
    gateway: AgentEvidence | None,
) -> Beside:
    of_school = rooms.get(agent.school, ())
    held = work.of(StatusKind.GATEWAY, gateway.agent) if gateway is not None else None
    return Beside(
        rooms=len(of_school),
        room_heard_at=max(
            (room.heard_at for room in of_school if room.heard_at is not None and room.offline_at is None), default=None
        ),
        gateway=(Thing(StatusKind.GATEWAY, gateway.agent), held) if gateway is not None and held is not None else None,
        gateway_heard_at=gateway.heard_at if gateway is not None else None,
    )


def _devices(work: _Round, snapshot: Snapshot) -> None:
    by_key = {device.device: device for device in snapshot.devices}
    for device in parents_first(snapshot.devices):
        held = work.of(StatusKind.GATEWAY, device.gateway)
        poller = (Thing(StatusKind.GATEWAY, device.gateway), held) if device.gateway and held is not None else None
        parents = [(by_key[key], work.of(StatusKind.DEVICE, key)) for key in device.parents if key in by_key]
        work.take(StatusKind.DEVICE, device.device, judge_device(device, poller, parents, work.now))


def has_candidates(board: Board) -> bool:
    """Tell whether something waits for confirmation, so that the next look should come soon."""
    return any(settled.candidate is not None for settled in board.values())
