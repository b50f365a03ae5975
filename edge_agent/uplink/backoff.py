"""Back-off with full jitter: hundreds of agents must not come back in step. Pure; the random source is passed in.

Source: M. Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015): full jitter does the least total
work.
"""

from __future__ import annotations

from random import Random


class Backoff:
    """Waiting times between attempts, in seconds."""

    def __init__(self, random: Random, first_seconds: float, most_seconds: float) -> None:
        self._random = random
        self._first_seconds = first_seconds
        self._most_seconds = most_seconds
        self._attempts = 0

    def next_seconds(self) -> float:
        """Return a time anywhere between 0 and the current ceiling, which doubles with each attempt."""
        ceiling = min(self._most_seconds, self._first_seconds * 2 ** min(self._attempts, 32))
        self._attempts += 1
        return self._random.uniform(0, ceiling)

    def most_seconds(self) -> float:
        """Return the longest waiting time, jittered over its upper half: for what only a person can put right."""
        return self._random.uniform(self._most_seconds / 2, self._most_seconds)

    def reset(self) -> None:
        """Begin anew after a success."""
        self._attempts = 0
