"""The books of one receiver: every message that came in is told, thinned, below the level asked for, or refused.

    received = told + thinned + below + refused

What is not told as an event of its own is told in sums: `take_sums` hands each out once. Pure.
"""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

Subject = str | None
"""The device a message is of; None for a sender that the config does not know."""


class ReceiverState(Struct, frozen=True, kw_only=True):
    """A receiver's books since the start; `refused` by reason. `fault` says why it does not listen."""

    receiver: str
    listen: str
    received_total: int
    told_total: int
    thinned_total: int
    below_total: int
    refused_total: dict[str, int]
    fault: str = ""


class Books:
    """Counts what came in and what became of it."""

    def __init__(self) -> None:
        # A question of the protocol itself, as an inform's sender asks first, counts as below too: it says nothing.
        self.received = self.told = self.below = 0
        self.thinned: Counter[Subject] = Counter()
        self.refused: Counter[str] = Counter()
        self._summed_thinned: Counter[Subject] = Counter()
        self._summed_refused: Counter[str] = Counter()

    def take_sums(self) -> tuple[dict[Subject, int], dict[str, int]]:
        """Return what was thinned by device and refused by reason since the last call."""
        thinned, refused = self.thinned - self._summed_thinned, self.refused - self._summed_refused
        self._summed_thinned, self._summed_refused = self.thinned.copy(), self.refused.copy()
        return dict(thinned), dict(refused)

    def state(self, receiver: str, listen: str, fault: str) -> ReceiverState:
        """Return the books as they stand."""
        return ReceiverState(
            receiver=receiver,
            listen=listen,
            received_total=self.received,
            told_total=self.told,
            thinned_total=self.thinned.total(),
            below_total=self.below,
            refused_total=dict(self.refused),
            fault=fault,
        )
