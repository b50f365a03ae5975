"""What is in flight, what may go next, and from which lane. Pure: times are passed in, payloads are elsewhere.

The window is the uplink's, never the MQTT client's: the cloud's credit bounds what waits for receipts, `HANDED_MOST`
what waits for the broker's PUBACK inside the client.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from edge_agent.spool import Identity
from edge_agent.uplink.values import Timing
from protocols.topics import Lane

HANDED_MOST = 16
"""Most segments given to the MQTT client without a PUBACK; mosquitto's receive maximum is 20, births need room too."""

LANE_WEIGHTS = {Lane.EVENTS: 16, Lane.RECORDS: 8, Lane.LIVE: 8, Lane.BACKLOG: 1}
"""Shares of sending when all lanes wait; each goes alone when the others are empty."""

BACKLOG_SHARE = 0.75
"""Most of the credit that backlog may hold, so that the present never waits for the past's receipts."""


@dataclass(slots=True)
class _Flight:
    lane: Lane
    sent_at: float
    acked: bool = False


class Window:
    """Segments sent in this session and not yet receipted."""

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._credit = 1
        self._handed_most = HANDED_MOST
        self._flights: dict[Identity, _Flight] = {}
        self._attempts: dict[Identity, int] = {}
        self._shares = dict.fromkeys(Lane, 0)

    @property
    def credit(self) -> int:
        """Segments the cloud lets us have in flight."""
        return self._credit

    @property
    def in_flight(self) -> Collection[Identity]:
        """What must not be sent again now."""
        return self._flights.keys()

    def grant(self, credit: int) -> None:
        """Take the cloud's latest credit; what is above it already is let land."""
        self._credit = credit

    def limit_handed(self, most: int) -> None:
        """Hand the client no more than the broker's receive maximum allows."""
        self._handed_most = max(1, min(HANDED_MOST, most))

    def room(self) -> int:
        """Return how many more segments may be sent now."""
        unacked = sum(not flight.acked for flight in self._flights.values())
        return max(0, min(self._credit - len(self._flights), self._handed_most - unacked))

    def choose(self, waiting: Mapping[Lane, int], limit: int) -> Sequence[Lane]:
        """Return up to `limit` lanes to take from, by smooth weighted round robin over those that have something.

        Urgent lanes come first and more often; none starves. Backlog stops short of the whole credit.
        """
        left = dict(waiting)
        backlog = sum(flight.lane is Lane.BACKLOG for flight in self._flights.values())
        left[Lane.BACKLOG] = min(left[Lane.BACKLOG], max(0, max(1, int(self._credit * BACKLOG_SHARE)) - backlog))
        chosen: list[Lane] = []
        while len(chosen) < limit:
            lanes = [lane for lane in Lane if left[lane]]
            if not lanes:
                break
            for lane in lanes:
                self._shares[lane] += LANE_WEIGHTS[lane]
            best = max(lanes, key=lambda lane: self._shares[lane])
            self._shares[best] -= sum(LANE_WEIGHTS[lane] for lane in lanes)
            left[best] -= 1
            chosen.append(best)
        return chosen

    def sent(self, identity: Identity, lane: Lane, now: float) -> bool:
        """Note that a segment was handed to the client; return whether it had been sent before in this session."""
        self._flights[identity] = _Flight(lane, now)
        attempts = self._attempts.get(identity, 0)
        self._attempts[identity] = attempts + 1
        return attempts > 0

    def acked(self, identity: Identity) -> None:
        """Note the broker's PUBACK: the client has let go, the spool has not."""
        if (flight := self._flights.get(identity)) is not None:
            flight.acked = True

    def receipted(self, identity: Identity) -> None:
        """Note the cloud's receipt."""
        self._flights.pop(identity, None)
        self._attempts.pop(identity, None)

    def give_up_waiting(self, now: float) -> int:
        """Forget flights whose receipt is overdue, so that they are sent again; return how many.

        Only those that the broker took: within one connection TCP loses nothing, what waits for its PUBACK needs no
        second copy.
        """
        overdue = [
            identity for identity, flight in self._flights.items() if flight.acked and self._due(identity) <= now
        ]
        for identity in overdue:
            del self._flights[identity]
        return len(overdue)

    def next_due(self) -> float | None:
        """Return when the next receipt is overdue."""
        return min((self._due(identity) for identity, flight in self._flights.items() if flight.acked), default=None)

    def oldest_unacked_at(self) -> float | None:
        """Return when the segment that has waited longest for its PUBACK was handed over."""
        return min((flight.sent_at for flight in self._flights.values() if not flight.acked), default=None)

    def unacked(self) -> list[Identity]:
        """Return what was handed to the client and not taken by the broker."""
        return [identity for identity, flight in self._flights.items() if not flight.acked]

    def holds_urgent(self) -> bool:
        """Tell whether anything but backlog is in flight."""
        return any(flight.lane is not Lane.BACKLOG for flight in self._flights.values())

    def clear(self) -> None:
        """Forget everything: a new session sends all that is unreceipted again."""
        self._flights.clear()
        self._attempts.clear()

    def _due(self, identity: Identity) -> float:
        attempts = self._attempts.get(identity, 1)
        wait = min(self._timing.resend_most, self._timing.resend_first * 2.0 ** min(attempts - 1, 16))
        return self._flights[identity].sent_at + wait
