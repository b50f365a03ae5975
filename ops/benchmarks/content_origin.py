"""The least centre that content needs: a signed document per agent, one blob in ranges, reports taken. On loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import msgspec
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from protocols.content import Content
from protocols.desired import (
    SIGNED_PREFIX,
    DesiredTokens,
    Document,
    DocumentKind,
    Reported,
    SignedDocument,
    Validity,
    token_of,
)
from protocols.ranges import requested


class Origin:
    """Wants `content` of every agent that asks, and holds the blob. `ready` are the agents that said to have it."""

    def __init__(self, content: Content, blob: bytes) -> None:
        self._content = content
        self._blob = blob
        self._key = Ed25519PrivateKey.generate()
        self.public_key = b64encode(self._key.public_key().public_bytes_raw()).decode()
        self.ready: set[str] = set()
        self.blob_bytes_sent = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        """Serve, and yield the port."""
        edge = "/api/v1/edge/{agent}"
        routes = [
            Route(f"{edge}/tokens", self._tokens),
            Route(f"{edge}/documents/content", self._document),
            Route(f"{edge}/reported", self._reported, methods=["POST"]),
            Route(f"{edge}/blobs/{{sha256}}", self._read),
        ]
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off"))
            server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            try:
                yield listener.getsockname()[1]
            finally:
                server.should_exit = server.force_exit = True
                await serving

    def _signed(self, agent: str) -> SignedDocument:
        document = Document(agent=agent, kind=DocumentKind.CONTENT, serial=1, made_at_ms=1, body=self._content)
        payload = msgspec.json.encode(document)
        return SignedDocument(key_id="bench", payload=payload, signature=self._key.sign(SIGNED_PREFIX + payload))

    async def _tokens(self, request: Request) -> Response:
        agent = request.path_params["agent"]
        token = token_of(self._signed(agent).payload)
        return _json(DesiredTokens(agent=agent, tokens={DocumentKind.CONTENT: token}, cloud_time_ms=1))

    async def _document(self, request: Request) -> Response:
        return _json(self._signed(request.path_params["agent"]))

    async def _reported(self, request: Request) -> Response:
        reported = msgspec.json.decode(await request.body(), type=Reported)
        for one in reported.documents:
            if one.kind is DocumentKind.CONTENT and one.validity is Validity.VALID and one.missing_bytes == 0:
                self.ready.add(reported.agent)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _read(self, request: Request) -> Response:
        size_bytes = len(self._blob)
        span = requested(request.headers.get("range", ""), size_bytes)
        if span is None:
            self.blob_bytes_sent += size_bytes
            return Response(self._blob)
        self.blob_bytes_sent += span.end - span.start
        headers = {"content-range": f"bytes {span.start}-{span.end - 1}/{size_bytes}"}
        return Response(self._blob[span.start : span.end], HTTPStatus.PARTIAL_CONTENT, headers)


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
