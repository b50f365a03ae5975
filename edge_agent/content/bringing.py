"""Brings one blob to the centre, over HTTP: asks what is missing there, sends that piece by piece, asks again.

The centre has a blob when it says that nothing of it is missing, and not before: a piece that it took may have been
forgotten since, and an answer may be somebody else's on the way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, ClassVar

import msgspec
from msgspec import Struct

from edge_agent.errors import EdgeError, Retry
from protocols.content import CHUNK_BYTES

if TYPE_CHECKING:
    import httpx

PIECE_BYTES = 4 * CHUNK_BYTES
"""What goes up in one request."""

Read = Callable[[str, int, int], AsyncIterator[bytes]]
"""Yields the bytes of a blob from one place up to and without another."""
Paced = Callable[[int], Awaitable[None]]
"""Waits after so many bytes."""


class NotTaken(EdgeError):
    """The centre does not have the blob yet."""

    retry: ClassVar[Retry] = Retry.BACKOFF


class _Missing(Struct, frozen=True):
    missing: list[tuple[int, int]]


_decoder = msgspec.json.Decoder(_Missing)


async def bring(client: httpx.AsyncClient, url: str, size_bytes: int, sha256: str, read: Read, paced: Paced) -> None:
    """Return when the centre has the blob; `url` is the blob's there.

    Raises:
        NotTaken. httpx.HTTPError: the line is cut, or the centre refuses. What `read` raises.
    """
    if size_bytes == 0:
        (await client.put(url, content=b"")).raise_for_status()
    for first, end in await _missing(client, url, size_bytes):
        for start in range(first, end, PIECE_BYTES):
            stop = min(start + PIECE_BYTES, end)
            piece = b"".join([part async for part in read(sha256, start, stop)])
            headers = {"content-range": f"bytes {start}-{stop - 1}/{size_bytes}"}
            (await client.put(url, content=piece, headers=headers)).raise_for_status()
            await paced(len(piece))
    if left := await _missing(client, url, size_bytes):
        raise NotTaken(f"the centre still misses {sum(end - first for first, end in left)} bytes of {sha256}")


async def _missing(client: httpx.AsyncClient, url: str, size_bytes: int) -> list[tuple[int, int]]:
    answer = await client.get(f"{url}/missing", params={"size_bytes": size_bytes})
    answer.raise_for_status()
    try:
        spans = _decoder.decode(answer.content).missing
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotTaken(f"{url} answers what this agent cannot read: {error}") from error
    if any(not 0 <= first < end <= size_bytes for first, end in spans):
        raise NotTaken(f"{url} misses bytes that the blob does not have")
    return spans
