"""How rooms of the agent make what they store unreadable for others, without knowing how keys are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cipher:
    """`seal` encrypts with this agent's key, `open` decrypts.

    Both raise EdgeError: of `Retry.NEVER` for what another key sealed or what was changed, else when there is no key at
    the moment.
    """

    seal: Callable[[bytes], bytes]
    open: Callable[[bytes], bytes]
