"""What a cache meets over months: bad sectors, files that vanish, checks in the background, an urgent lesson."""

from __future__ import annotations

import random
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge_agent.content import BlobGone, BlobStore, Source
from edge_agent.lan import LanServer
from edge_agent.vault import Vault
from protocols.content import CHUNK_BYTES, Content, Manifest, Resource
from protocols.records import Part
from tests.edge_agent.content.test_cache import FILM, NAME, agent, line_to, put, until, wanted
from tests.edge_agent.content.test_store import MEBIBYTE, got, name_of, opened
from tests.edge_agent.content.test_store import put as put_into


class BadSector:
    """A file of which one place cannot be read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.name = file.name

    def seek(self, place: int) -> int:
        return self._file.seek(place)

    def read(self, _size: int) -> bytes:
        raise OSError(5, "Input/output error")

    def close(self) -> None:
        self._file.close()


def test_a_blob_in_a_bad_sector_is_given_up_like_a_damaged_one(tmp_path: Path) -> None:
    store = opened(tmp_path)
    content = b"x" * 1000
    put_into(store, content)
    with store.take(name_of(content)) as file, pytest.raises(BlobGone):
        store.chunk(BadSector(file), name_of(content), 0)  # type: ignore[arg-type]
    assert store.size(name_of(content)) is None


def test_a_blob_whose_file_vanished_is_not_here(tmp_path: Path) -> None:
    store = opened(tmp_path)
    content = b"x" * 1000
    put_into(store, content)
    next((tmp_path / "content" / "blobs").rglob(f"{name_of(content)}.*")).unlink()
    with pytest.raises(BlobGone):
        store.take(name_of(content))
    assert store.missing(name_of(content), 1000) == [(0, 1000)]
    put_into(store, content)
    assert got(store, name_of(content)) == content


async def test_a_file_that_vanished_is_fetched_again(tmp_path: Path) -> None:
    async with (
        agent(tmp_path / "centre") as centre,
        agent(tmp_path / "gateway", origin=Source(f"{centre.url}/v1/blobs")) as gateway,
    ):
        await put(centre.url, FILM)
        gateway.cache.want(wanted(FILM))
        await until(lambda: gateway.cache.size(NAME) is not None, "it is whole")
        next((tmp_path / "gateway" / "content" / "blobs").rglob(f"{NAME}.*")).unlink()
        with pytest.raises(BlobGone):
            await anext(gateway.cache.read(NAME, 0, 10))
        await until(lambda: gateway.cache.size(NAME) is not None, "it was fetched again")


def test_a_check_in_the_background_is_no_use(tmp_path: Path) -> None:
    """What is verified does not outlive, for that, what pupils read an hour ago."""
    clock = [10_000.0]
    store = BlobStore(
        tmp_path / "content", Vault(tmp_path).cipher(), max_bytes=3 * MEBIBYTE, floor_bytes=0, now=lambda: clock[0]
    )
    store.open()
    unused, read, fresh = (bytes([number]) * MEBIBYTE for number in range(3))
    for blob in (unused, read):
        put_into(store, blob)
    clock[0] += 3600
    got(store, name_of(read))
    clock[0] += 3600
    assert list(store.verifying(name_of(unused))) == []
    put_into(store, fresh)
    assert store.size(name_of(unused)) is None
    assert store.size(name_of(read)) is not None


def urgent_after(big: bytes, urgent: bytes) -> Content:
    def manifest(name: str, content: bytes, before_ms: int | None) -> Manifest:
        blob = Part(sha256=name_of(content), size_bytes=len(content))
        resource = Resource(resource=f"r-{name}", title=name, blob=blob)
        return Manifest(manifest=name, token="0" * 32, title=name, resources=[resource], before_ms=before_ms)

    return Content(manifests=[manifest("m-1", big, None), manifest("m-2", urgent, 1_795_000_000_000)])


async def test_what_the_next_lesson_needs_does_not_wait_for_what_has_time(tmp_path: Path) -> None:
    big = random.Random(1).randbytes(16 * CHUNK_BYTES)
    urgent = random.Random(2).randbytes(1000)
    async with agent(tmp_path / "centre") as centre:
        await put(centre.url, big)
        await put(centre.url, urgent)
        async with (
            line_to(centre.url, bandwidth_bps=8_000_000) as line,
            agent(tmp_path / "gateway", origin=Source(f"http://127.0.0.1:{line.port}/v1/blobs")) as gateway,
        ):
            gateway.cache.want(wanted(big))
            await until(lambda: 0 < (gateway.cache.missing_bytes() or 0) < len(big), "the big one has begun")
            gateway.cache.want(urgent_after(big, urgent))
            await until(lambda: gateway.cache.size(name_of(urgent)) is not None, "the urgent one is here")
            assert gateway.cache.size(name_of(big)) is None
            line.bandwidth_bps = None
            await until(lambda: gateway.cache.size(name_of(big)) is not None, "the big one went on")
            assert line.bytes_down_total < len(big) * 1.15 + len(urgent)


async def test_an_attachment_that_lost_its_room_before_it_was_pinned_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between being whole and being noted for the centre, somebody else takes the room: nobody may call it safe."""
    photo = b"p" * MEBIBYTE
    async with agent(tmp_path, centre=Source("http://127.0.0.1:1/v1/blobs")) as gateway:
        store = gateway.cache._store
        finish = gateway.cache._in_steps

        async def crowded(work: Generator[None, None, bool]) -> bool:
            done = await finish(work)
            store._max_bytes = 2 * MEBIBYTE
            store.begin("b" * 64, MEBIBYTE + MEBIBYTE // 2)
            return done

        with monkeypatch.context() as patched:
            patched.setattr(gateway.cache, "_in_steps", crowded)
            answer = await put(gateway.url, photo)
        assert (answer.status_code, answer.json()["missing"]) == (202, [[0, MEBIBYTE]])
        store.remove("b" * 64)
        assert (await put(gateway.url, photo)).status_code == 201
        assert store.pinned(name_of(photo))


async def test_what_came_and_is_wrong_is_not_counted_as_here(tmp_path: Path) -> None:
    """Somebody on the way answers with other bytes: the centre must not be told that the class is ready."""

    async def other_bytes(_request: Request) -> Response:
        return Response(bytes(len(FILM)), 206)

    server = LanServer(Starlette(routes=[Route("/{path:path}", other_bytes)]), "127.0.0.1", 0)
    await server.start()
    try:
        async with agent(tmp_path, origin=Source(f"http://127.0.0.1:{server.port}/v1/blobs")) as gateway:
            seen: list[int | None] = []
            finish = gateway.cache._store.finishing

            def watched(sha256: str, size_bytes: int) -> Generator[None, None, bool]:
                seen.append(gateway.cache.missing_bytes())
                return (yield from finish(sha256, size_bytes))

            gateway.cache._store.finishing = watched  # type: ignore[method-assign]
            gateway.cache.want(wanted(FILM))
            await until(lambda: bool(seen), "all of it came")
            await until(lambda: gateway.cache.missing_bytes() == len(FILM), "all of it is missing again")
            assert 0 not in seen
            assert not gateway.cache.readiness()[0].ready
    finally:
        await server.stop()


async def test_what_was_handed_in_leaves_nothing_in_memory(tmp_path: Path) -> None:
    async with agent(tmp_path) as gateway:
        for number in range(3):
            assert (await put(gateway.url, bytes([number]) * 1000)).status_code == 201
        assert gateway.cache._remaining == {}
