"""Blobs on this machine's disk, each a file of sealed chunks, named by the SHA-256 of what is in it.

Layout: `blobs/<two hex digits>/<sha256>.<size>` is whole and verified; `partial/<sha256>.<size>` is on its way, a
slot per chunk. A slot is the chunk sealed with the agent's key together with the blob's hash, the chunk's number and
the size, so that no chunk can stand in another's place; a chunk *is there when it opens*. No other note is kept of
what has arrived, so none can be wrong: a torn write or a lost sector is a chunk that is missing.

Invariants: nothing has a name below `blobs/` that was not hashed whole after its last byte was on disk; what is
pinned is never evicted, and nothing is unless that makes room enough; a partial's whole room is reserved when it is
begun, and counts against the disk's floor too. Not for several threads: one executor of its own.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar

import structlog

from edge_agent.cipher import Cipher
from edge_agent.content import room
from edge_agent.errors import EdgeError, Retry
from protocols.content import CHUNK_BYTES

SLOT_EXTRA = 29 + 48
"""What sealing adds to a chunk: the vault's own, and whose chunk it is."""
USED_EVERY_SECONDS = 60.0
IDLE_SECONDS = 600.0
"""A partial that nothing came to for so long gives way when room is needed, unless it is pinned."""
STEP_CHUNKS = 16
_NAME = re.compile(r"^([0-9a-f]{64})\.(\d{1,13})$")
Span = tuple[int, int]
"""Bytes from the first to the second, exclusive."""

log = structlog.get_logger(__name__)


class NoRoom(EdgeError):
    """There is no room for a blob, even after everything that is not needed has gone."""

    retry: ClassVar[Retry] = Retry.BACKOFF
    hint: ClassVar[str] = "free disk space, or raise [content] max_bytes"


class WrongBlob(EdgeError):
    """What came is not what its name says; it was thrown away."""

    hint: ClassVar[str] = "send it again from the beginning, under the SHA-256 of its bytes"


class BlobGone(EdgeError):
    """A blob was damaged on disk and has been removed; it is fetched again."""

    retry: ClassVar[Retry] = Retry.BACKOFF
    hint: ClassVar[str] = "ask again in a while"


@dataclass(slots=True)
class Held:
    """A whole blob."""

    size_bytes: int
    used_at: float


