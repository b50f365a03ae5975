"""Blobs on disk: what is named is whole and right, whatever happened before; what is needed is never evicted."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.content import store as store_module
from edge_agent.content.store import BlobGone, BlobStore, NoRoom, WrongBlob, chunks_of
from edge_agent.vault import Vault
from protocols.content import CHUNK_BYTES

MEBIBYTE = 1024 * 1024


def opened(folder: Path, max_bytes: int = 64 * MEBIBYTE) -> BlobStore:
    store = BlobStore(folder / "content", Vault(folder).cipher(), max_bytes=max_bytes, floor_bytes=0)
    store.open()
    return store


def name_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def put(store: BlobStore, content: bytes, *numbers: int, sha256: str | None = None) -> bool:
    """Write some chunks, or all, and see whether that was everything."""
    name = sha256 or name_of(content)
    store.begin(name, len(content))
    for number in numbers or chunks_of((0, len(content))):
        store.write(name, len(content), number, content[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES])
    store.settle(name, len(content))
    return store.finish(name, len(content))


def got(store: BlobStore, name: str) -> bytes:
    size = store.size(name)
    assert size is not None
    with store.take(name) as file:
        return b"".join(store.chunk(file, name, number) for number in chunks_of((0, size)))


@settings(max_examples=25, deadline=None)
@given(
    size=st.integers(0, 5 * CHUNK_BYTES + 7),
    seed=st.integers(0, 255),
    order=st.permutations(range(6)),
    reopened=st.sets(st.integers(0, 5)),
)
def test_chunks_in_any_order_make_the_blob_however_often_the_power_goes(
    tmp_path_factory: pytest.TempPathFactory, size: int, seed: int, order: list[int], reopened: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("store")
    content = bytes((seed + place) % 251 for place in range(size % 997)) * (size // max(1, size % 997) + 1)
    content = content[:size].ljust(size, b"\7")
    name, count = name_of(content), -(-size // CHUNK_BYTES)
    store = opened(folder)
    there: set[int] = set()
    for number in [one for one in order if one < count]:
        assert not store.finish(name, size) if there or number else True
        put(store, content, number)
        there.add(number)
        if number in reopened:
            store = opened(folder)
        if len(there) < count:
            lacking = {one for span in store.missing(name, size) for one in chunks_of(span)}
            assert lacking == set(range(count)) - there
    if count == 0:
        store.begin(name, 0)
    assert store.finish(name, size)
    assert store.missing(name, size) == []
    assert got(opened(folder), name) == content


def test_a_torn_chunk_is_missing_and_nothing_else(tmp_path: Path) -> None:
    content = bytes(range(256)) * 4096  # four chunks
    name = name_of(content)
    store = opened(tmp_path)
    put(store, content, 0, 1, 2)
    partial = tmp_path / "content" / "partial" / f"{name}.{len(content)}"
    with partial.open("r+b") as file:  # the last bytes of chunk 1 never reached the disk
        file.seek(2 * (CHUNK_BYTES + store_module.SLOT_EXTRA) - 512)
        file.write(bytes(512))
    store = opened(tmp_path)
    assert store.missing(name, len(content)) == [(CHUNK_BYTES, 2 * CHUNK_BYTES), (3 * CHUNK_BYTES, 4 * CHUNK_BYTES)]
    assert put(store, content, 1, 3)
    assert got(store, name) == content


def test_a_chunk_cannot_stand_in_another_s_place(tmp_path: Path) -> None:
    content = b"a" * CHUNK_BYTES + b"b" * CHUNK_BYTES
    name = name_of(content)
    store = opened(tmp_path)
    put(store, content)
    path = tmp_path / "content" / "blobs" / name[:2] / f"{name}.{len(content)}"
    slot = CHUNK_BYTES + store_module.SLOT_EXTRA
    raw = path.read_bytes()
    path.write_bytes(raw[slot:] + raw[:slot])
    with pytest.raises(BlobGone):
        got(store, name)
    assert store.size(name) is None
    assert store.missing(name, len(content)) == [(0, len(content))]


def test_what_is_not_what_its_name_says_is_thrown_away(tmp_path: Path) -> None:
    store = opened(tmp_path)
    other = "0" * 64
    with pytest.raises(WrongBlob):
        put(store, b"something else", sha256=other)
    assert store.size(other) is None
    assert store.used_bytes == 0


def test_the_least_recently_used_goes_and_what_is_pinned_stays(tmp_path: Path) -> None:
    clock = [1000.0]
    store = BlobStore(
        tmp_path / "content", Vault(tmp_path).cipher(), max_bytes=3 * MEBIBYTE, floor_bytes=0, now=lambda: clock[0]
    )
    store.open()
    blobs = [bytes([number]) * MEBIBYTE for number in range(4)]
    pinned = name_of(blobs[0])
    store.pinned = lambda sha256: sha256 == pinned
    for blob in blobs[:2]:
        put(store, blob)
        clock[0] += 100
    got(store, pinned)
    put(store, blobs[2])  # evicts the second: the first is pinned
    assert [store.size(name_of(blob)) is not None for blob in blobs[:3]] == [True, False, True]
    store.pinned = lambda _sha256: True
    with pytest.raises(NoRoom):
        put(store, blobs[3])


def test_the_disk_keeps_its_floor(tmp_path: Path) -> None:
    store = BlobStore(
        tmp_path / "content",
        Vault(tmp_path).cipher(),
        max_bytes=64 * MEBIBYTE,
        floor_bytes=MEBIBYTE,
        free_bytes=lambda _folder: 2 * MEBIBYTE,
    )
    store.open()
    assert put(store, b"x" * 1000)
    with pytest.raises(NoRoom):
        put(store, b"y" * (MEBIBYTE + 4096))


def test_room_is_reserved_for_what_is_on_its_way(tmp_path: Path) -> None:
    store = opened(tmp_path, max_bytes=3 * MEBIBYTE)
    store.pinned = lambda _sha256: True
    store.begin("a" * 64, 2 * MEBIBYTE)
    with pytest.raises(NoRoom):
        store.begin("b" * 64, 2 * MEBIBYTE)
    store.pinned = lambda _sha256: False
    assert store.expire(before=2**40) == 1
    store.begin("b" * 64, 2 * MEBIBYTE)


def test_what_is_promised_to_others_counts_against_the_floor(tmp_path: Path) -> None:
    store = BlobStore(
        tmp_path / "content",
        Vault(tmp_path).cipher(),
        max_bytes=64 * MEBIBYTE,
        floor_bytes=MEBIBYTE,
        free_bytes=lambda _folder: 5 * MEBIBYTE,
    )
    store.open()
    store.begin("a" * 64, 2 * MEBIBYTE)
    with pytest.raises(NoRoom):
        store.begin("b" * 64, 2 * MEBIBYTE)


def test_a_blob_that_will_never_fit_evicts_nobody(tmp_path: Path) -> None:
    store = opened(tmp_path, max_bytes=3 * MEBIBYTE)
    put(store, b"x" * MEBIBYTE)
    with pytest.raises(NoRoom):
        store.begin("a" * 64, 2**33)
    assert store.size(name_of(b"x" * MEBIBYTE)) is not None


def test_half_a_file_that_nobody_goes_on_with_gives_way(tmp_path: Path) -> None:
    store = opened(tmp_path, max_bytes=3 * MEBIBYTE)
    store.begin("a" * 64, 2 * MEBIBYTE)
    with pytest.raises(NoRoom):
        put(store, b"x" * 2 * MEBIBYTE)
    partial = tmp_path / "content" / "partial" / f"{'a' * 64}.{2 * MEBIBYTE}"
    old = partial.stat().st_mtime - store_module.IDLE_SECONDS - 1
    os.utime(partial, (old, old))
    assert put(store, b"x" * 2 * MEBIBYTE)
    assert not partial.exists()


class PowerCut(Exception):
    """Nothing happens after this."""


class Disk:
    """Lets so many operations through and loses, at the cut, the chunks that were written and not synced."""

    def __init__(self, patched: pytest.MonkeyPatch, operations: int) -> None:
        self._left = operations
        self._unsynced: set[tuple[Path, int]] = set()
        self._fsync_for_real = os.fsync
        self._write_for_real = BlobStore.write
        patched.setattr(os, "fsync", self._fsync)
        patched.setattr(BlobStore, "write", self._written())
        for name in ("replace", "unlink", "mkdir"):
            patched.setattr(Path, name, self._guarded(getattr(Path, name)))

    def _count(self) -> None:
        if self._left == 0:
            for path, number in self._unsynced:
                if path.exists():
                    with path.open("r+b") as file:
                        file.seek(number * (CHUNK_BYTES + store_module.SLOT_EXTRA) + 500)
                        file.write(bytes(1000))
            raise PowerCut
        self._left -= 1

    def _guarded(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*arguments: Any, **options: Any) -> Any:
            self._count()
            return real(*arguments, **options)

        return operation

    def _fsync(self, descriptor: int) -> None:
        self._count()
        synced = Path(f"/proc/self/fd/{descriptor}").readlink()
        self._unsynced = {one for one in self._unsynced if one[0] != synced}
        self._fsync_for_real(descriptor)

    def _written(self) -> Callable[..., None]:
        def write(store: BlobStore, sha256: str, size_bytes: int, number: int, plain: bytes) -> None:
            self._count()
            self._write_for_real(store, sha256, size_bytes, number, plain)
            self._unsynced.add((store._partial(sha256, size_bytes), number))

        return write


@pytest.mark.parametrize("operations", range(22))
def test_a_power_cut_anywhere_costs_time_and_never_truth(
    operations: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = random.Random(operations).randbytes(3 * CHUNK_BYTES + 17)
    name, size = name_of(content), len(content)
    store = opened(tmp_path)
    put(store, b"the key is made before")
    cut = False
    with monkeypatch.context() as patched:
        Disk(patched, operations)
        try:
            for number in range(4):
                put(store, content, number)
        except PowerCut:
            cut = True
    assert cut == (operations < 13)
    store = opened(tmp_path)
    if store.size(name) is None:
        assert cut
        lacking = {number for span in store.missing(name, size) for number in chunks_of(span)}
        assert put(store, content, *lacking) if lacking else store.finish(name, size)
    assert got(store, name) == content


def test_what_a_pupil_handed_in_is_in_no_file_in_the_clear(tmp_path: Path) -> None:
    secret = b"my homework about the sea" * 100
    put(opened(tmp_path), secret)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"homework" not in path.read_bytes()
