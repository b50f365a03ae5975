"""Which blobs give way to a new one. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Candidate(NamedTuple):
    """What may be removed: when it was last used, what it takes or was promised, and whose it is."""

    used_at: float
    bytes: int
    sha256: str


def lacking(
    needed: int, *, used_bytes: int, promised_bytes: int, free_bytes: int, max_bytes: int, floor_bytes: int
) -> int:
    """Return how many bytes must go before `needed` more fit below the limit and above the floor; 0 if they fit.

    `promised_bytes` are part of `used_bytes`, but not on disk yet.
    """
    over = used_bytes + needed - max_bytes if needed else 0
    return max(0, over, floor_bytes + promised_bytes + needed - free_bytes)


def chosen(candidates: Iterable[Candidate], lacking_bytes: int) -> list[Candidate] | None:
    """Return what goes, longest unused first; None when all of it together would not do."""
    result: list[Candidate] = []
    freed = 0
    for one in sorted(candidates, key=lambda one: one.used_at):
        if freed >= lacking_bytes:
            break
        result.append(one)
        freed += one.bytes
    return result if freed >= lacking_bytes else None
