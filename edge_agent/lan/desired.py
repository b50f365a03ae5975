"""What a terminal polls: everything it should have and show, answered when it changes.

A terminal asks with the ETag it has and `wait`; the answer is 200 with what is new, or 304 when nothing was for so
long. What only says the time does not count as new. While it waits, a terminal costs a connection, a short stack of
coroutines and a future, and no work: `DesiredFirst` answers ahead of the web framework, whose own stack under each of
700 that wait took several megabytes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from hashlib import blake2b
from http import HTTPStatus

import msgspec
from msgspec import structs
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from edge_agent.classroom.pulses import Channel
from edge_agent.classroom.service import Classrooms
from edge_agent.classroom.viewing import Viewing
from edge_agent.classroom.views import TerminalDesired
from edge_agent.lan import problems
from edge_agent.lan.problems import FieldError, Refusal, of_field
from edge_agent.terminals.values import TERMINAL_PATTERN

LONGEST_WAIT_SECONDS = 55
"""Below what most HTTP clients and proxies wait for an answer."""
MOST_WAITING = 2500
TIME_HEADER = "x-bellwether-time-ms"
JSON = "application/json"
_TERMINAL = re.compile(TERMINAL_PATTERN)
_PATH = re.compile(r"/v1/terminals/([^/]*)/desired")

_encoder = msgspec.json.Encoder()


class DesiredApi:
    """The route of terminals; `admit` refuses a request without the LAN token."""

    def __init__(self, classrooms: Classrooms, viewing: Viewing, admit: Callable[[Request], None]) -> None:
        self._rooms = classrooms
        self._viewing = viewing
        self._admit = admit

    async def answer(self, terminal: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Say what a terminal should have and show, as soon as it is not what its ETag says."""
        try:
            known, wait_seconds = self._asked(terminal, Request(scope))
            response = await self._news(terminal, known, wait_seconds)
        except Refusal as refusal:
            response = problems.response(refusal)
        await response(scope, receive, send)

    def _asked(self, terminal: str, request: Request) -> tuple[str | None, float]:
        """Return the ETag and the wait of a request that may be answered."""
        self._admit(request)
        if _TERMINAL.fullmatch(terminal) is None:
            named = FieldError(field="terminal", reason=f"must match {TERMINAL_PATTERN}")
            raise of_field(named, "use the terminal's id in the inventory, such as s07-c03-t12")
        return request.headers.get("if-none-match"), _wait_seconds(request)

    async def _news(self, terminal: str, known: str | None, wait_seconds: float) -> Response:
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_seconds
        pulses = self._rooms.pulses
        while True:
            found = self._viewing.desired(terminal)
            etag = _etag(found)
            left = until - loop.time()
            if etag != known:
                return Response(_encoder.encode(found), headers=self._headers(etag), media_type=JSON)
            if left > 0 and pulses.waiting >= MOST_WAITING:
                detail = f"{pulses.waiting} terminals wait here, more are not served"
                raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, detail, hint="ask again in ten seconds")
            if left <= 0 or pulses.closed:
                return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=self._headers(etag))
            pulse = pulses.of(found.school_class or "", Channel.DESIRED)
            await pulse.wait(pulse.beats, left)

    def _headers(self, etag: str) -> dict[str, str]:
        return {"etag": etag, "cache-control": "no-store", TIME_HEADER: str(self._rooms.now_ms())}


class DesiredFirst:
    """The agent's application: terminals that ask what they should have, and `rest` for everything else."""

    def __init__(self, desired: DesiredApi, rest: ASGIApp) -> None:
        self._desired = desired
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        asked = _PATH.fullmatch(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        if asked is None:
            await self._rest(scope, receive, send)
        else:
            await self._desired.answer(asked[1], scope, receive, send)


def _wait_seconds(request: Request) -> float:
    text = request.query_params.get("wait", "0")
    if not text.isdecimal() or int(text) > LONGEST_WAIT_SECONDS:
        named = FieldError(field="wait", reason=f"must be a whole number from 0 to {LONGEST_WAIT_SECONDS}")
        raise of_field(named, "ask with wait=25, and again as soon as you are answered")
    return float(text)


def _etag(found: TerminalDesired) -> str:
    content = _encoder.encode(structs.replace(found, at_ms=0))
    return f'"{blake2b(content, digest_size=12).hexdigest()}"'
