"""The operator's token: asked for by the few routes that change something, when the configuration names one."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import Header, Request

from cloud.http.problems import ProblemError

Token = Annotated[
    str | None,
    Header(alias="X-Bellwether-Token", description="The operator's token, when the API is configured with one."),
]


async def operator_token(request: Request, x_bellwether_token: Token = None) -> None:
    """Refuse a request without the configured token."""
    expected: str = request.app.state.rooms.operator_token
    if expected and not secrets.compare_digest((x_bellwether_token or "").encode(), expected.encode()):
        raise ProblemError(
            401,
            "token-needed",
            detail="this route needs the operator's token",
            hint="Send the header X-Bellwether-Token with the value of [api] operator_token in cloud.toml.",
        )
