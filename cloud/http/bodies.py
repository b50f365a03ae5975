"""Reads a request's body that is a msgspec document of the wire contract, bounded in size, every fault a problem."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from fastapi import Request

from cloud.http.problems import ProblemError, invalid_input
from cloud.http.schemas import FieldProblem

T = TypeVar("T")


async def wire_body(request: Request, decoder: msgspec.json.Decoder[T], *, max_bytes: int) -> T:
    """Return the decoded body.

    Raises:
        ProblemError: 413 when it is larger than `max_bytes`, 422 when it is not what the contract says.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > max_bytes:
            raise ProblemError(
                413,
                "too-large",
                detail=f"the body has more than {max_bytes} bytes",
                hint="Send no more than the contract's fields.",
                headers={"connection": "close"},
            )
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:  # also what does not validate
        raise invalid_input([FieldProblem(field="body", detail=str(error))]) from error
