"""Segments at which the broker closes the connection, and when to stop trying them. Pure.

A message that the broker will not carry must not block the queue for ever (paho.mqtt.python#760: the same oversize
message sent every three seconds, for gigabytes), but a flapping line must not cost a good segment either. So blame
falls on a segment only when the broker ended the connection while exactly that one was unacknowledged; a broker that
says "too large" counts for much, a connection that just closed for little, and one PUBACK clears the segment. Until
it is cleared or convicted, segments travel one at a time and suspects last. Every session's birth that is
acknowledged in between shows that the line itself carries messages.

A middlebox may end every connection at its first segment while births pass. Then no segment is to blame: after
`MOST_CONVICTED` in a row without one that passed, connections that merely close convict no more; all stays held.
"""

from __future__ import annotations

from edge_agent.spool import Identity
from edge_agent.uplink.values import Loss

CONVICTED_AT = 20
BLAME_NAMED = 4
BLAME_UNNAMED = 1
MOST_CONVICTED = 3
CAREFUL_PASSES = 32
"""Segments that must pass one at a time, after a loss with several under way, before the window opens again."""


class Suspects:
    """Blame by segment."""

    def __init__(self) -> None:
        self._blame: dict[Identity, int] = {}
        self._careful_left = 0
        self._convicted_in_row = 0

    @property
    def careful(self) -> bool:
        """Whether to hand over one segment at a time."""
        return self._careful_left > 0 or bool(self._blame)

    @property
    def known(self) -> frozenset[Identity]:
        """Segments under suspicion, to be tried after all others."""
        return frozenset(self._blame)

    def lost(self, unacked: list[Identity], loss: Loss) -> Identity | None:
        """Note the end of a connection; return a segment that is now convicted, if any."""
        if not loss.by_broker or not unacked:
            return None
        self._careful_left = CAREFUL_PASSES
        if len(unacked) > 1:
            return None
        if not loss.too_large and self._convicted_in_row >= MOST_CONVICTED:
            return None
        return self._blame_one(unacked[0], BLAME_NAMED if loss.too_large else BLAME_UNNAMED)

    def refused(self, identity: Identity) -> Identity | None:
        """Note a PUBACK that says a segment is too large or malformed; return it when it is now convicted."""
        return self._blame_one(identity, BLAME_NAMED)

    def passed(self, identity: Identity) -> None:
        """Note that the broker took a segment."""
        self._blame.pop(identity, None)
        self._convicted_in_row = 0
        self._careful_left = max(0, self._careful_left - 1)

    def _blame_one(self, identity: Identity, amount: int) -> Identity | None:
        blame = self._blame.get(identity, 0) + amount
        if blame < CONVICTED_AT:
            self._blame[identity] = blame
            return None
        self._blame.pop(identity, None)
        self._careful_left = 0
        self._convicted_in_row += 1
        return identity
