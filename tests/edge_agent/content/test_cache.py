"""Caches over real HTTP: the line carries a blob once, transfers go on where they were, attachments get there."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, time
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge_agent.content import BlobStore, Caps, ContentCache, Source
from edge_agent.content import cache as cache_module
from edge_agent.content.pace import Bucket
from edge_agent.lan import LanServer
from edge_agent.lan.app import _refused
from edge_agent.lan.blobs import BlobsApi
from edge_agent.lan.problems import Refusal
from edge_agent.vault import Vault
from ops.faults.line import LineProxy
from protocols.content import CHUNK_BYTES, Content, Manifest, Resource
from protocols.records import Part

FILM = random.Random(3).randbytes(5 * CHUNK_BYTES + 1234)
NAME = hashlib.sha256(FILM).hexdigest()
WAIT_SECONDS = 60


class Agent:
    """A cache with its LAN routes."""

    def __init__(self, cache: ContentCache, server: LanServer, folder: Path) -> None:
        self.cache = cache
        self.server = server
        self.folder = folder

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"


@asynccontextmanager
async def agent(
    folder: Path, *, origin: Source | None = None, centre: Source | None = None, caps: Caps | None = None
) -> AsyncIterator[Agent]:
    with ThreadPoolExecutor(1) as executor:
        store = BlobStore(folder / "content", Vault(folder).cipher(), max_bytes=2**30, floor_bytes=0)
        cache = ContentCache(store, folder / "content", executor, origin=origin, centre=centre, caps=caps)
        app = Starlette(
            routes=BlobsApi(cache, lambda _request: None).routes,
            exception_handlers={Refusal: _refused},
        )
        server = LanServer(app, "127.0.0.1", 0)
        await cache.start()
        await server.start()
        try:
            yield Agent(cache, server, folder)
        finally:
            await server.stop()
            await cache.stop()


def wanted(*contents: bytes) -> Content:
    resources = [
        Resource(
            resource=f"r-{number}",
            title="film",
            blob=Part(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content)),
        )
        for number, content in enumerate(contents)
    ]
    return Content(manifests=[Manifest(manifest="m-1", token="0" * 32, title="lesson", resources=resources)])


async def until(condition: Callable[[], bool], what: str) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


@asynccontextmanager
async def line_to(url: str, bandwidth_bps: int | None = None) -> AsyncIterator[LineProxy]:
    line = LineProxy("127.0.0.1", int(url.rpartition(":")[2]), bandwidth_bps=bandwidth_bps)
    await line.start()
    try:
        yield line
    finally:
        await line.stop()


async def put(url: str, content: bytes, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        name = hashlib.sha256(content).hexdigest()
        return await client.put(f"{url}/v1/blobs/{name}", content=content, headers=headers)


async def test_a_resource_crosses_the_line_once_and_is_read_by_ranges_in_every_room(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        centre = await stack.enter_async_context(agent(tmp_path / "centre"))
        await put(centre.url, FILM)
        line = await stack.enter_async_context(line_to(centre.url))
        over_the_line = Source(f"http://127.0.0.1:{line.port}/v1/blobs")
        gateway = await stack.enter_async_context(agent(tmp_path / "gateway", origin=over_the_line))
        rooms = [
            await stack.enter_async_context(
                agent(tmp_path / f"room{number}", origin=Source(f"{gateway.url}/v1/blobs"), centre=over_the_line)
            )
            for number in range(3)
        ]
        for room in rooms:  # they ask before the gateway has anything, and wait
            room.cache.want(wanted(FILM))
        await asyncio.sleep(0.3)
        gateway.cache.want(wanted(FILM))
        await until(lambda: all(room.cache.size(NAME) for room in rooms), "every room has it")
        assert line.bytes_down_total < len(FILM) * 1.05
        assert rooms[0].cache.readiness()[0].ready
        async with httpx.AsyncClient(base_url=rooms[1].url) as terminal:
            whole = await terminal.get(f"/v1/blobs/{NAME}")
            assert whole.content == FILM
            assert whole.headers["etag"] == f'"{NAME}"'
            part = await terminal.get(
                f"/v1/blobs/{NAME}", headers={"range": f"bytes={CHUNK_BYTES - 3}-{CHUNK_BYTES + 4}"}
            )
            assert (part.status_code, part.content) == (206, FILM[CHUNK_BYTES - 3 : CHUNK_BYTES + 5])
            tail = await terminal.get(f"/v1/blobs/{NAME}", headers={"range": "bytes=-10"})
            assert tail.content == FILM[-10:]
            assert (
                await terminal.get(f"/v1/blobs/{NAME}", headers={"range": f"bytes={len(FILM)}-"})
            ).status_code == 416
            listed = (await terminal.get("/v1/content", params={"school_class": "s01-k01"})).json()
            assert (listed["ready"], listed["missing_bytes"], len(listed["content_token"])) == (True, 0, 32)


async def test_a_fetch_that_was_cut_goes_on_where_it_was_also_after_a_restart(tmp_path: Path) -> None:
    async with agent(tmp_path / "centre") as centre:
        await put(centre.url, FILM)
        async with line_to(centre.url, bandwidth_bps=8_000_000) as line:
            source = Source(f"http://127.0.0.1:{line.port}/v1/blobs")
            async with agent(tmp_path / "gateway", origin=source) as gateway:
                gateway.cache.want(wanted(FILM))
                missing = len(FILM)
                while missing > len(FILM) - 2 * CHUNK_BYTES:
                    await asyncio.sleep(0.02)
                    missing = gateway.cache.missing_bytes() or 0
                await line.cut()
                assert gateway.cache.size(NAME) is None
            line.bandwidth_bps = None
            await line.heal()
            before = line.bytes_down_total
            async with agent(tmp_path / "gateway", origin=source) as gateway:
                gateway.cache.want(wanted(FILM))
                await until(lambda: gateway.cache.size(NAME) is not None, "it is whole")
                assert line.bytes_down_total - before < len(FILM) - CHUNK_BYTES
                assert gateway.cache.missing_bytes() == 0
                await line.cut()
                async with httpx.AsyncClient() as terminal:  # content is served although the line is dead
                    assert (await terminal.get(f"{gateway.url}/v1/blobs/{NAME}")).content == FILM


async def test_a_blob_that_rots_on_disk_is_fetched_again(tmp_path: Path) -> None:
    async with agent(tmp_path / "centre") as centre:
        await put(centre.url, FILM)
        async with agent(tmp_path / "gateway", origin=Source(f"{centre.url}/v1/blobs")) as gateway:
            gateway.cache.want(wanted(FILM))
            await until(lambda: gateway.cache.size(NAME) is not None, "it is whole")
            path = next((tmp_path / "gateway" / "content" / "blobs").rglob(f"{NAME}.*"))
            raw = bytearray(path.read_bytes())
            raw[100] ^= 1
            path.write_bytes(raw)
            async with httpx.AsyncClient() as terminal:
                assert (await terminal.get(f"{gateway.url}/v1/blobs/{NAME}")).status_code == 404
                await until(lambda: gateway.cache.size(NAME) is not None, "it was fetched again")
                assert (await terminal.get(f"{gateway.url}/v1/blobs/{NAME}")).content == FILM


async def test_an_attachment_is_handed_in_by_ranges_and_reaches_the_centre_when_the_line_is_back(
    tmp_path: Path,
) -> None:
    async with agent(tmp_path / "centre") as centre, line_to(centre.url) as line:
        source = Source(f"http://127.0.0.1:{line.port}/v1/blobs")
        await line.cut()
        async with (
            agent(tmp_path / "gateway", centre=source) as gateway,
            httpx.AsyncClient(base_url=gateway.url) as tablet,
        ):
            asked = (await tablet.get(f"/v1/blobs/{NAME}/missing", params={"size_bytes": len(FILM)})).json()
            assert asked["missing"] == [[0, len(FILM)]]
            half = 3 * CHUNK_BYTES
            headers = {"content-range": f"bytes {half}-{len(FILM) - 1}/{len(FILM)}"}
            answer = await tablet.put(f"/v1/blobs/{NAME}", content=FILM[half:], headers=headers)
            assert (answer.status_code, answer.json()["missing"]) == (202, [[0, half]])
            headers = {"content-range": f"bytes 0-{half - 1}/{len(FILM)}"}
            assert (await tablet.put(f"/v1/blobs/{NAME}", content=FILM[:half], headers=headers)).status_code == 201
            with contextlib.suppress(httpx.HTTPError):  # known already: the body is not read
                assert (await tablet.put(f"/v1/blobs/{NAME}", content=FILM)).status_code == 200
        async with agent(tmp_path / "gateway", centre=source):  # a restart forgets nothing
            await line.heal()
            await until(lambda: centre.cache.size(NAME) is not None, "the centre has it")
        assert not any((tmp_path / "gateway" / "content" / "uploads").iterdir())


async def test_what_is_wrong_is_said_and_kept_nowhere(tmp_path: Path) -> None:
    async with agent(tmp_path / "gateway") as gateway, httpx.AsyncClient(base_url=gateway.url) as tablet:
        refused = await tablet.put(f"/v1/blobs/{'0' * 64}", content=b"something else")
        assert refused.status_code == 422
        crooked = await tablet.put(
            f"/v1/blobs/{NAME}", content=b"x" * 10, headers={"content-range": f"bytes 5-14/{len(FILM)}"}
        )
        assert (crooked.status_code, crooked.json()["errors"][0]["field"]) == (422, "content-range")
        assert (await tablet.get("/v1/blobs/nothing")).status_code == 422
        assert (await tablet.get(f"/v1/blobs/{NAME}")).status_code == 404
        assert not any((tmp_path / "gateway" / "content" / "partial").iterdir())


async def test_an_erased_file_is_gone_also_when_it_was_not_at_the_centre_yet(tmp_path: Path) -> None:
    async with agent(tmp_path / "gateway", centre=Source("http://127.0.0.1:1/v1/blobs")) as gateway:
        await put(gateway.url, FILM)
        await gateway.cache.remove([NAME, "f" * 64])
        assert gateway.cache.size(NAME) is None
        assert not any((tmp_path / "gateway" / "content" / "uploads").iterdir())


@pytest.mark.parametrize(
    ("clock", "in_lesson", "cap"),
    [("10:00", True, 1), ("10:00", False, 2), ("23:30", False, 3), ("05:59", False, 3), ("06:00", False, 2)],
)
def test_the_cap_follows_the_hour(clock: str, in_lesson: bool, cap: int) -> None:
    moment = datetime.combine(datetime(2026, 11, 27), time.fromisoformat(clock))  # noqa: DTZ001 - the wall's own time
    assert Caps(1, 2, 3).at(moment, in_lesson) == cap


def test_a_bucket_lets_through_what_the_cap_says_and_no_more() -> None:
    bucket, now = Bucket(), 100.0
    for _ in range(100):
        now += bucket.wait_seconds(now, 10_000, 800_000)
    assert 8.0 <= now - 100.0 <= 10.0  # a million bytes at 100 kB/s, a second of burst at most
    assert Bucket().wait_seconds(0.0, 10**9, None) == 0.0


async def test_what_the_centre_refuses_and_what_was_lost_keep_nothing_else_back(tmp_path: Path) -> None:
    films = [random.Random(number).randbytes(1000 + number) for number in range(3)]
    refused, lost, good = (hashlib.sha256(film).hexdigest() for film in films)

    class Centre(Starlette):
        """Refuses one blob, takes the others."""

        async def __call__(self, scope, receive, send) -> None:
            if refused in scope["path"] and scope["method"] == "PUT":
                await Response(status_code=422)(scope, receive, send)
            else:
                await super().__call__(scope, receive, send)

    async with agent(tmp_path / "centre") as behind:
        routes = BlobsApi(behind.cache, lambda _request: None).routes
        front = LanServer(Centre(routes=routes, exception_handlers={Refusal: _refused}), "127.0.0.1", 0)
        async with agent(tmp_path / "gateway", centre=Source("http://127.0.0.1:1/v1/blobs")) as gateway:
            for film in films:
                await put(gateway.url, film)
        path = next((tmp_path / "gateway" / "content" / "blobs").rglob(f"{lost}.*"))
        path.write_bytes(b"rot" * 100)
        await front.start()
        try:
            centre = Source(f"http://127.0.0.1:{front.port}/v1/blobs")
            async with agent(tmp_path / "gateway", centre=centre) as gateway:
                await until(lambda: behind.cache.size(good) is not None, "the good one is there")
                uploads = tmp_path / "gateway" / "content" / "uploads"
                await until(lambda: [one.name for one in uploads.iterdir()] == [f"{refused}.1000"], "one waits")
                assert gateway.cache.size(refused) == 1000
        finally:
            await front.stop()


async def test_a_blob_that_the_source_does_not_give_keeps_no_other_back(tmp_path: Path) -> None:
    async with agent(tmp_path / "centre") as centre:
        await put(centre.url, FILM)

        class Source403(Starlette):
            """Refuses the first blob that is asked for."""

            async def __call__(self, scope, receive, send) -> None:
                if NAME in scope["path"]:
                    await super().__call__(scope, receive, send)
                else:
                    await Response(status_code=403)(scope, receive, send)

        routes = BlobsApi(centre.cache, lambda _request: None).routes
        front = LanServer(Source403(routes=routes, exception_handlers={Refusal: _refused}), "127.0.0.1", 0)
        await front.start()
        try:
            async with agent(tmp_path / "gateway", origin=Source(f"http://127.0.0.1:{front.port}/v1/blobs")) as gateway:
                gateway.cache.want(wanted(b"forbidden", FILM))
                await until(lambda: gateway.cache.size(NAME) is not None, "the other one came")
                assert gateway.cache.missing_bytes() == len(b"forbidden")
        finally:
            await front.stop()


async def test_an_attachment_is_kept_until_the_centre_says_that_it_misses_nothing(tmp_path: Path) -> None:
    answers = [b'<html lang="en">please log in</html>', b"{}", b'{"missing": [[0, 999999999999]]}']
    asked: list[str] = []

    async def portal(request: Request) -> Response:
        """Answers 200 to everything, as the login page of a network does, then takes pieces and forgets them."""
        asked.append(request.method)
        body = answers.pop(0) if answers else f'{{"missing": [[0, {len(FILM)}]]}}'.encode()
        return Response(body) if request.method == "GET" else Response(status_code=202)

    routes = [Route("/v1/blobs/{path:path}", portal, methods=["GET", "PUT"])]
    front = LanServer(Starlette(routes=routes), "127.0.0.1", 0)
    await front.start()
    try:
        centre = Source(f"http://127.0.0.1:{front.port}/v1/blobs")
        async with agent(tmp_path, centre=centre) as gateway:
            await put(gateway.url, FILM)
            await until(lambda: asked.count("PUT") >= 4, "it was sent twice")
            assert gateway.cache.size(NAME) == len(FILM)
            assert [one.name for one in (tmp_path / "content" / "uploads").iterdir()] == [f"{NAME}.{len(FILM)}"]
    finally:
        await front.stop()


async def test_upkeep_reads_every_blob_in_its_turn_and_uses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "UPKEEP_SECONDS", 0.05)
    films = [random.Random(number).randbytes(1000 + number) for number in range(3)]
    names = [hashlib.sha256(film).hexdigest() for film in films]
    async with agent(tmp_path) as gateway:
        for film in films:
            await put(gateway.url, film)
        before = [one.stat().st_mtime_ns for one in sorted((tmp_path / "content" / "blobs").rglob("*.*"))]
        path = next((tmp_path / "content" / "blobs").rglob(f"{names[1]}.*"))
        raw = bytearray(path.read_bytes())
        raw[-1] ^= 1
        path.write_bytes(raw)
        os.utime(path, ns=(before[0], before[0]))
        await until(lambda: gateway.cache.size(names[1]) is None, "the rotten one is found")
        assert not path.exists()
        assert [gateway.cache.size(one) for one in names] == [1000, None, 1002]


async def test_a_fault_for_want_of_room_ends_when_nothing_is_wanted_any_more(tmp_path: Path) -> None:
    async with agent(tmp_path, origin=Source("http://127.0.0.1:1/v1/blobs")) as gateway:
        huge = Resource(resource="r-1", title="film", blob=Part(sha256="a" * 64, size_bytes=2**40))
        gateway.cache.want(
            Content(manifests=[Manifest(manifest="m-1", token="0" * 32, title="lesson", resources=[huge])])
        )
        await until(lambda: gateway.cache.fault != "", "there is no room")
        gateway.cache.want(Content(manifests=[]))
        await until(lambda: gateway.cache.fault == "", "nothing is wrong any more")
        assert gateway.cache.missing_bytes() == 0
