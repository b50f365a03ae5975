"""Blobs over real HTTP: resumed after a cut, refused with a wrong hash, free when they are there, read in ranges."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from pathlib import Path

import httpx
import pytest

from cloud.content.store import BlobStore, HashMismatch, Partial
from protocols.content import CHUNK_BYTES, MAX_BLOB_BYTES

SIZE = 3 * CHUNK_BYTES + 1000


@pytest.fixture
def blob() -> bytes:
    return os.urandom(SIZE)


@pytest.fixture
def sha256(blob: bytes) -> str:
    return hashlib.sha256(blob).hexdigest()


@pytest.fixture
def url(sha256: str) -> str:
    return f"/api/v1/content/blobs/{sha256}"


@pytest.fixture
def folder(api_settings) -> Path:
    return Path(api_settings.content.folder)


async def ranges(api: httpx.AsyncClient, url: str) -> list[list[int]]:
    answer = await api.get(f"{url}/missing", params={"size_bytes": SIZE})
    assert answer.status_code == 200
    return answer.json()["missing"]


async def put_range(api: httpx.AsyncClient, url: str, blob: bytes, start: int, end: int) -> httpx.Response:
    return await api.put(
        url, content=blob[start:end], headers={"content-range": f"bytes {start}-{end - 1}/{len(blob)}"}
    )


async def test_a_whole_blob_is_stored_once_and_read_back(api, blob, sha256, url, folder):
    assert await ranges(api, url) == [[0, SIZE]]
    assert (await api.get(url)).status_code == 404
    stored = await api.put(url, content=blob, headers={"content-type": "video/mp4"})
    assert (stored.status_code, stored.json()) == (201, {"size_bytes": SIZE, "missing": []})
    assert (folder / "blobs" / sha256[:2] / sha256).read_bytes() == blob
    assert list((folder / "partial").iterdir()) == []
    assert await ranges(api, url) == []
    again = await api.put(url, content=blob)
    assert (again.status_code, again.json()["missing"]) == (200, [])
    read = await api.get(url)
    assert read.content == blob
    assert read.headers["content-type"] == "video/mp4"
    assert read.headers["etag"] == f'"{sha256}"'
    assert "content-encoding" not in read.headers
    assert (await api.get(url, headers={"if-none-match": f'"{sha256}"'})).status_code == 304


async def test_ranges_arrive_in_any_order(api, blob, url):
    first = await put_range(api, url, blob, 2 * CHUNK_BYTES, SIZE)
    assert (first.status_code, first.json()["missing"]) == (202, [[0, 2 * CHUNK_BYTES]])
    assert (await put_range(api, url, blob, CHUNK_BYTES, 2 * CHUNK_BYTES)).json()["missing"] == [[0, CHUNK_BYTES]]
    assert (await put_range(api, url, blob, 0, CHUNK_BYTES)).status_code == 201
    assert (await api.get(url)).content == blob


async def test_an_upload_cut_in_its_middle_goes_on_where_it_was(api, api_server, blob, sha256, url):
    _reader, writer = await asyncio.open_connection("127.0.0.1", api_server.port)
    writer.write(f"PUT {url} HTTP/1.1\r\nhost: x\r\ncontent-length: {SIZE}\r\n\r\n".encode())
    writer.write(blob[: 2 * CHUNK_BYTES + 10])
    await writer.drain()
    await asyncio.sleep(0.2)
    writer.transport.abort()
    async with asyncio.timeout(20):
        while (left := await ranges(api, url)) == [[0, SIZE]]:
            await asyncio.sleep(0.02)
    assert left == [[2 * CHUNK_BYTES, SIZE]]
    assert (await put_range(api, url, blob, *left[0])).status_code == 201
    assert (await api.get(url)).content == blob


async def test_a_wrong_hash_is_refused_and_what_came_is_forgotten(api, blob, sha256, url, folder):
    await put_range(api, url, blob, 0, CHUNK_BYTES)
    spoilt = await put_range(api, url, bytes(SIZE), CHUNK_BYTES, SIZE)
    assert spoilt.status_code == 422
    assert spoilt.json()["type"] == "urn:bellwether:problem:hash-mismatch"
    assert await ranges(api, url) == [[0, SIZE]]
    assert list((folder / "partial").iterdir()) == []
    assert (await api.put(url, content=blob)).status_code == 201


async def test_ranges_are_read_with_206_and_refused_behind_the_end(api, blob, url):
    await api.put(url, content=blob)
    part = await api.get(url, headers={"range": f"bytes={CHUNK_BYTES}-{CHUNK_BYTES + 9}"})
    assert part.status_code == 206
    assert part.content == blob[CHUNK_BYTES : CHUNK_BYTES + 10]
    assert part.headers["content-range"] == f"bytes {CHUNK_BYTES}-{CHUNK_BYTES + 9}/{SIZE}"
    assert (await api.get(url, headers={"range": "bytes=-7"})).content == blob[-7:]
    stale = await api.get(url, headers={"range": "bytes=0-9", "if-range": '"other"'})
    assert (stale.status_code, stale.content) == (200, blob)
    behind = await api.get(url, headers={"range": f"bytes={SIZE}-"})
    assert behind.status_code == 416
    assert behind.headers["content-range"] == f"bytes */{SIZE}"
    assert behind.json()["type"] == "urn:bellwether:problem:range-outside"


@pytest.mark.parametrize(
    ("headers", "status", "field"),
    [
        ({"content-range": "bytes 0-3/x"}, 422, "Content-Range"),
        ({"content-range": "bytes 0-9/20"}, 422, "Content-Range"),
        ({"content-range": f"bytes 0-3/{MAX_BLOB_BYTES + 1}"}, 413, None),
        ({"content-encoding": "gzip"}, 422, "Content-Encoding"),
    ],
)
async def test_a_body_that_does_not_fit_its_headers_is_refused(api, url, headers, status, field):
    refused = await api.put(url, content=b"four", headers=headers)
    assert refused.status_code == status
    assert [error["field"] for error in refused.json()["errors"]] == ([field] if field else [])


async def test_a_blob_of_unknown_length_is_refused(api, url):
    async def body():
        yield b"four"

    assert (await api.put(url, content=body())).status_code == 411


async def test_another_size_of_a_known_hash_is_refused(api, blob, url):
    await api.put(url, content=blob)
    assert (await api.get(f"{url}/missing", params={"size_bytes": 5})).status_code == 422


async def test_a_large_body_for_a_known_blob_is_not_taken_off_the_line(api, api_server, blob, url):
    await api.put(url, content=blob)
    reader, writer = await asyncio.open_connection("127.0.0.1", api_server.port)
    head = (
        f"PUT {url} HTTP/1.1\r\nhost: x\r\ncontent-range: bytes 0-{SIZE - 1}/{SIZE}\r\ncontent-length: {SIZE}\r\n\r\n"
    )
    writer.write(head.encode())
    answer = b""
    async with asyncio.timeout(5):
        writer.write(blob)
        while data := await reader.read(4096):
            answer += data
            if b"missing" in answer:
                break
    assert answer.startswith(b"HTTP/1.1 200")
    writer.close()


async def test_what_a_crash_left_whole_but_unnoted_is_taken_over(api, blob, sha256, url, folder):
    path = folder / "blobs" / sha256[:2] / sha256
    path.parent.mkdir(parents=True)
    path.write_bytes(blob)
    assert (await put_range(api, url, blob, 0, CHUNK_BYTES)).status_code == 200
    assert (await api.get(url)).content == blob


async def test_below_the_floor_nothing_is_taken(api_settings, api_server, api, blob, url):
    api_server.app.state.rooms.transfer._store._free_floor_bytes = 2**60
    full = await api.put(url, content=blob)
    assert full.status_code == 507
    assert "free_floor_bytes" in full.json()["hint"]


async def test_a_folder_that_cannot_be_written_to_is_told(api, folder, blob, url):
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where a folder should be")
    refused = await api.put(url, content=blob)
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:bellwether:problem:content-folder-unusable")
    token = await api.get("/api/v1/edge/s01-gw/tokens", headers={"authorization": "Bearer x"})
    assert (token.status_code, token.json()["type"]) == (503, "urn:bellwether:problem:signing-key-unusable")


def test_the_note_of_what_is_held_never_names_more_than_is_there(tmp_path, blob, sha256):
    store = BlobStore(tmp_path, free_floor_bytes=0)
    partial = store.begin(sha256, SIZE, SIZE)
    partial.write(0, blob[:CHUNK_BYTES])
    partial.write(2 * CHUNK_BYTES, blob[2 * CHUNK_BYTES :])
    partial.close()  # a power cut before `keep`: bytes on disk that nobody named
    assert store.missing(sha256, SIZE) == [(0, SIZE)]
    held = tmp_path / "partial" / f"{sha256}-{SIZE}.held"
    held.write_text("[[0, 26")
    assert store.missing(sha256, SIZE) == [(0, SIZE)]


def test_two_writers_complete_a_blob_together(tmp_path, blob, sha256):
    store = BlobStore(tmp_path, free_floor_bytes=0)
    one, other = store.begin(sha256, SIZE, 0), store.begin(sha256, SIZE, 0)
    half = 2 * CHUNK_BYTES
    one.write(0, blob[:half])
    other.write(half, blob[half:])
    assert keep(one, 0, half) == [(half, SIZE)]
    assert keep(other, half, SIZE) == []
    assert keep(one, 0, half) == []  # late, after the other completed it
    assert store.path(sha256).read_bytes() == blob


def test_a_discarded_upload_takes_late_bytes_with_it(tmp_path, blob, sha256):
    store = BlobStore(tmp_path, free_floor_bytes=0)
    late, wrong = store.begin(sha256, SIZE, 0), store.begin(sha256, SIZE, 0)
    wrong.write(0, bytes(SIZE))
    with pytest.raises(HashMismatch):
        keep(wrong, 0, SIZE)
    assert keep(late, 0, CHUNK_BYTES) == [(0, SIZE)]


def test_half_uploads_that_nobody_goes_on_with_expire(tmp_path, blob, sha256):
    store = BlobStore(tmp_path, free_floor_bytes=0)
    partial = store.begin(sha256, SIZE, 0)
    partial.write(0, blob[:CHUNK_BYTES])
    keep(partial, 0, CHUNK_BYTES)
    assert store.expire(time.time() - 60) == 0
    assert store.missing(sha256, SIZE) == [(CHUNK_BYTES, SIZE)]
    assert store.expire(time.time() + 60) == 1
    assert list((tmp_path / "partial").iterdir()) == []
    assert store.missing(sha256, SIZE) == [(0, SIZE)]


def keep(partial: Partial, start: int, end: int) -> list[tuple[int, int]]:
    from protocols.ranges import Span

    return list(partial.keep(Span(start, end)))
