"""Content over real HTTP on the school's network: ranges, what counts after a cut, refusals with a clean connection."""

from __future__ import annotations

import asyncio
import hashlib
import random

import httpx
import pytest

from edge_agent.lan import blobs
from protocols.content import CHUNK_BYTES
from tests.edge_agent.content.test_cache import agent

SIZE = 2 * CHUNK_BYTES + 123
DATA = random.Random(1).randbytes(SIZE)
SHA256 = hashlib.sha256(DATA).hexdigest()
URL = f"/v1/blobs/{SHA256}"


@pytest.fixture
async def lan(tmp_path):
    async with agent(tmp_path) as running, httpx.AsyncClient(base_url=running.url, timeout=60) as client:
        yield client


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=262140-262150", 262140, 262151),
        (f"bytes={SIZE - 7}-", SIZE - 7, SIZE),
        ("bytes=-9", SIZE - 9, SIZE),
        (f"bytes=100-{SIZE + 10}", 100, SIZE),
        (f"bytes=0-{SIZE - 1}", 0, SIZE),
    ],
)
async def test_a_range_is_answered_206_with_its_place(header, start, end, lan):
    await lan.put(URL, content=DATA)
    part = await lan.get(URL, headers={"range": header})
    assert (part.status_code, part.content) == (206, DATA[start:end])
    assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"


async def test_what_is_no_range_of_this_file_is_answered_with_the_whole_or_416(lan):
    await lan.put(URL, content=DATA)
    for headers in ({"range": "bytes=9-5"}, {"range": "pages=1-2"}, {"range": "bytes=0-9", "if-range": '"other"'}):
        whole = await lan.get(URL, headers=headers)
        assert (whole.status_code, whole.content) == (200, DATA)
    outside = await lan.get(URL, headers={"range": f"bytes={SIZE}-"})
    assert (outside.status_code, outside.headers["content-range"]) == (416, f"bytes */{SIZE}")
    assert outside.headers["content-type"] == "application/problem+json"
    head = await lan.head(URL)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(SIZE), b"")
    assert head.headers["content-security-policy"].startswith("sandbox")
    assert (await lan.get(URL, headers={"if-none-match": f'"{SHA256}"'})).status_code == 304


async def test_a_short_file_that_is_here_is_answered_200_on_the_same_connection(lan):
    assert (await lan.put(URL, content=DATA)).status_code == 201
    told = await lan.put(URL, content=DATA)
    assert (told.status_code, told.json()) == (200, {"size_bytes": SIZE, "missing": []})
    assert "connection" not in told.headers
    other = await lan.put(URL, content=DATA[:9])
    assert (other.status_code, other.json()["errors"][0]["field"]) == (422, "size_bytes")


async def test_what_came_before_a_cut_counts(lan):
    _, writer = await asyncio.open_connection(lan.base_url.host, lan.base_url.port)
    writer.write(f"PUT {URL} HTTP/1.1\r\nhost: x\r\ncontent-length: {SIZE}\r\n\r\n".encode())
    writer.write(DATA[: CHUNK_BYTES + 5])
    await writer.drain()
    missing = [[0, SIZE]]
    async with asyncio.timeout(30):
        while missing == [[0, SIZE]]:
            await asyncio.sleep(0.02)
            missing = (await lan.get(f"{URL}/missing?size_bytes={SIZE}")).json()["missing"]
    writer.close()
    assert missing == [[CHUNK_BYTES, SIZE]]
    headers = {"content-range": f"bytes {CHUNK_BYTES}-{SIZE - 1}/{SIZE}"}
    assert (await lan.put(URL, content=DATA[CHUNK_BYTES:], headers=headers)).status_code == 201
    assert (await lan.get(URL)).content == DATA


async def test_a_sender_that_falls_silent_is_let_go_and_holds_up_nobody(lan, monkeypatch):
    monkeypatch.setattr(blobs, "IDLE_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection(lan.base_url.host, lan.base_url.port)
    writer.write(f"PUT {URL} HTTP/1.1\r\nhost: x\r\ncontent-length: {SIZE}\r\n\r\nabc".encode())
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(), 30)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer.lower()
    writer.close()
    assert (await lan.put(URL, content=DATA)).status_code == 201


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"x" * 10, {"content-range": "pages 1-2"}, 422),
        (b"x" * 10, {"content-range": "bytes 0-3/4"}, 422),
        (b"x" * 10, {"content-range": f"bytes 0-9/{SIZE}"}, 422),
        (b"x", {"content-encoding": "gzip"}, 415),
    ],
)
async def test_a_bad_piece_is_refused_with_its_reason(body, headers, status, lan):
    told = await lan.put(URL, content=body, headers=headers)
    assert told.status_code == status
    assert told.json()["hint"]


async def test_a_size_that_no_file_has_is_413_and_closes_the_connection(lan):
    reader, writer = await asyncio.open_connection(lan.base_url.host, lan.base_url.port)
    writer.write(f"PUT {URL} HTTP/1.1\r\nhost: x\r\ncontent-length: {2**40}\r\n\r\nxxxx".encode())
    answer = await asyncio.wait_for(reader.read(), 10)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()
    writer.close()


async def test_no_room_is_507(lan):
    head = {"content-range": f"bytes 0-{CHUNK_BYTES - 1}/{2**32}"}
    told = await lan.put(URL, content=DATA[:CHUNK_BYTES], headers=head)
    assert told.status_code == 507
    assert "max_bytes" in told.json()["hint"]


async def test_nobody_knows_yet_what_is_wanted(lan):
    told = (await lan.get("/v1/content")).json()
    assert told == {"content_token": None, "manifests": [], "ready": False, "missing_bytes": 0}
