"""The HTTP API for the school's own network: terminals check in, people and programs ask how the agent is.

Bodies are read with a bound and a deadline and decoded by msgspec straight into the struct; nothing is awaited between
the last byte and the answer. What is refused is refused with its reason (RFC 9457), never with a 5xx for a client's
fault. Health, the local page and the API's own description need no token: they give away nothing and change nothing.

Plain Starlette, not FastAPI: under a school's full load the agent took 75.9 MB with FastAPI and pydantic and 66.4 MB
without (budget: 70), for validation that msgspec already does here.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from edge_agent.classroom import Classrooms
from edge_agent.classroom.viewing import SaidByTerminals, Viewing
from edge_agent.classroom.views import Taught
from edge_agent.content import ContentCache
from edge_agent.health import AgentStatus
from edge_agent.lan import page, problems
from edge_agent.lan.blobs import BlobsApi
from edge_agent.lan.body import read_body
from edge_agent.lan.classes import ClassesApi
from edge_agent.lan.description import describe
from edge_agent.lan.desired import DesiredApi, DesiredFirst
from edge_agent.lan.problems import FieldError, Refusal, decode_body
from edge_agent.lan.records import RecordsApi
from edge_agent.lan.statements import StatementsApi
from edge_agent.lan.teacher_pages import TeacherPages
from edge_agent.lan.teachers import TeacherGate
from edge_agent.records import Intake
from edge_agent.terminals import CheckIn, CheckInBody, TooManyTerminals
from edge_agent.terminals.values import SILENT, TERMINAL_PATTERN

MAX_BODY_BYTES = 8 * 1024
JSON = "application/json"
HTML = "text/html; charset=utf-8"
_CHECK_IN_HINT = "correct the field or leave it out; GET /v1/openapi.json describes a check-in"
TERMINAL_ID = re.compile(TERMINAL_PATTERN)

_decoder = msgspec.json.Decoder(CheckInBody)
_encoder = msgspec.json.Encoder()


class Host(Protocol):
    """What the API needs of its agent."""

    @property
    def records(self) -> Intake:
        """Takes classroom records."""
        ...

    def check_in(self, checkin: CheckIn) -> None:
        """Take a check-in, or raise `TooManyTerminals`."""
        ...

    async def status(self) -> AgentStatus:
        """Say how the agent is."""
        ...


class LanApi:
    """The API's operations for one agent. With a `token`, check-ins and status need it as bearer."""

    def __init__(self, host: Host, token: str | None, taught: Callable[[], Taught] | None = None) -> None:
        self._host = host
        self._taught = taught
        self._token = None if token is None else token.encode()

    async def check_in(self, request: Request) -> Response:
        """Take a terminal's check-in."""
        self.admit(request)
        terminal = request.path_params["terminal"]
        if TERMINAL_ID.fullmatch(terminal) is None:
            named = FieldError(field="terminal", reason=f"must match {TERMINAL_ID.pattern}")
            raise problems.of_field(named, "use the terminal's id in the inventory, such as s07-c03-t12")
        body = await read_body(request, max_bytes=MAX_BODY_BYTES, what="a check-in")
        said = decode_body(_decoder, body, what="a check-in", hint=_CHECK_IN_HINT) if body else SILENT
        try:
            self._host.check_in(CheckIn(terminal, said))
        except TooManyTerminals as error:
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, str(error), hint=error.hint) from error
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def health(self, _request: Request) -> Response:
        """Say whether the agent runs and can keep what it is given."""
        faults = (await self._host.status()).faults
        state = {"status": "ok" if not faults else "degraded", "faults": faults}
        code = HTTPStatus.OK if not faults else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(_encoder.encode(state), code, media_type=JSON)

    async def status(self, request: Request) -> Response:
        """Say everything the agent knows of itself."""
        self.admit(request)
        return Response(_encoder.encode(await self._host.status()), media_type=JSON)

    async def local_page(self, request: Request) -> Response:
        """Show the page for people."""
        language = page.language(request.query_params.get("lang"), request.headers.get("accept-language", ""))
        taught = None if self._taught is None else self._taught()
        return Response(page.render(await self._host.status(), language, taught), media_type=HTML)

    async def description(self, _request: Request) -> Response:
        """Describe the API."""
        return Response(_encoder.encode(describe()), media_type=JSON)

    def admit(self, request: Request) -> None:
        """Refuse a request without the LAN token, where one is wanted."""
        if self._token is None:
            return
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token):
            raise Refusal(
                HTTPStatus.UNAUTHORIZED,
                "this agent wants its LAN token",
                hint="send the header `Authorization: Bearer` with the [lan] token of the agent's config",
            )


@dataclass(frozen=True, slots=True)
class Teaching:
    """What the class routes and pages need. Without a `code` teachers need the LAN token, and without that nothing."""

    classrooms: Classrooms
    terminals: SaidByTerminals
    code: str | None = None


def lan_app(
    host: Host, token: str | None = None, teaching: Teaching | None = None, content: ContentCache | None = None
) -> ASGIApp:
    """Return the API of one agent as an ASGI application."""
    viewing = None if teaching is None else Viewing(teaching.classrooms, teaching.terminals)
    api = LanApi(host, token, None if viewing is None else viewing.taught)
    classes: list[Route] = []
    if teaching is not None and viewing is not None:
        gate = TeacherGate(token, teaching.code)
        classes = [
            *ClassesApi(teaching.classrooms, viewing, gate.admit).routes,
            *TeacherPages(viewing, gate.redirect).routes,
            *gate.routes,
        ]
    blobs = [] if content is None else BlobsApi(content, api.admit).routes
    app = Starlette(
        routes=[
            Route("/v1/terminals/{terminal}/checkin", api.check_in, methods=["POST"]),
            Route("/v1/health", api.health),
            Route("/v1/status", api.status),
            Route("/v1/openapi.json", api.description),
            *RecordsApi(host.records, api.admit).routes,
            *StatementsApi(host.records, api.admit).routes,
            Route("/", api.local_page),
            *blobs,
            *classes,
        ],
        exception_handlers={Refusal: _refused, HTTPException: _not_served},
    )
    if teaching is None or viewing is None:
        return app
    return DesiredFirst(DesiredApi(teaching.classrooms, viewing, api.admit), app)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return problems.response(error)


async def _not_served(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    return problems.response(Refusal(status, str(error.detail), hint="GET /v1/openapi.json describes every route"))
