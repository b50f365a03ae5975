"""One agent's life with the broker and the cloud, as a state machine.

No socket, no clock: times come in, actions go out. connect → subscribe → birth → welcome → sending. Each attempt has
its own session number; whatever ends it, the next one waits with full jitter. What only a person can put right
(credentials, certificates, a second agent with the same id) is tried again at the longest interval and shown meanwhile.
A broker or cloud that is away is waited for without end.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from edge_agent.errors import Retry
from edge_agent.uplink.backoff import Backoff
from edge_agent.uplink.values import Loss, Phase, Timing
from protocols.receipts import Verdict, Welcome

MOST_EPOCH_RESTARTS = 3


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a connection under a new session number."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Subscribe to what the cloud says to this agent."""


@dataclass(frozen=True, slots=True)
class PublishStatus:
    """Publish the birth, which is also the heartbeat."""


@dataclass(frozen=True, slots=True)
class RestartEpoch:
    """Begin a new epoch in the spool, then call `epoch_restarted`."""


@dataclass(frozen=True, slots=True)
class Close:
    """Give the connection up. `clean`: say DISCONNECT, so that the will is not sent."""

    clean: bool


Action = Connect | Subscribe | PublishStatus | RestartEpoch | Close


class Session:
    """The state machine. Every method takes the present in seconds of any steady clock and returns what to do."""

    def __init__(self, random: Random, timing: Timing, reconnect_most_seconds: float) -> None:
        self._timing = timing
        self.phase = Phase.STOPPED
        self.reason = "not started"
        self._reconnect = Backoff(random, timing.reconnect_first, reconnect_most_seconds)
        self._rebirth = Backoff(random, timing.birth_first, timing.birth_most)
        self._random = random
        self._deadline: float | None = None
        self._status_at: float | None = None
        self._subscribed = False
        self._progress_at = 0.0
        self._epoch_restarts = 0
        self._number = 0

    def start(self, now: float) -> list[Action]:
        """Begin with a connection at once: one agent is no herd, and whoever starts many spreads them."""
        return self._connect(now)

    def number(self, session: int) -> None:
        """Take note of the session number of the attempt under way."""
        self._number = session

    def connected(self, now: float) -> list[Action]:
        """The broker accepted the connection."""
        if self.phase is not Phase.CONNECTING:
            return []
        self._enter(Phase.JOINING, "connected, subscribing", now + self._timing.subscribe)
        self._subscribed = False
        return [Subscribe()]

    def subscribed(self, now: float) -> list[Action]:
        """The broker confirmed the subscription: now the answer to a birth cannot be missed."""
        if self.phase is not Phase.JOINING or self._subscribed:
            return []
        self._subscribed = True
        self._rebirth.reset()
        self._enter(Phase.JOINING, "connected, waiting for the centre's welcome", None)
        return self._birth(now)

    def welcomed(self, now: float, welcome: Welcome) -> list[Action]:
        """The cloud answered a birth; answers to other sessions are past news."""
        if welcome.session != self._number or self.phase not in (Phase.JOINING, Phase.SENDING) or not self._subscribed:
            return []
        if welcome.verdict is Verdict.DUPLICATE_AGENT:
            detail = welcome.detail or "another instance with this agent id is online"
            self._enter(Phase.REFUSED, detail, now + self._reconnect.most_seconds())
            return [Close(clean=True)]
        if welcome.verdict is Verdict.RESTART_EPOCH:
            self._epoch_restarts += 1
            if self._epoch_restarts > MOST_EPOCH_RESTARTS:
                return self.lost(now, Loss("the centre keeps asking for a new epoch", Retry.MAX_BACKOFF), close=True)
            self._enter(Phase.JOINING, "the spool is an old copy: beginning a new epoch", None)
            self._status_at = None
            return [RestartEpoch()]
        if self.phase is not Phase.SENDING:
            self._enter(Phase.SENDING, "accepted by the centre", None)
            self._reconnect.reset()
            self._epoch_restarts = 0
            self._progress_at = now
            self._status_at = now + self._random.uniform(0.5, 1.0) * self._timing.heartbeat
        return []

    def epoch_restarted(self, now: float) -> list[Action]:
        """The new epoch is on disk; the agent is born again into it.

        In a session of its own: the answer to an earlier birth may still be under way, and would be taken for this
        one's.
        """
        return [Close(clean=True), *self._connect(now)] if self.phase is Phase.JOINING else []

    def progressed(self, now: float) -> None:
        """A receipt came: the cloud is there."""
        self._progress_at = now

    def lost(self, now: float, loss: Loss, *, close: bool = False) -> list[Action]:
        """The connection is gone or never came about, or must be given up (`close`)."""
        if self.phase in (Phase.STOPPED, Phase.REFUSED, Phase.WAITING):
            return []
        worst = loss.retry is not Retry.BACKOFF
        wait = self._reconnect.most_seconds() if worst else self._reconnect.next_seconds()
        self._enter(Phase.WAITING, loss.reason, now + wait)
        return [Close(clean=False)] if close else []

    def tick(
        self, now: float, *, in_flight_since: float | None = None, unacked_since: float | None = None
    ) -> list[Action]:
        """Let time pass. The two times say since when something waits for a receipt and for a PUBACK."""
        if self.phase is Phase.STOPPED:
            return []
        if self._deadline is not None and now >= self._deadline:
            return self._deadline_passed(now)
        if unacked_since is not None and now - unacked_since >= self._timing.puback:
            return self.lost(now, Loss("the broker stopped answering: half-open line"), close=True)
        if self.phase is Phase.SENDING and in_flight_since is not None:
            silent_since = max(self._progress_at, in_flight_since)
            if now - silent_since >= self._timing.receipt:
                return self.lost(now, Loss("the centre sends no receipts"), close=True)
        if self._status_at is not None and now >= self._status_at:
            if self.phase is Phase.JOINING:
                return self._birth(now)
            self._status_at = now + self._timing.heartbeat
            return [PublishStatus()]
        return []

    def next_at(self) -> float | None:
        """Return when `tick` has something to do by itself."""
        return min((at for at in (self._deadline, self._status_at) if at is not None), default=None)

    def stop(self) -> None:
        """No further attempt is made."""
        self._enter(Phase.STOPPED, "stopped", None)

    def _deadline_passed(self, now: float) -> list[Action]:
        if self.phase in (Phase.WAITING, Phase.REFUSED):
            return self._connect(now)
        if self.phase is Phase.CONNECTING:
            return self.lost(now, Loss("the broker does not answer"), close=True)
        return self.lost(now, Loss("the broker does not confirm the subscription"), close=True)

    def _connect(self, now: float) -> list[Action]:
        self._enter(Phase.CONNECTING, "connecting", now + self._timing.connect)
        self._subscribed = False
        return [Connect()]

    def _birth(self, now: float) -> list[Action]:
        self._status_at = now + self._timing.birth_first / 2 + self._rebirth.next_seconds()
        return [PublishStatus()]

    def _enter(self, phase: Phase, reason: str, deadline: float | None) -> None:
        if phase not in (Phase.JOINING, Phase.SENDING):
            self._status_at = None
        self.phase, self.reason, self._deadline = phase, reason, deadline
