"""What a terminal polls: everything it should have and show, answered when it changes.

A terminal asks with the ETag it has and `wait`; the answer is 200 with what is new, or 304 when nothing was for so
long. What only says the time does not count as new. While it waits, a terminal costs a connection, a coroutine and a
future, and no work.
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
from starlette.routing import Route

from edge_agent.classroom.pulses import Channel
from edge_agent.classroom.service import Classrooms
from edge_agent.classroom.viewing import Viewing
from edge_agent.classroom.views import TerminalDesired
from edge_agent.lan.problems import FieldError, Refusal, of_field
from edge_agent.terminals.values import TERMINAL_PATTERN

LONGEST_WAIT_SECONDS = 55
"""Below what most HTTP clients and proxies wait for an answer."""
MOST_WAITING = 2500
TIME_HEADER = "x-bellwether-time-ms"
JSON = "application/json"
_TERMINAL = re.compile(TERMINAL_PATTERN)

_encoder = msgspec.json.Encoder()


class DesiredApi:
    """The route of terminals; `admit` refuses a request without the LAN token."""

    def __init__(self, classrooms: Classrooms, viewing: Viewing, admit: Callable[[Request], None]) -> None:
        self._rooms = classrooms
        self._viewing = viewing
        self._admit = admit
        self.routes = [Route("/v1/terminals/{terminal}/desired", self.desired)]

    async def desired(self, request: Request) -> Response:
        """Say what a terminal should have and show, as soon as it is not what its ETag says."""
        self._admit(request)
        terminal = request.path_params["terminal"]
        if _TERMINAL.fullmatch(terminal) is None:
            named = FieldError(field="terminal", reason=f"must match {TERMINAL_PATTERN}")
            raise of_field(named, "use the terminal's id in the inventory, such as s07-c03-t12")
        known = request.headers.get("if-none-match")
        loop = asyncio.get_running_loop()
        until = loop.time() + _wait_seconds(request)
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


def _wait_seconds(request: Request) -> float:
    text = request.query_params.get("wait", "0")
    if not text.isdecimal() or int(text) > LONGEST_WAIT_SECONDS:
        named = FieldError(field="wait", reason=f"must be a whole number from 0 to {LONGEST_WAIT_SECONDS}")
        raise of_field(named, "ask with wait=25, and again as soon as you are answered")
    return float(text)


def _etag(found: TerminalDesired) -> str:
    content = _encoder.encode(structs.replace(found, at_ms=0))
    return f'"{blake2b(content, digest_size=12).hexdigest()}"'
