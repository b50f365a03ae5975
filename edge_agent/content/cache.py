"""Keeps this machine's blobs: fetches what is desired, once, and brings what pupils handed in to the centre.

A classroom agent fetches from its gateway alone and waits for what that lacks: the line carries a blob once.
Transfers go on where they were; what came is kept by the store chunk by chunk. Records go first by being small:
content moves at the pace of the caps, piece by piece.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

import structlog

from edge_agent.content.bringing import PIECE_BYTES, NotTaken, bring
from edge_agent.content.pace import Bucket, Caps
from edge_agent.content.store import BlobGone, BlobStore, NoRoom, Span, WrongBlob, chunks_of
from edge_agent.content.uploads import Uploads
from edge_agent.content.wants import Listed, Readiness, Wants
from edge_agent.downlink.centre import slim_httpx
from edge_agent.errors import EdgeError
from protocols.content import CHUNK_BYTES, Content
from protocols.records import Part

if TYPE_CHECKING:
    import httpx

RETRY_FIRST_SECONDS = 1.0
RETRY_MOST_SECONDS = 60.0
UPKEEP_SECONDS = 600.0
T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """Where blobs are fetched from or brought to: `url` with the blob's hash behind it, and the token to send."""

    url: str
    token: str | None = None
    trusted: Callable[[], Any] = lambda: False

    def client(self) -> httpx.AsyncClient:
        """Return a client for it."""
        headers = {} if self.token is None else {"authorization": f"Bearer {self.token}"}
        timeout = slim_httpx().Timeout(30.0, connect=10.0)
        client: httpx.AsyncClient = slim_httpx().AsyncClient(
            headers=headers, timeout=timeout, verify=self.trusted(), follow_redirects=False, trust_env=False
        )
        return client


class NotThere(EdgeError):
    """The source does not have a blob yet."""


