"""What an agent remembers of its terminals over a restart: a small file beside the spool.

Losing it does no harm: the terminals are seen for the first time again, without events. It is therefore written by
rename and without fsync, and an unreadable one counts as none.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from edge_agent.terminals.presence import Remembered

FILE_NAME = "terminals.json"

_decoder = msgspec.json.Decoder(list[Remembered])


def recall(folder: Path) -> list[Remembered] | None:
    """Return what was remembered, or None when nothing readable is there."""
    try:
        return _decoder.decode((folder / FILE_NAME).read_bytes())
    except (OSError, msgspec.DecodeError):
        return None


def remember(folder: Path, terminals: Sequence[Remembered]) -> None:
    """Replace what is remembered.

    Raises:
        OSError: the disk refuses.
    """
    fresh = folder / (FILE_NAME + ".new")
    fresh.write_bytes(msgspec.json.encode(terminals))
    fresh.replace(folder / FILE_NAME)