class BlobStore:
    """The blobs below a folder. `open` first."""

    def __init__(
        self,
        folder: Path,
        cipher: Cipher,
        *,
        max_bytes: int,
        floor_bytes: int,
        now: Callable[[], float] = time.time,
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self._blobs = folder / "blobs"
        self._partials = folder / "partial"
        self._cipher = cipher
        self._max_bytes = max_bytes
        self._floor_bytes = floor_bytes
        self._now = now
        self._free_bytes = free_bytes
        self._held: dict[str, Held] = {}
        self._lacking: dict[Path, set[int]] = {}
        """Chunks that partials still need, by file: found out once, by trying to open each."""
        self.pinned: Callable[[str], bool] = lambda _sha256: False

    def open(self) -> None:
        """Look what is there.

        Raises:
            OSError: the folder cannot be made or read.
        """
        for folder in (self._blobs, self._partials):
            folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        for path in self._blobs.glob("??/*"):
            if (match := _NAME.fullmatch(path.name)) is not None:
                self._held[match[1]] = Held(int(match[2]), path.stat().st_mtime)

    # ------------------------------------------------------------------------------------------------------- reading

    def size(self, sha256: str) -> int | None:
        """Return the size of a whole blob, or None when it is not here."""
        held = self._held.get(sha256)
        return None if held is None else held.size_bytes

    def take(self, sha256: str) -> BinaryIO:
        """Open a whole blob's file; what was opened stays readable although it is evicted meanwhile.

        Raises:
            KeyError: it is not here. BlobGone: its file vanished.
        """
        held = self._held[sha256]
        file = self._opened(sha256, held.size_bytes)
        if (now := self._now()) - held.used_at > USED_EVERY_SECONDS:
            held.used_at = now
            os.utime(file.fileno(), (now, now))
        return file

    def _opened(self, sha256: str, size_bytes: int) -> BinaryIO:
        try:
            return self._path(sha256, size_bytes).open("rb")
        except FileNotFoundError as error:
            del self._held[sha256]
            log.error("blob_vanished", sha256=sha256)
            raise BlobGone(f"blob {sha256} vanished from the disk") from error

    def chunk(self, file: BinaryIO, sha256: str, number: int) -> bytes:
        """Return one chunk of an open blob.

        Raises:
            BlobGone: it does not open; the blob was removed.
        """
        held = self._held.get(sha256)
        size_bytes = held.size_bytes if held is not None else int(_NAME.fullmatch(Path(file.name).name)[2])  # type: ignore[index]
        plain = self._read_slot(file, sha256, size_bytes, number)
        if plain is None:
            self.remove(sha256)
            log.error("blob_damaged", sha256=sha256, chunk=number)
            raise BlobGone(f"blob {sha256} was damaged on disk")
        return plain

    # ------------------------------------------------------------------------------------------------------- arriving

    def missing(self, sha256: str, size_bytes: int) -> list[Span]:
        """Return what of a blob has still to come, in whole chunks; everything when nothing of it is here."""
        if sha256 in self._held:
            return []
        lacking = self._lacks(sha256, size_bytes)
        if lacking is None:
            return [(0, size_bytes)]
        spans: list[Span] = []
        for number in sorted(lacking):
            first = number * CHUNK_BYTES
            end = min(first + CHUNK_BYTES, size_bytes)
            if spans and spans[-1][1] == first:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((first, end))
        return spans

    def _lacks(self, sha256: str, size_bytes: int) -> set[int] | None:
        path = self._partial(sha256, size_bytes)
        if path not in self._lacking:
            if not path.is_file():
                return None
            with path.open("rb") as file:
                self._lacking[path] = {
                    number
                    for number in range(_chunks(size_bytes))
                    if self._read_slot(file, sha256, size_bytes, number) is None
                }
        return self._lacking[path]

    def begin(self, sha256: str, size_bytes: int) -> None:
        """Reserve room for a blob.

        Raises:
            NoRoom: there is none.
        """
        path = self._partial(sha256, size_bytes)
        if sha256 in self._held or path.is_file():
            return
        slots = size_bytes + _chunks(size_bytes) * SLOT_EXTRA
        self._make_room(slots)
        with path.open("wb") as file:
            os.truncate(file.fileno(), slots)
        self._lacking[path] = set(range(_chunks(size_bytes)))

    def write(self, sha256: str, size_bytes: int, number: int, plain: bytes) -> None:
        """Put one chunk into its place; it counts once `settle` has returned."""
        path = self._partial(sha256, size_bytes)
        with path.open("r+b") as file:
            file.seek(number * (CHUNK_BYTES + SLOT_EXTRA))
            file.write(self._cipher.seal(_header(sha256, size_bytes, number) + plain))
        if (lacking := self._lacks(sha256, size_bytes)) is not None:
            lacking.discard(number)

    def settle(self, sha256: str, size_bytes: int) -> None:
        """Have what was written on disk."""
        path = self._partial(sha256, size_bytes)
        if path.is_file():
            _sync(path, os.O_RDONLY)

    def finish(self, sha256: str, size_bytes: int) -> bool:
        """Give a blob its name if all of it is here; False while something is missing.

        Raises:
            WrongBlob: its hash is another; everything of it was thrown away.
        """
        steps = self.finishing(sha256, size_bytes)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                return bool(done.value)

    def finishing(self, sha256: str, size_bytes: int) -> Generator[None, None, bool]:
        """Do what `finish` does in steps of a few MiB, so that readers get their turn; nobody may write meanwhile."""
        if sha256 in self._held:
            return True
        partial = self._partial(sha256, size_bytes)
        if self._lacks(sha256, size_bytes) != set():
            return False
        del self._lacking[partial]
        digest = hashlib.sha256()
        with partial.open("rb") as file:
            for number in range(_chunks(size_bytes)):
                plain = self._read_slot(file, sha256, size_bytes, number)
                if plain is None:
                    return False
                digest.update(plain)
                if number % STEP_CHUNKS == STEP_CHUNKS - 1:
                    yield
            os.fsync(file.fileno())
        if digest.hexdigest() != sha256:
            partial.unlink()
            raise WrongBlob(f"what came as {sha256} has another hash")
        path = self._path(sha256, size_bytes)
        path.parent.mkdir(exist_ok=True)
        partial.replace(path)
        for folder in (path.parent, self._blobs):
            sync_folder(folder)
        self._held[sha256] = Held(size_bytes, self._now())
        return True

    def verifying(self, sha256: str) -> Generator[None, None, bool]:
        """Read a blob whole, in steps; False when it was damaged, and then it is gone."""
        try:
            # Not `take`: being verified is no use.
            size_bytes = self._held[sha256].size_bytes
            with self._opened(sha256, size_bytes) as file:
                for number in range(_chunks(size_bytes)):
                    self.chunk(file, sha256, number)
                    if number % STEP_CHUNKS == STEP_CHUNKS - 1:
                        yield
        except (BlobGone, KeyError):
            return False
        return True

    # ---------------------------------------------------------------------------------------------------------- room

    def remove(self, sha256: str) -> None:
        """Remove a blob, whole or partial; it is gone when this returns, also after a power cut."""
        held = self._held.pop(sha256, None)
        if held is not None:
            path = self._path(sha256, held.size_bytes)
            path.unlink(missing_ok=True)
            sync_folder(path.parent)
        for path in self._partials.glob(f"{sha256}.*"):
            path.unlink(missing_ok=True)
            self._lacking.pop(path, None)
            sync_folder(self._partials)

    def expire(self, before: float) -> int:
        """Remove partials that were last written before a moment and that nobody wants; return how many."""
        gone = 0
        for path in list(self._partials.iterdir()):
            if path.stat().st_mtime < before and not self.pinned(path.name.partition(".")[0]):
                path.unlink(missing_ok=True)
                self._lacking.pop(path, None)
                gone += 1
        return gone

    @property
    def used_bytes(self) -> int:
        """Room taken by whole blobs and reserved for partials."""
        whole = sum(held.size_bytes + _chunks(held.size_bytes) * SLOT_EXTRA for held in self._held.values())
        return whole + sum(path.stat().st_size for path in self._partials.iterdir())

    def hashes(self) -> list[str]:
        """Return the hashes of whole blobs, least recently used first."""
        return sorted(self._held, key=lambda sha256: self._held[sha256].used_at)

    def _make_room(self, wanted: int) -> None:
        partials = [(path.name.partition(".")[0], path.stat()) for path in self._partials.iterdir()]
        lacking = room.lacking(
            wanted,
            used_bytes=self.used_bytes,
            promised_bytes=sum(max(0, stat.st_size - stat.st_blocks * 512) for _, stat in partials),
            free_bytes=self._free_bytes(self._blobs),
            max_bytes=self._max_bytes,
            floor_bytes=self._floor_bytes,
        )
        idle = self._now() - IDLE_SECONDS
        candidates = [
            room.Candidate(held.used_at, held.size_bytes + _chunks(held.size_bytes) * SLOT_EXTRA, sha256)
            for sha256, held in self._held.items()
        ]
        candidates += [
            room.Candidate(stat.st_mtime, stat.st_size, sha256) for sha256, stat in partials if stat.st_mtime < idle
        ]
        victims = room.chosen([one for one in candidates if not self.pinned(one.sha256)], lacking)
        if victims is None:
            raise NoRoom(f"no room for {wanted} bytes: what is here is needed")
        for one in victims:
            log.info("blob_evicted", sha256=one.sha256, freed_bytes=one.bytes)
            self.remove(one.sha256)

    def _path(self, sha256: str, size_bytes: int) -> Path:
        return self._blobs / sha256[:2] / f"{sha256}.{size_bytes}"

    def _partial(self, sha256: str, size_bytes: int) -> Path:
        return self._partials / f"{sha256}.{size_bytes}"

    def _read_slot(self, file: BinaryIO, sha256: str, size_bytes: int, number: int) -> bytes | None:
        length = min(CHUNK_BYTES, size_bytes - number * CHUNK_BYTES)
        file.seek(number * (CHUNK_BYTES + SLOT_EXTRA))
        try:
            sealed = file.read(length + SLOT_EXTRA)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return None  # a bad sector: what lay there comes back only by being fetched again
        if not sealed.strip(b"\0"):
            return None
        try:
            plain = self._cipher.open(sealed)
        except EdgeError as error:
            if error.retry is not Retry.NEVER:
                raise
            return None
        header = _header(sha256, size_bytes, number)
        return plain[len(header) :] if plain.startswith(header) else None


def _chunks(size_bytes: int) -> int:
    return -(-size_bytes // CHUNK_BYTES)


def _header(sha256: str, size_bytes: int, number: int) -> bytes:
    return bytes.fromhex(sha256) + size_bytes.to_bytes(8, "big") + number.to_bytes(8, "big")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def chunks_of(span: Span) -> Iterator[int]:
    """Return the numbers of the chunks that a range of bytes touches."""
    return iter(range(span[0] // CHUNK_BYTES, -(-span[1] // CHUNK_BYTES)))
