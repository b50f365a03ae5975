"""The centre's side over real HTTP: Starlette under uvicorn on a free port, with switches for tests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ops.embedded.process import free_port
from protocols.desired import Body, DesiredTokens, DocumentKind, Reported, SignedDocument, token_of
from tests.edge_agent.downlink.centre import AGENT, kind_of, signed

TOKEN = "centre-word"


class FakeCentre:
    """Hands out what was published, takes reports. `answers` is a status to refuse everything with."""

    def __init__(self) -> None:
        self.port = free_port()
        self.documents: dict[DocumentKind, SignedDocument] = {}
        self.reports: list[Reported] = []
        self.fetched: list[DocumentKind] = []
        self.asked = 0
        self.refuse_with: int | None = None
        self._serial = 0
        self._news = asyncio.Event()
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def publish(self, body: Body, **options: object) -> str:
        self._serial += 1
        one = signed(body, self._serial, **options)  # type: ignore[arg-type]
        self.documents[kind_of(body)] = one
        return token_of(one.payload)

    def put(self, kind: DocumentKind, document: SignedDocument) -> str:
        self.documents[kind] = document
        return token_of(document.payload)

    def tokens(self) -> dict[DocumentKind, str]:
        return {kind: token_of(one.payload) for kind, one in self.documents.items()}

    async def reported(self, condition) -> Reported:
        """Wait for a report of which the condition holds."""
        async with asyncio.timeout(60):
            while True:
                for one in reversed(self.reports):
                    if condition(one):
                        return one
                self._news.clear()
                await self._news.wait()

    async def start(self) -> None:
        routes = [
            Route("/api/v1/edge/{agent}/tokens", self._tokens),
            Route("/api/v1/edge/{agent}/documents/{kind}", self._document),
            Route("/api/v1/edge/{agent}/reported", self._reported, methods=["POST"]),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), host="127.0.0.1", port=self.port, log_config=None, lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._task = asyncio.create_task(self._server._serve())
        async with asyncio.timeout(30):
            while not self._server.started:
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        if self._server is not None and self._task is not None:
            self._server.should_exit = self._server.force_exit = True
            await self._task
            self._server = self._task = None

    def _refusal(self, request: Request) -> Response | None:
        self.asked += 1
        if self.refuse_with is not None:
            return Response(status_code=self.refuse_with)
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Response(status_code=401)
        return None if request.path_params["agent"] == AGENT else Response(status_code=404)

    async def _tokens(self, request: Request) -> Response:
        return self._refusal(request) or _json(DesiredTokens(agent=AGENT, tokens=self.tokens(), cloud_time_ms=1_000))

    async def _document(self, request: Request) -> Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        kind = DocumentKind(request.path_params["kind"])
        self.fetched.append(kind)
        return _json(self.documents[kind])

    async def _reported(self, request: Request) -> Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        self.reports.append(msgspec.json.decode(await request.body(), type=Reported))
        self._news.set()
        return Response(status_code=204)


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


@asynccontextmanager
async def running_centre() -> AsyncIterator[FakeCentre]:
    centre = FakeCentre()
    await centre.start()
    try:
        yield centre
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await centre.stop()