class ContentCache:
    """One agent's content. `start`, `stop`; everything else belongs to the event loop."""

    def __init__(
        self,
        store: BlobStore,
        folder: Path,
        executor: Executor,
        *,
        origin: Source | None = None,
        centre: Source | None = None,
        caps: Caps | None = None,
        in_lesson: Callable[[], bool] = lambda: False,
        local_now: Callable[[], datetime] = datetime.now,
        partial_days: int = 7,
        random: Random | None = None,
    ) -> None:
        self._store = store
        self._executor = executor
        self._origin = origin
        self._centre = centre
        self._caps = caps or Caps()
        self._in_lesson = in_lesson
        self._local_now = local_now
        self._partial_days = partial_days
        self._random = random or Random()
        self._wants = Wants(None, self._lack)
        self._uploads = Uploads(folder / "uploads")
        self._remaining: dict[str, int] = {}
        self._verified: set[str] = set()
        """What was read whole in this round of upkeep."""
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._wanted = asyncio.Event()
        self._handed_in = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._bucket = Bucket()
        self.fault = ""
        store.pinned = self._pinned

    async def start(self) -> None:
        """Look what is here, then begin to fetch and to bring; a folder that cannot be used is a fault to show."""
        try:
            await self._run(self._open)
        except OSError as error:
            self.fault = f"the content folder cannot be used ({error.strerror or error})"
            log.error("content_folder_unusable", reason=str(error))
            return
        loops = {"fetch": (self._origin, self._fetch_all), "bring": (self._centre, self._bring_all)}
        self._tasks = [
            asyncio.create_task(self._for_ever(step), name=f"content {name}")
            for name, (source, step) in loops.items()
            if source is not None
        ]
        self._tasks.append(asyncio.create_task(self._for_ever(self._keep_up), name="content upkeep"))

    async def stop(self) -> None:
        """Stop; what is half here goes on at the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def _open(self) -> None:
        self._store.open()
        self._uploads.load()

    # ------------------------------------------------------------------------------------------------ what is wanted

    def want(self, content: Content | None) -> None:
        """Take what is desired; what is no longer wanted may be evicted when room is needed."""
        self._wants = Wants(content, self._lack)
        self._wanted.set()

    def listed(self, school_class: str | None) -> Listed:
        """Return what a class needs (or everything), and how much of it is here."""
        return self._wants.listed(school_class)

    def readiness(self) -> list[Readiness]:
        """Return how every manifest stands."""
        return self._wants.readiness()

    def missing_bytes(self) -> int | None:
        """Return what this machine lacks of all that is desired; None while nothing can be said."""
        return self._wants.missing_bytes() if self._wants.known and not self.fault else None

    def _lack(self, blob: Part) -> int | None:
        if self._store.size(blob.sha256) is not None:
            return None
        # What has come counts as here only when it was verified: a centre that reads 0 calls the content ready.
        return max(1, self._remaining.get(blob.sha256, blob.size_bytes))

    def _pinned(self, sha256: str) -> bool:
        return sha256 in self._uploads or sha256 in self._wants

    # ------------------------------------------------------------------------------------------- the school's network

    def size(self, sha256: str) -> int | None:
        """Return the size of a blob that is here whole, else None."""
        return self._store.size(sha256)

    async def missing(self, sha256: str, size_bytes: int) -> list[Span]:
        """Return what of a blob has still to be sent here."""
        return await self._run(self._store.missing, sha256, size_bytes)

    async def read(self, sha256: str, first: int, end: int) -> AsyncIterator[bytes]:
        """Yield the bytes of a range of a whole blob.

        Raises:
            KeyError: it is not here. BlobGone: it was damaged, and is gone; it is fetched again if it is wanted.
        """
        try:
            file = await self._run(self._store.take, sha256)
            with file:
                for number in chunks_of((first, end)):
                    start = number * CHUNK_BYTES
                    plain = await self._run(self._store.chunk, file, sha256, number)
                    yield plain[max(0, first - start) : end - start]
        except BlobGone:
            self._wanted.set()
            raise

    async def put(self, sha256: str, size_bytes: int, first: int, body: AsyncIterator[bytes]) -> list[Span]:
        """Take a range of an attachment that begins at a chunk; return what is still missing.

        Once it is whole it is pinned until the centre has it. Everything is missing again when somebody else took its
        room in the moment before that.

        Raises:
            NoRoom, WrongBlob: nothing was kept.
        """
        async with self._lock(sha256):
            if self._store.size(sha256) is None:
                await self._run(self._store.begin, sha256, size_bytes)
                await self._write(sha256, size_bytes, first, body)
                if not await self._in_steps(self._store.finishing(sha256, size_bytes)):
                    return await self._run(self._store.missing, sha256, size_bytes)
            if self._centre is not None and sha256 not in self._uploads:
                if not await self._run(self._note, sha256, size_bytes):
                    return await self._run(self._store.missing, sha256, size_bytes)
                self._handed_in.set()
        return []

    def _note(self, sha256: str, size_bytes: int) -> bool:
        """Pin what is here for the centre; False when it is gone. In one go, so that no eviction comes between."""
        if self._store.size(sha256) is None:
            return False
        self._uploads.add(sha256, size_bytes)
        return True

    async def remove(self, hashes: Sequence[str]) -> None:
        """Forget blobs, because somebody's files are to be erased; what a class needs as content stays."""
        for sha256 in (one for one in hashes if one not in self._wants):
            await self._run(self._uploads.discard, sha256)
            async with self._lock(sha256):
                await self._run(self._store.remove, sha256)

    async def _write(self, sha256: str, size_bytes: int, first: int, body: AsyncIterator[bytes]) -> int:
        """Put a stream into its chunks; a last piece that is no whole chunk is not kept. Returns how much came."""
        held, number, came, unsettled = bytearray(), first // CHUNK_BYTES, 0, 0
        async for piece in body:
            held += piece
            came += len(piece)
            while len(held) >= min(CHUNK_BYTES, size_bytes - number * CHUNK_BYTES) > 0:
                length = min(CHUNK_BYTES, size_bytes - number * CHUNK_BYTES)
                chunk = bytes(held[:length])
                del held[:length]
                await self._run(self._store.write, sha256, size_bytes, number, chunk)
                number += 1
                unsettled += length
                if sha256 in self._remaining:
                    self._remaining[sha256] -= length
            if number * CHUNK_BYTES >= size_bytes:
                held.clear()  # more than the blob has is nobody's
            if unsettled >= PIECE_BYTES:
                unsettled = 0
                await self._run(self._store.settle, sha256, size_bytes)
        await self._run(self._store.settle, sha256, size_bytes)
        return came

    # ------------------------------------------------------------------------------------------------------- fetching

    async def _fetch_all(self) -> None:
        """Fetch what is desired, most urgent first; return when something else is."""
        self._wanted.clear()
        self.fault = ""
        waiting = False
        for blob in self._wants.in_order():
            if self._store.size(blob.sha256) is not None:
                continue
            if self._wanted.is_set():
                return  # to begin with what is most urgent now
            try:
                await self._fetch(blob)
            except NotThere:
                waiting = True
            except NoRoom as error:
                waiting = True
                self.fault = str(error)
                log.error("content_has_no_room", sha256=blob.sha256, reason=str(error), hint=error.hint)
            except (WrongBlob, slim_httpx().HTTPStatusError) as error:
                # One that cannot be had keeps nobody from the others.
                log.error("content_not_taken", sha256=blob.sha256, reason=str(error))
                waiting = True
        if waiting:
            # The gateway fetches it over the line first: ask again in a while.
            raise NotThere("a blob is not there yet")
        await self._wanted.wait()

    async def _fetch(self, blob: Part) -> None:
        assert self._origin is not None
        sha256, size_bytes = blob.sha256, blob.size_bytes
        async with self._lock(sha256), self._origin.client() as client:
            await self._run(self._store.begin, sha256, size_bytes)
            missing = await self._run(self._store.missing, sha256, size_bytes)
            self._remaining[sha256] = sum(end - first for first, end in missing)
            for first, end in missing:
                if self._overtaken(sha256):
                    break
                headers = {"range": f"bytes={first}-{end - 1}"} if end > first else {}
                async with client.stream("GET", f"{self._origin.url}/{sha256}", headers=headers) as answer:
                    if answer.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE):
                        raise NotThere(f"{sha256} is not at {self._origin.url} yet")
                    answer.raise_for_status()
                    start = first if answer.status_code == HTTPStatus.PARTIAL_CONTENT else 0
                    await self._write(sha256, size_bytes, start, self._paced(answer.aiter_bytes(CHUNK_BYTES), sha256))
            try:
                if await self._in_steps(self._store.finishing(sha256, size_bytes)):
                    log.info("content_fetched", sha256=sha256, size_bytes=size_bytes)
                    self._remaining.pop(sha256, None)
            except WrongBlob:
                self._remaining.pop(sha256, None)
                raise

    def _overtaken(self, sha256: str) -> bool:
        """Tell whether something else has become more urgent, or this blob unwanted, since it was begun."""
        if not self._wanted.is_set():
            return False
        lacking = (one.sha256 for one in self._wants.in_order() if self._store.size(one.sha256) is None)
        return next(lacking, None) != sha256

    async def _paced(self, body: AsyncIterator[bytes], sha256: str) -> AsyncIterator[bytes]:
        async for piece in body:
            yield piece
            if self._overtaken(sha256):
                return
            await self._pause(len(piece))

    async def _pause(self, size_bytes: int) -> None:
        await asyncio.sleep(self._wait_seconds(size_bytes))

    def _wait_seconds(self, size_bytes: int) -> float:
        bps = self._caps.at(self._local_now(), self._in_lesson())
        return self._bucket.wait_seconds(asyncio.get_running_loop().time(), size_bytes, bps)

    # ------------------------------------------------------------------------------------------- bringing to the centre

    async def _bring_all(self) -> None:
        """Bring what pupils handed in; return when there is more."""
        self._handed_in.clear()
        assert self._centre is not None
        async with self._centre.client() as client:
            refused = 0
            for sha256, size_bytes in self._uploads.all():
                try:
                    url = f"{self._centre.url}/{sha256}"
                    await bring(client, url, size_bytes, sha256, self.read, self._pause)
                    await self._run(self._uploads.discard, sha256)
                    log.info("attachment_brought", sha256=sha256, size_bytes=size_bytes)
                except (slim_httpx().HTTPStatusError, NotTaken) as error:
                    # One that the centre does not take now keeps none of the others back.
                    log.warning("attachment_not_taken", sha256=sha256, reason=str(error))
                    refused += 1
                except (BlobGone, KeyError):
                    log.error("attachment_lost", sha256=sha256, size_bytes=size_bytes, hint="it has to be sent again")
                    await self._run(self._uploads.discard, sha256)
        if refused:
            raise NotThere(f"the centre did not take {refused} attachments")
        await self._handed_in.wait()

    # --------------------------------------------------------------------------------------------------------- upkeep

    async def _keep_up(self) -> None:
        """Once in a while: let stale partials go, and read one blob whole, each in its turn."""
        await asyncio.sleep(UPKEEP_SECONDS)
        before = self._local_now().timestamp() - self._partial_days * 86_400
        await self._run(self._store.expire, before)
        held = self._store.hashes()
        self._verified &= set(held)
        if held and self._verified.issuperset(held):
            self._verified.clear()
        for sha256 in [one for one in held if one not in self._verified][:1]:
            self._verified.add(sha256)
            if not await self._in_steps(self._store.verifying(sha256)):
                self._wanted.set()

    async def _for_ever(self, step: Callable[[], Any]) -> None:
        pause = RETRY_FIRST_SECONDS
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await step()
                pause = RETRY_FIRST_SECONDS
            except Exception as error:
                # Whatever it was, content goes on; a line that is cut, or a disk that is full, is nothing unexpected.
                usual = isinstance(error, (slim_httpx().HTTPError, EdgeError, OSError, KeyError))
                if usual:
                    reason = str(error) or type(error).__name__
                    log.debug("content_tried_in_vain", step=step.__name__, reason=reason)
                else:
                    log.error("content_step_failed", step=step.__name__, exc_info=error)
                if asyncio.get_running_loop().time() - began > RETRY_MOST_SECONDS:
                    pause = RETRY_FIRST_SECONDS
                await asyncio.sleep(self._random.uniform(0, pause))
                pause = min(pause * 2, RETRY_MOST_SECONDS)

    async def _in_steps(self, work: Generator[None, None, bool]) -> bool:
        """Do long work in the store's thread, others' requests between its steps."""
        while True:
            done = await self._run(_step, work)
            if done is not None:
                return done

    def _lock(self, sha256: str) -> asyncio.Lock:
        lock = self._locks.get(sha256)
        if lock is None:
            lock = self._locks[sha256] = asyncio.Lock()
        return lock

    async def _run(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *arguments)


def _step(work: Generator[None, None, bool]) -> bool | None:
    """Do one step; return None, or in the end what came of it."""
    try:
        next(work)
    except StopIteration as done:
        return bool(done.value)
    return None
