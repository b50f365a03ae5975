"""One starter per home: a file lock that dies with its holder, so a crashed demo never blocks the next one."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from ops.embedded.errors import EmbeddedServiceUnavailable


class StarterLock:
    """The right to start and stop the server of one folder."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._descriptor: int | None = None

    def acquire(self, folder: Path) -> None:
        """Take the lock; nothing happens if this object has it already.

        Raises:
            EmbeddedServiceUnavailable: another process, or another object of this one, has it.
        """
        if self._descriptor is not None:
            return
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise EmbeddedServiceUnavailable(
                f"the {self._what} in {folder} is already in use by process {holder or '?'}",
                "stop that Bellwether first, or set BELLWETHER_HOME to another folder",
            ) from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode("ascii"), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
