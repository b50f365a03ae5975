"""Blobs over HTTP, in both directions, for operators and agents alike: whoever may ask is the route's to decide.

Bodies are streamed in pieces, never whole in memory, and written off the event loop. What has arrived is noted every
few MiB, so that a cut, of the line or of this process, costs at most that much again. An answer that comes before the
whole body either lets a short rest run out or closes the connection, so that nobody sends gigabytes to nobody.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import structlog
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from cloud.content import reading, repository
from cloud.content.models import Blob
from cloud.content.schemas import Missing
from cloud.content.store import READ_BYTES, BlobStore, ContentDiskFull, ContentFolderUnusable, HashMismatch, Partial
from cloud.db.pool import Pool
from cloud.http.problems import ProblemError, invalid_input, not_found
from cloud.http.schemas import FieldProblem
from protocols.content import MAX_BLOB_BYTES
from protocols.ranges import Span, Unsatisfiable, content_range, requested

IDLE_SECONDS = 30.0
DRAIN_BYTES = 1024 * 1024
KEEP_BYTES = 8 * 1024 * 1024
"""What has arrived is noted this often."""
WRITE_BYTES = 256 * 1024
DEFAULT_MEDIA_TYPE = "application/octet-stream"
_HEADERS = {
    "accept-ranges": "bytes",
    "cache-control": "private, no-cache",
    "content-disposition": "attachment",
    # A file is whatever somebody uploaded: it must not run with the console's rights when a browser opens it.
    "content-security-policy": "sandbox; default-src 'none'",
}

_log = structlog.get_logger(__name__)


class BlobTransfer:
    """Sends and receives blobs."""

    def __init__(self, store: BlobStore, pool: Pool) -> None:
        self._store = store
        self._pool = pool

    async def missing(self, sha256: str, size_bytes: int) -> Missing:
        """Return what of a blob has still to be sent; nothing when it is there."""
        async with self._pool.connection() as connection:
            known = await reading.blob(connection, sha256)
        if known is not None:
            _require_size(known, size_bytes)
            return Missing(size_bytes=size_bytes, missing=[])
        left = await asyncio.to_thread(self._store.missing, sha256, size_bytes)
        return _missing(size_bytes, left)

    async def receive(self, request: Request, sha256: str) -> Response:
        """Take the whole body or one `Content-Range` of a blob.

        Answers 201 when it is whole and verified, 200 when it was there already, 202 when more is needed.

        Raises:
            ProblemError: 408, 411, 413, 422 or 507.
        """
        try:
            return await self._receive(request, sha256)
        except ProblemError as problem:
            if not await _drained(request):
                problem.headers["connection"] = "close"
            raise

    async def _receive(self, request: Request, sha256: str) -> Response:
        span, size_bytes = _declared(request)
        async with self._pool.connection() as connection:
            known = await reading.blob(connection, sha256)
        if known is not None:
            _require_size(known, size_bytes)
        elif await asyncio.to_thread(self._store.adopt, sha256, size_bytes):
            await self._note(request, sha256, size_bytes)
        else:
            left = await self._take(request, sha256, size_bytes, span)
            if not left:
                await self._note(request, sha256, size_bytes)
            return _answer(202 if left else 201, size_bytes, left)
        answer = _answer(200, size_bytes, [])
        if not await _drained(request):
            answer.headers["connection"] = "close"
        return answer

    async def _note(self, request: Request, sha256: str, size_bytes: int) -> None:
        async with self._pool.connection() as connection:
            await repository.note_blob(connection, sha256, size_bytes, _media_type(request))
        _log.info("blob_stored", sha256=sha256, size_bytes=size_bytes)

    async def _take(self, request: Request, sha256: str, size_bytes: int, span: Span) -> list[Span]:
        partial: Partial | None = None
        try:
            partial = await asyncio.to_thread(self._store.begin, sha256, size_bytes, span.end - span.start)
            return await _write(request, partial, span)
        except ContentDiskFull as full:
            raise ProblemError(507, "disk-full", detail=str(full), hint=full.hint) from full
        except ContentFolderUnusable as unusable:
            raise ProblemError(503, "content-folder-unusable", detail=str(unusable), hint=unusable.hint) from unusable
        except HashMismatch as mismatch:
            raise ProblemError(
                422,
                "hash-mismatch",
                detail=str(mismatch),
                hint=mismatch.hint,
                errors=[FieldProblem(field="sha256", detail=str(mismatch))],
            ) from mismatch
        finally:
            if partial is not None:
                await asyncio.to_thread(partial.close)

    async def send(self, request: Request, sha256: str) -> Response:
        """Send a blob, or the range of it that is asked for; 304 when the client has it.

        Raises:
            ProblemError: 404 or 416.
        """
        async with self._pool.connection() as connection:
            known = await reading.blob(connection, sha256)
        path = self._store.path(sha256)
        if known is None or not await asyncio.to_thread(path.is_file):
            if known is not None:
                _log.error("blob_lost", sha256=sha256, path=str(path))
            raise not_found("blob", sha256, hint="PUT its bytes at this address first.")
        etag = f'"{sha256}"'
        headers = {**_HEADERS, "etag": etag}
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        span: Span | None = None
        if request.headers.get("if-range", etag) == etag:
            try:
                span = requested(request.headers.get("range", ""), known.size_bytes)
            except Unsatisfiable as outside:
                raise ProblemError(
                    416,
                    "range-outside",
                    detail=str(outside),
                    hint="Ask for bytes below the size that Content-Range names.",
                    headers={"content-range": f"bytes */{known.size_bytes}"},
                ) from outside
        if span is not None:
            headers["content-range"] = f"bytes {span.start}-{span.end - 1}/{known.size_bytes}"
        sent = span or Span(0, known.size_bytes)
        headers["content-length"] = str(sent.end - sent.start)
        return StreamingResponse(
            _pieces(path, sent), 200 if span is None else 206, headers=headers, media_type=known.media_type
        )


async def _write(request: Request, partial: Partial, span: Span) -> list[Span]:
    """Write the body to its place; return what is missing afterwards, also when the client was cut off."""
    place = kept = span.start
    waiting = bytearray()
    left: list[Span] | None = None

    async def flush(*, keep: bool) -> None:
        nonlocal place, kept, left
        data = bytes(waiting)
        waiting.clear()
        await asyncio.to_thread(partial.write, place, data)
        place += len(data)
        if keep or place - kept >= KEEP_BYTES:
            left = await asyncio.to_thread(partial.keep, Span(kept, place))
            kept = place

    refused: ProblemError | None = None
    try:
        async for piece in _stream(request):
            if place + len(waiting) + len(piece) > span.end:
                raise _invalid("body", f"has more than the {span.end - span.start} bytes declared")
            waiting += piece
            if len(waiting) >= WRITE_BYTES:
                await flush(keep=False)
    except ClientDisconnect:
        pass  # what came counts; nobody waits for the answer
    except ProblemError as problem:
        refused = problem
    if left is None or place > kept or waiting:
        await flush(keep=True)
    if refused is not None:
        raise refused
    assert left is not None
    return left


async def _stream(request: Request) -> AsyncIterator[bytes]:
    """Yield the body's pieces as they come, none waited for longer than the idle time."""
    pieces = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise ProblemError(
                408,
                "too-slow",
                detail=f"no byte came for {IDLE_SECONDS:g} s",
                hint="Ask what is missing and send that.",
            ) from error
        yield piece


