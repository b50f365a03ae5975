"""Blobs on disk: half uploads that can be gone on with, whole files under their SHA-256. Knows neither HTTP nor SQL.

On disk, below the content folder::

    blobs/ab/abcd…           a whole blob, read back and verified before it got this name
    partial/{sha256}-{size}  bytes received so far, sparse
    partial/{…}.held         the spans of it that are on disk, as JSON

Invariants: `.held` is written after the bytes it names were synced, so a power cut only makes it name too little; a
name below `blobs/` is given by one rename after the hash was right; a wrong hash discards the half upload. The declared
size is part of the name, so that a wrong size spoils nobody else's upload. Several processes may share the folder: a
lock on the half upload orders them. Everything here blocks; call it off the event loop.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from cloud.errors import CloudError
from protocols.ranges import Span, joined, missing

READ_BYTES = 1024 * 1024
_PARTIAL = re.compile(r"[0-9a-f]{64}-\d+(\.held~?)?")


class ContentDiskFull(CloudError):
    """Taking more would go below the floor of the content folder's disk."""

    retryable = True
    hint = "Free space on the disk of [content] folder, or lower [content] free_floor_bytes."


class ContentFolderUnusable(CloudError):
    """The content folder cannot be written to."""

    retryable = True
    hint = "Check [content] folder: it must exist or be makeable, and belong to the centre's own user."


class HashMismatch(CloudError):
    """The whole file does not have the hash that it was sent under; what was received is discarded."""

    hint = "Send the file again under the SHA-256 of its bytes."


class BlobStore:
    """The content folder. Making it has no effect; folders are made when something is written."""

    def __init__(self, folder: Path, *, free_floor_bytes: int) -> None:
        self.folder = folder
        self._free_floor_bytes = free_floor_bytes

    def path(self, sha256: str) -> Path:
        """Return where the whole blob is, if it is."""
        return self.folder / "blobs" / sha256[:2] / sha256

    def missing(self, sha256: str, size_bytes: int) -> list[Span]:
        """Return what a half upload still needs, in whole chunks; everything when there is none."""
        return missing(_held(self._partial_path(sha256, size_bytes)), size_bytes)

    def begin(self, sha256: str, size_bytes: int, incoming_bytes: int) -> Partial:
        """Open the half upload for `incoming_bytes` more.

        Raises:
            ContentDiskFull: they would not leave the floor free.
            ContentFolderUnusable: nothing can be written there.
        """
        folder = self.folder / "partial"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            free_bytes = shutil.disk_usage(folder).free
            if free_bytes - incoming_bytes >= self._free_floor_bytes:
                return Partial(self, self._partial_path(sha256, size_bytes), sha256, size_bytes)
        except OSError as error:
            raise ContentFolderUnusable(f"nothing can be written below {self.folder}: {error}") from error
        raise ContentDiskFull(
            f"{incoming_bytes} more would leave less than the floor of {self._free_floor_bytes}: {free_bytes} are free"
        )

    def adopt(self, sha256: str, size_bytes: int) -> bool:
        """Tell whether a whole blob lies there although nobody noted it; a damaged one is removed.

        This is what a crash between the rename and the database's commit leaves behind.
        """
        path = self.path(sha256)
        if not path.exists() or path.stat().st_size != size_bytes:
            return False
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
                return True
        path.unlink(missing_ok=True)
        return False

    def remove(self, sha256: str) -> None:
        """Remove a whole blob, if it is there."""
        self.path(sha256).unlink(missing_ok=True)

    def expire(self, before: float) -> int:
        """Remove half uploads that were last written before that moment (epoch seconds); return how many."""
        folder = self.folder / "partial"
        removed = 0
        for path in list(folder.iterdir()) if folder.is_dir() else []:
            if _PARTIAL.fullmatch(path.name) and _older(path, before):
                path.unlink(missing_ok=True)
                removed += not path.suffix
        return removed

    def _partial_path(self, sha256: str, size_bytes: int) -> Path:
        return self.folder / "partial" / f"{sha256}-{size_bytes}"


class Partial:
    """One writer of a half upload; others may write other spans at the same time."""

    def __init__(self, store: BlobStore, path: Path, sha256: str, size_bytes: int) -> None:
        self._store = store
        self._path = path
        self._sha256 = sha256
        self._size_bytes = size_bytes
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)

    def write(self, offset: int, data: bytes) -> None:
        """Write bytes at their place; they count once `keep` has named them.

        Raises:
            ContentDiskFull: the disk is full.
        """
        view = memoryview(data)
        try:
            while view:
                written = os.pwrite(self._descriptor, view, offset)
                view, offset = view[written:], offset + written
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise ContentDiskFull(f"the disk of {self._store.folder} is full") from error
            raise

    def keep(self, span: Span) -> list[Span]:
        """Sync what was written and note that `span` is there; return what is missing, nothing once the blob is whole.

        Raises:
            HashMismatch: everything has arrived and is not what it was sent as; the half upload is gone.
        """
        os.fsync(self._descriptor)
        with self._lock():
            if not self._is_current():  # somebody else completed or discarded it, and these bytes with it
                return [] if self._store.path(self._sha256).exists() else missing([], self._size_bytes)
            held = joined([*_held(self._path), span])
            left = missing(held, self._size_bytes)
            if left:
                _write_held(self._path, held)
            else:
                self._complete()
            return left

    def _complete(self) -> None:
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            file.seek(0)
            found = hashlib.file_digest(file, "sha256").hexdigest()
        _held_path(self._path).unlink(missing_ok=True)
        if found != self._sha256:
            self._path.unlink(missing_ok=True)
            raise HashMismatch(f"the {self._size_bytes} bytes sent as {self._sha256} have the SHA-256 {found}")
        target = self._store.path(self._sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        self._path.replace(target)
        for folder in (target.parent, target.parent.parent, self._path.parent):
            sync_folder(folder)

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.stat())
        except FileNotFoundError:
            return False

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _held_path(partial: Path) -> Path:
    return partial.with_name(partial.name + ".held")


def _held(partial: Path) -> list[Span]:
    """Return the spans on disk; none when the note is missing or was torn, for then the bytes are sent again."""
    try:
        spans = json.loads(_held_path(partial).read_bytes())
        size = partial.stat().st_size
        return joined((min(start, size), min(end, size)) for start, end in spans)
    except (FileNotFoundError, ValueError):
        return []


def _write_held(partial: Path, held: list[Span]) -> None:
    path = _held_path(partial)
    fresh = path.with_name(path.name + "~")
    fresh.write_text(json.dumps(held), encoding="ascii")
    fresh.replace(path)


def _older(path: Path, before: float) -> bool:
    try:
        return path.stat().st_mtime < before
    except FileNotFoundError:
        return False
