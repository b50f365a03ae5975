"""Reads the body of a request, bounded in size and time, whatever its length header says."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from starlette.requests import Request

from edge_agent.lan.problems import Refusal

BODY_SECONDS = 10.0


async def read_body(request: Request, *, max_bytes: int, what: str) -> bytes:
    """Return the whole body; `what` names it in refusals, with its article.

    Raises:
        Refusal: it is too large, too slow, or encoded.
    """
    declared = request.headers.get("content-length")
    if declared is not None and declared.isdecimal() and int(declared) > max_bytes:
        raise _too_large(max_bytes, what)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "a body with a content-encoding is not taken",
            hint=f"send {what} without content-encoding",
        )
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size > max_bytes:
                    raise _too_large(max_bytes, what)
                parts.append(part)
    except TimeoutError as error:
        detail = f"the body did not come within {BODY_SECONDS:g} s"
        raise Refusal(HTTPStatus.REQUEST_TIMEOUT, detail, hint=f"send {what} again, the body at once") from error
    return b"".join(parts)


def _too_large(max_bytes: int, what: str) -> Refusal:
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"{what} has at most {max_bytes} bytes",
        hint="send no more than the fields that GET /v1/openapi.json describes",
    )
