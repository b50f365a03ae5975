"""Which files were handed in here and are not at the centre yet: one empty file each, named `<sha256>.<size>`.

Its name is on disk before whoever handed the file in is told that it is safe. Everything but looking blocks.
"""

from __future__ import annotations

import re
from pathlib import Path

from edge_agent.content.store import sync_folder

_NAME = re.compile(r"^([0-9a-f]{64})\.(\d{1,13})$")


class Uploads:
    """The notes of one agent. `load` first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sizes: dict[str, int] = {}

    def load(self) -> None:
        """Read the notes.

        Raises:
            OSError: the folder cannot be made or read.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        for path in self._folder.iterdir():
            if (match := _NAME.fullmatch(path.name)) is not None:
                self._sizes[match[1]] = int(match[2])

    def __contains__(self, sha256: str) -> bool:
        """Tell whether a file is noted."""
        return sha256 in self._sizes

    def all(self) -> list[tuple[str, int]]:
        """Return hash and size of every file that is noted."""
        return list(self._sizes.items())

    def add(self, sha256: str, size_bytes: int) -> None:
        """Note a file; durable when it returns.

        Raises:
            OSError.
        """
        (self._folder / f"{sha256}.{size_bytes}").touch()
        sync_folder(self._folder)
        self._sizes[sha256] = size_bytes

    def discard(self, sha256: str) -> None:
        """Forget a file; one that is not noted changes nothing.

        Raises:
            OSError.
        """
        size_bytes = self._sizes.get(sha256)
        if size_bytes is not None:
            (self._folder / f"{sha256}.{size_bytes}").unlink(missing_ok=True)
            sync_folder(self._folder)
            del self._sizes[sha256]
