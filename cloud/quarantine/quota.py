"""How much one agent may have in quarantine: a bound on what a broken or hostile agent can fill the disk with.

What goes beyond it is neither kept nor receipted, so it stays with the agent that made it and comes again: nothing
vanishes, and the one agent's queue is held up instead of everybody's database. Counted anew from the table each time,
so that a transaction that is rolled back leaves no trace; several workers at once may overshoot by a batch each.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from psycopg import AsyncCursor

from cloud.quarantine import repository
from cloud.quarantine.models import NewEntry

LEAST_BYTES = 4096
"""What the smallest entry counts for: rows cost disk too, and a hundred thousand of them cost time to list."""
LOOK_AGAIN_SECONDS = 10.0
"""How long an agent that has no room is not counted anew."""
HINT = "see `bellwether quarantine list`; replay what can be, or raise [ingest] quarantine_bytes_per_agent"

_log = structlog.get_logger(__name__)


class Quota:
    """Decides which entries are kept; remembers only which agents had no room, and when to look again."""

    def __init__(self, bytes_per_agent: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._bytes_per_agent = bytes_per_agent
        self._monotonic = monotonic
        self._full_until: dict[str, float] = {}

    async def admit(self, cursor: AsyncCursor[Any], entries: Sequence[NewEntry]) -> list[bool]:
        """Tell of each entry whether it may be kept, inside the transaction that will insert it.

        What is kept already always may: it takes no more room, and its agent must be told again.
        """
        if not entries:
            return []
        now = self._monotonic()
        agents = {entry.agent for entry in entries}
        asked = {agent for agent in agents if self._full_until.get(agent, -math.inf) <= now}
        used = await repository.used_bytes(cursor, asked, LEAST_BYTES)
        kept = await repository.kept(cursor, entries)
        admitted: list[bool] = []
        turned_away: set[str] = set()
        for entry in entries:
            key = (entry.agent, entry.content_hash, entry.reason)
            size_bytes = max(len(entry.payload), LEAST_BYTES)
            if key not in kept and entry.agent in asked:
                used[entry.agent] = used.get(entry.agent, 0) + size_bytes
                if used[entry.agent] <= self._bytes_per_agent:
                    kept.add(key)
            admitted.append(key in kept)
            if key not in kept:
                turned_away.add(entry.agent)
        self._remember(asked, turned_away, now)
        return admitted

    def _remember(self, asked: set[str], turned_away: set[str], now: float) -> None:
        for agent in asked & turned_away:
            if agent not in self._full_until:
                _log.warning("quarantine_full", agent=agent, bytes_per_agent=self._bytes_per_agent, hint=HINT)
            self._full_until[agent] = now + LOOK_AGAIN_SECONDS
        for agent in asked - turned_away:
            if self._full_until.pop(agent, None) is not None:
                _log.info("quarantine_has_room", agent=agent)