async def _drained(request: Request) -> bool:
    """Let a short rest of the body run out; False when it is too long for that, or nobody sends it."""
    try:
        declared = int(request.headers.get("content-length", "0"))
        if declared > DRAIN_BYTES:
            return False
        async with asyncio.timeout(IDLE_SECONDS):
            async for _ in request.stream():
                pass
    except RuntimeError:
        return True  # it was read to its end before
    except (ClientDisconnect, TimeoutError, ValueError):
        return False
    return True


async def _pieces(path: Path, span: Span) -> AsyncIterator[bytes]:
    descriptor = await asyncio.to_thread(os.open, path, os.O_RDONLY)
    try:
        place = span.start
        while place < span.end:
            piece = await asyncio.to_thread(os.pread, descriptor, min(READ_BYTES, span.end - place), place)
            if not piece:
                return  # cut short on disk: the length header tells the client that bytes are missing
            place += len(piece)
            yield piece
    finally:
        os.close(descriptor)


def _declared(request: Request) -> tuple[Span, int]:
    """Return the span that the body will fill and the blob's size."""
    length = request.headers.get("content-length", "")
    header = request.headers.get("content-range")
    if header is not None:
        try:
            span, size_bytes = content_range(header)
        except ValueError as error:
            raise _invalid("Content-Range", str(error)) from error
        if length.isdecimal() and int(length) != span.end - span.start:
            raise _invalid("Content-Range", f"names {span.end - span.start} bytes, Content-Length {length}")
    elif length.isdecimal():
        span, size_bytes = Span(0, int(length)), int(length)
    else:
        raise ProblemError(
            411,
            "length-needed",
            detail="the size of the blob is not known",
            hint="Send Content-Length, or Content-Range with the whole size.",
        )
    if size_bytes > MAX_BLOB_BYTES:
        raise ProblemError(
            413,
            "too-large",
            detail=f"{size_bytes} bytes are more than the {MAX_BLOB_BYTES} that a blob may have",
            hint="Split the file, or make it smaller.",
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise _invalid("Content-Encoding", "a blob is sent as its own bytes, without Content-Encoding")
    return span, size_bytes


def _require_size(known: Blob, size_bytes: int) -> None:
    if known.size_bytes != size_bytes:
        raise _invalid("size_bytes", f"the blob of this hash has {known.size_bytes} bytes, not {size_bytes}")


def _invalid(field: str, detail: str) -> ProblemError:
    return invalid_input([FieldProblem(field=field, detail=detail)])


def _media_type(request: Request) -> str:
    said = request.headers.get("content-type", "").strip()
    return said if said.isprintable() and 0 < len(said) <= 200 else DEFAULT_MEDIA_TYPE


def _missing(size_bytes: int, left: list[Span]) -> Missing:
    return Missing(size_bytes=size_bytes, missing=[(span.start, span.end) for span in left])


def _answer(status: int, size_bytes: int, left: list[Span]) -> Response:
    return Response(_missing(size_bytes, left).model_dump_json(), status, media_type="application/json")
