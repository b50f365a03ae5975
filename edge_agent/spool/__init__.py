"""The spool: what the agent has measured and not yet delivered, on disk. See `store` for its invariants."""

from edge_agent.spool.errors import (
    ItemRefused,
    SpoolClosed,
    SpoolCorrupt,
    SpoolError,
    SpoolFull,
    SpoolLocked,
    SpoolOfAnotherAgent,
    SpoolUnwritable,
)
from edge_agent.spool.spool import Spool
from edge_agent.spool.values import HeldSegment, Identity, Item, SpoolLimits, SpoolStats

__all__ = [
    "HeldSegment",
    "Identity",
    "Item",
    "ItemRefused",
    "Spool",
    "SpoolClosed",
    "SpoolCorrupt",
    "SpoolError",
    "SpoolFull",
    "SpoolLimits",
    "SpoolLocked",
    "SpoolOfAnotherAgent",
    "SpoolStats",
    "SpoolUnwritable",
]
