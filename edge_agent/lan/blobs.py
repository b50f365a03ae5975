"""Blobs on the school's network: terminals read content in ranges and hand in attachments, resumed by missing range.

`PUT` takes a whole body, or with `Content-Range: bytes first-last/total` a part that begins at a chunk (a multiple of
`CHUNK_BYTES`) and ends at one or at the end. 201: whole and verified; 202: more is missing; 200: it was here already.
Sources: RFC 9110 §14 (ranges).
"""

from __future__ import annotations

import asyncio
import errno
import re
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus

import msgspec
from msgspec import Struct
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from edge_agent.content import BlobGone, ContentCache, NoRoom, WrongBlob
from edge_agent.errors import EdgeError
from edge_agent.lan.problems import FieldError, Refusal, of_field, response
from protocols.content import CHUNK_BYTES, MAX_BLOB_BYTES
from protocols.ranges import Span, Unsatisfiable, content_range, requested

JSON = "application/json"
_HASH = re.compile(r"[0-9a-f]{64}")
_SIZE = re.compile(r"\d{1,13}")
IDLE_SECONDS = 30.0
"""Longest wait for the next piece of a body."""
DRAIN_BYTES = 1024 * 1024
"""A rest of a body that is let run out; a longer one ends with the connection."""
_HEADERS = {
    "accept-ranges": "bytes",
    "cache-control": "private, max-age=31536000, immutable",
    "content-disposition": "attachment",
    # A file is whatever somebody handed in: it must not run with the class page's rights when a browser opens it.
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
}
_HINT = "GET /v1/openapi.json describes how blobs are read and handed in"

_encoder = msgspec.json.Encoder()


class MissingOfBlob(Struct, frozen=True, kw_only=True):
    """What of a blob has still to be sent; ranges in bytes, the end exclusive."""

    size_bytes: int
    missing: list[tuple[int, int]]


class BlobsApi:
    """The blob routes of one agent; `admit` refuses a request without the LAN token."""

    def __init__(self, cache: ContentCache, admit: Callable[[Request], None]) -> None:
        self._cache = cache
        self._admit = admit
        self.routes = [
            Route("/v1/content", self.content),
            Route("/v1/blobs/{sha256}/missing", self.missing),
            Route("/v1/blobs/{sha256}", self.read, methods=["GET", "HEAD"]),
            Route("/v1/blobs/{sha256}", self.put, methods=["PUT"]),
        ]

    async def content(self, request: Request) -> Response:
        """List what a class needs, and whether it is here."""
        self._admit(request)
        listed = self._cache.listed(request.query_params.get("school_class"))
        return Response(_encoder.encode(listed), headers={"cache-control": "no-store"}, media_type=JSON)

    async def missing(self, request: Request) -> Response:
        """Say what of an attachment has still to be sent."""
        self._admit(request)
        sha256 = _hash(request)
        text = request.query_params.get("size_bytes", "")
        if _SIZE.fullmatch(text) is None or int(text) > MAX_BLOB_BYTES:
            raise of_field(FieldError(field="size_bytes", reason=f"must be at most {MAX_BLOB_BYTES}"), _HINT)
        spans = await self._cache.missing(sha256, int(text))
        return _said(HTTPStatus.OK, int(text), spans)

    async def read(self, request: Request) -> Response:
        """Return a blob, or one range of it."""
        self._admit(request)
        sha256 = _hash(request)
        size_bytes = self._cache.size(sha256)
        if size_bytes is None:
            raise _absent(sha256)
        headers = {**_HEADERS, "etag": f'"{sha256}"'}
        if headers["etag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        span: Span | None = None
        if request.headers.get("if-range", headers["etag"]) == headers["etag"]:
            try:
                span = requested(request.headers.get("range", ""), size_bytes)
            except Unsatisfiable as outside:
                return _outside(outside, size_bytes)
        status = HTTPStatus.OK if span is None else HTTPStatus.PARTIAL_CONTENT
        if span is not None:
            headers["content-range"] = f"bytes {span.start}-{span.end - 1}/{size_bytes}"
        first, end = span or (0, size_bytes)
        headers["content-length"] = str(end - first)
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers)
        body = self._cache.read(sha256, first, end)
        try:
            # The first piece before the head, so that a blob that is gone is answered as one.
            begin = await anext(body, b"")
        except (KeyError, BlobGone):
            raise _absent(sha256) from None
        except (OSError, EdgeError) as error:
            raise _unusable(error) from error
        return StreamingResponse(_joined(begin, body), status, headers, "application/octet-stream")

    async def put(self, request: Request) -> Response:
        """Take an attachment, whole or a part of it."""
        try:
            self._admit(request)
            return await self._put(request)
        except Refusal as refusal:
            answer = response(refusal)
            if not await _drained(request):
                answer.headers["connection"] = "close"
            return answer

    async def _put(self, request: Request) -> Response:
        sha256 = _hash(request)
        first, end, size_bytes = _sent(request)
        known = self._cache.size(sha256)
        if known is not None and known != size_bytes:
            raise of_field(FieldError(field="size_bytes", reason=f"the blob of this hash has {known} bytes"), _HINT)
        try:
            body = _nothing() if known is not None else _bounded(request, end - first)
            spans = await self._cache.put(sha256, size_bytes, first, body)
        except WrongBlob as error:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), hint=error.hint) from error
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        except (OSError, EdgeError) as error:
            raise _unusable(error) from error
        if known is None:
            return _said(HTTPStatus.ACCEPTED if spans else HTTPStatus.CREATED, size_bytes, spans)
        answer = _said(HTTPStatus.ACCEPTED if spans else HTTPStatus.OK, size_bytes, spans)
        if not await _drained(request):
            answer.headers["connection"] = "close"
        return answer


