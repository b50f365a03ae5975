"""The edge's error tree. Each class says whether trying again can help and gives the operator a hint."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar


class Retry(Enum):
    """Whether and how to try again."""

    NEVER = "never"
    BACKOFF = "backoff"
    MAX_BACKOFF = "max_backoff"


class EdgeError(Exception):
    """Something on the edge went wrong."""

    retry: ClassVar[Retry] = Retry.NEVER
    hint: ClassVar[str] = ""
