"""Documents built once and sent to many: JSON bytes, their gzip, their ETag."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass

from fastapi import Request, Response

_GZIP_LEVEL = 5
"""Within 3 % of level 9 for columns of ids, at a third of its time."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A document ready to send."""

    body: bytes
    compressed: bytes
    etag: str

    @classmethod
    def of(cls, body: bytes, named_by: bytes | None = None) -> Snapshot:
        """Compress `body` and name it, by itself or by what of it matters (everything but its time, say).

        The ETag is weak because both encodings share it (RFC 9110 §8.8.1).
        """
        compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        compressed = compressor.compress(body) + compressor.flush()
        return cls(body, compressed, f'W/"{hashlib.sha256(body if named_by is None else named_by).hexdigest()[:24]}"')


def answer(request: Request, snapshot: Snapshot) -> Response:
    """Send a snapshot: 304 when the client has it, compressed when the client can read that."""
    headers = {"etag": snapshot.etag, "cache-control": "no-cache", "vary": "accept-encoding"}
    if _names(request.headers.get("if-none-match", ""), snapshot.etag):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        return Response(snapshot.compressed, media_type="application/json", headers=headers)
    return Response(snapshot.body, media_type="application/json", headers=headers)


def _names(if_none_match: str, etag: str) -> bool:
    offered = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in offered or etag.removeprefix("W/") in offered
