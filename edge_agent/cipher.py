"""How rooms of the agent make what they store unreadable for others, without knowing how keys are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cipher:
    """`seal` encrypts with this agent's key; `open` raises EdgeError for what another key sealed, or was changed."""

    seal: Callable[[bytes], bytes]
    open: Callable[[bytes], bytes]