async def _drained(request: Request) -> bool:
    """Let a short rest of the body run out; False when it is too long for that, or nobody sends it."""
    length = request.headers.get("content-length", "")
    if _SIZE.fullmatch(length) is None or int(length) > DRAIN_BYTES:
        return False
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            async for _ in request.stream():
                pass
    except RuntimeError:
        return True  # it was read to its end before
    except (ClientDisconnect, TimeoutError):
        return False
    return True


def _unusable(error: OSError | EdgeError) -> Refusal:
    """Return the refusal when the agent's disk, or its key, does not do what it should."""
    full = isinstance(error, NoRoom) or (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT))
    status = HTTPStatus.INSUFFICIENT_STORAGE if full else HTTPStatus.SERVICE_UNAVAILABLE
    technician = f"; for the technician: {error.hint}" if isinstance(error, EdgeError) and error.hint else ""
    return Refusal(status, str(error), hint=f"come again later; a file of your own keep until then{technician}")


def _outside(outside: Unsatisfiable, size_bytes: int) -> Response:
    hint = "ask for bytes below the size that Content-Range names"
    answer = response(Refusal(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, str(outside), hint=hint))
    answer.headers["content-range"] = f"bytes */{size_bytes}"
    return answer


def _hash(request: Request) -> str:
    sha256: str = request.path_params["sha256"]
    if _HASH.fullmatch(sha256) is None:
        raise of_field(FieldError(field="sha256", reason="must be 64 hex digits in lower case"), _HINT)
    return sha256


def _absent(sha256: str) -> Refusal:
    return Refusal(
        HTTPStatus.NOT_FOUND, f"blob {sha256} is not here", hint="GET /v1/content says what is ready; ask later"
    )


def _sent(request: Request) -> tuple[int, int, int]:
    """Return first byte, end and total of what a PUT brings."""
    header = request.headers.get("content-range")
    length = request.headers.get("content-length", "")
    if header is None:
        if _SIZE.fullmatch(length) is None:
            raise Refusal(HTTPStatus.LENGTH_REQUIRED, "the length of the body is needed", hint=_HINT)
        first, end, total = 0, int(length), int(length)
    else:
        try:
            (first, end), total = content_range(header)
        except ValueError as error:
            raise of_field(FieldError(field="content-range", reason=str(error)), _HINT) from error
        if length.isdecimal() and int(length) != end - first:
            reason = f"names {end - first} bytes, the content-length is {length}"
            raise of_field(FieldError(field="content-range", reason=reason), _HINT)
        if first % CHUNK_BYTES or (end % CHUNK_BYTES and end != total):
            reason = f"must begin at a multiple of {CHUNK_BYTES} and end at one or at the end of the blob"
            raise of_field(FieldError(field="content-range", reason=reason), _HINT)
    if total > MAX_BLOB_BYTES:
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a blob has at most {MAX_BLOB_BYTES} bytes", hint=_HINT)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        detail = "a body with a content-encoding is not taken"
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, hint="send the file's own bytes")
    return first, end, total


def _said(status: HTTPStatus, size_bytes: int, spans: list[tuple[int, int]]) -> Response:
    return Response(_encoder.encode(MissingOfBlob(size_bytes=size_bytes, missing=spans)), status, media_type=JSON)


async def _bounded(request: Request, most: int) -> AsyncIterator[bytes]:
    came = 0
    pieces = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                piece = await anext(pieces, None)
        except TimeoutError as error:
            detail = f"no byte came for {IDLE_SECONDS:g} s"
            raise Refusal(HTTPStatus.REQUEST_TIMEOUT, detail, hint="ask what is missing and send that") from error
        if piece is None:
            return
        came += len(piece)
        if came > most:
            raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the body is longer than it said", hint=_HINT)
        yield piece


async def _nothing() -> AsyncIterator[bytes]:
    nothing: tuple[bytes, ...] = ()
    for piece in nothing:
        yield piece


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
