"""Blobs on the school's network: terminals read content in ranges and hand in attachments, resumed by missing range.

`PUT` takes a whole body, or with `Content-Range: bytes first-last/total` a part that begins at a chunk (a multiple of
`CHUNK_BYTES`) and ends at one or at the end. 201: whole and verified; 202: more is missing; 200: it was here already.
Sources: RFC 9110 §14 (ranges).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus

import msgspec
from msgspec import Struct
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from edge_agent.content import BlobGone, ContentCache, NoRoom, WrongBlob
from edge_agent.lan.problems import FieldError, Refusal, of_field
from protocols.content import CHUNK_BYTES, MAX_BLOB_BYTES

JSON = "application/json"
_HASH = re.compile(r"[0-9a-f]{64}")
_RANGE = re.compile(r"bytes=(\d{1,13})?-(\d{1,13})?")
_CONTENT_RANGE = re.compile(r"bytes (\d{1,13})-(\d{1,13})/(\d{1,13})")
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
        if not text.isdecimal() or int(text) > MAX_BLOB_BYTES:
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
        headers = {
            "etag": f'"{sha256}"',
            "accept-ranges": "bytes",
            "cache-control": "private, max-age=31536000, immutable",
        }
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        first, end = _range(request.headers.get("range"), size_bytes)
        status = HTTPStatus.OK
        if (first, end) != (0, size_bytes):
            status = HTTPStatus.PARTIAL_CONTENT
            headers["content-range"] = f"bytes {first}-{end - 1}/{size_bytes}"
        headers["content-length"] = str(end - first)
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers)
        body = self._cache.read(sha256, first, end)
        try:
            begin = await anext(body, b"")
        except (KeyError, BlobGone):
            raise _absent(sha256) from None
        return StreamingResponse(_joined(begin, body), status, headers, "application/octet-stream")

    async def put(self, request: Request) -> Response:
        """Take an attachment, whole or a part of it."""
        self._admit(request)
        sha256 = _hash(request)
        first, end, size_bytes = _sent(request)
        if self._cache.size(sha256) is not None:
            answer = _said(HTTPStatus.OK, size_bytes, [])
            answer.headers["connection"] = "close"  # the body is not read
            await self._cache.put(sha256, size_bytes, 0, _nothing())
            return answer
        try:
            spans = await self._cache.put(sha256, size_bytes, first, _bounded(request, end - first))
        except NoRoom as error:
            raise _closing(HTTPStatus.INSUFFICIENT_STORAGE, error) from error
        except WrongBlob as error:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), hint=error.hint) from error
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        return _said(HTTPStatus.ACCEPTED if spans else HTTPStatus.CREATED, size_bytes, spans)


def _closing(status: HTTPStatus, error: NoRoom) -> Refusal:
    return Refusal(status, str(error), hint=f"keep the file and send it later; for the technician: {error.hint}")


def _hash(request: Request) -> str:
    sha256: str = request.path_params["sha256"]
    if _HASH.fullmatch(sha256) is None:
        raise of_field(FieldError(field="sha256", reason="must be 64 hex digits in lower case"), _HINT)
    return sha256


def _absent(sha256: str) -> Refusal:
    return Refusal(
        HTTPStatus.NOT_FOUND, f"blob {sha256} is not here", hint="GET /v1/content says what is ready; ask later"
    )


def _range(header: str | None, size_bytes: int) -> tuple[int, int]:
    """Return the range asked for, the end exclusive; the whole without one or with several."""
    match = None if header is None else _RANGE.fullmatch(header.strip())
    if match is None or match[0] == "bytes=-":
        return 0, size_bytes
    if match[1] is None:
        return max(0, size_bytes - int(match[2])), size_bytes
    first = int(match[1])
    end = size_bytes if match[2] is None else min(size_bytes, int(match[2]) + 1)
    if first >= size_bytes or end <= first:
        raise Refusal(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, f"the blob has {size_bytes} bytes", hint="ask within them"
        )
    return first, end


def _sent(request: Request) -> tuple[int, int, int]:
    """Return first byte, end and total of what a PUT brings."""
    header = request.headers.get("content-range")
    length = request.headers.get("content-length", "")
    if header is None:
        if not length.isdecimal():
            raise Refusal(HTTPStatus.LENGTH_REQUIRED, "the length of the body is needed", hint=_HINT)
        first, end, total = 0, int(length), int(length)
    else:
        match = _CONTENT_RANGE.fullmatch(header.strip())
        if match is None:
            reason = "must look like: bytes 0-262143/1000000"
            raise of_field(FieldError(field="content-range", reason=reason), _HINT)
        first, end, total = int(match[1]), int(match[2]) + 1, int(match[3])
        if first % CHUNK_BYTES or end > total or end <= first or (end % CHUNK_BYTES and end != total):
            reason = f"must begin at a multiple of {CHUNK_BYTES} and end at one or at the end of the blob"
            raise of_field(FieldError(field="content-range", reason=reason), _HINT)
    if total > MAX_BLOB_BYTES:
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a blob has at most {MAX_BLOB_BYTES} bytes", hint=_HINT)
    return first, end, total


def _said(status: HTTPStatus, size_bytes: int, spans: list[tuple[int, int]]) -> Response:
    return Response(_encoder.encode(MissingOfBlob(size_bytes=size_bytes, missing=spans)), status, media_type=JSON)


async def _bounded(request: Request, most: int) -> AsyncIterator[bytes]:
    came = 0
    async for piece in request.stream():
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
