"""Erasures at the edge: each tombstone is executed once, and that it was is remembered on disk.

What an agent holds of a person, and what an erasure does to it:

- the memory of records (`records.db`): what the person's records said goes, their ids stay, so that an app that sends
  one again does not bring it back;
- what other rooms keep in memory or journals: they are told by `Documents.on_change` and drop it themselves;
- records in the spool that are not receipted yet: they stay, sealed with the agent's key, until the centre has taken
  them, and the centre, which knows the tombstone, erases them on arrival. Their segments hold other pupils' records
  too, may be at the centre already, and their bytes never change (`edge_agent.spool.store`, invariant 7), which is
  what lets the books close;
- files that were handed in and that nothing else needs: they are removed from the content cache, those that the centre
  knows and those that only records here refer to, so that what was handed in while the line was cut is never brought;
- a damaged segment that was set aside: it is sealed, and goes with the file.

The ids are written after the work: a death in between does it again, which changes nothing.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Protocol

import msgspec
import structlog

from edge_agent.durable import replace_durably
from protocols.desired import Erasures

FILE_NAME = "erased.json"

ForgetBlobs = Callable[[Sequence[str]], Awaitable[None]]
"""Removes files by their SHA-256; raises OSError when the disk refuses."""


class Found(Protocol):
    """What was forgotten: how many records, and the SHA-256 of files that only they referred to."""

    @property
    def records(self) -> int:
        """Records that were forgotten."""
        ...

    @property
    def files(self) -> Sequence[str]:
        """Files to remove."""
        ...


Forget = Callable[[str, Sequence[str]], Awaitable[Found]]
"""Forgets what is kept of a person, or of the records that are named; raises sqlite3.Error when the disk refuses."""

log = structlog.get_logger(__name__)
_decoder = msgspec.json.Decoder(set[str])


class Erasing:
    """Executes tombstones. `load` first; belongs to one event loop."""

    def __init__(
        self, folder: Path, forget: Forget, executor: Executor, forget_blobs: ForgetBlobs | None = None
    ) -> None:
        self._path = folder / FILE_NAME
        self._forget = forget
        self._forget_blobs = forget_blobs
        self._executor = executor
        self._done: set[str] = set()
        self.fault = ""

    async def load(self) -> None:
        """Read which tombstones were executed; without a readable file they are executed again."""
        loop = asyncio.get_running_loop()
        try:
            self._done = _decoder.decode(await loop.run_in_executor(self._executor, self._path.read_bytes))
        except FileNotFoundError:
            self._done = set()
        except (OSError, msgspec.DecodeError) as error:
            log.warning("erasures_done_unreadable", file=str(self._path), reason=str(error))

    def erased(self) -> list[str]:
        """Return the tombstones that were executed, of those in force."""
        return sorted(self._done)

    async def apply(self, erasures: Erasures) -> bool:
        """Execute what was not executed yet; return whether all of it is done. `fault` says what kept it from being."""
        self.fault = ""
        wanted = {one.erasure for one in erasures.tombstones}
        done = self._done & wanted
        for tombstone in erasures.tombstones:
            if tombstone.erasure in done:
                continue
            try:
                found = await self._forget(tombstone.subject, tombstone.records)
                if self._forget_blobs is not None:
                    await self._forget_blobs([*tombstone.blobs, *found.files])
            except (sqlite3.Error, OSError) as error:
                self.fault = f"what is kept of a person cannot be removed: {error}"
                log.error("erasure_not_applied", erasure=tombstone.erasure, reason=str(error))
                continue
            done.add(tombstone.erasure)
            log.info("erasure_applied", erasure=tombstone.erasure, records=found.records, files=len(found.files))
        if done != self._done:
            try:
                content = msgspec.json.encode(sorted(done))
                await asyncio.get_running_loop().run_in_executor(self._executor, self._write, content)
            except OSError as error:
                self.fault = f"the erasures done cannot be written down: {error}"
                log.error("erasures_done_not_written", file=str(self._path), reason=str(error))
                return False
            self._done = done
        return done >= wanted

    def _write(self, content: bytes) -> None:
        self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        replace_durably(self._path, content)
