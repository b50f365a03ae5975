"""Who may lead a class: the teacher's code, the LAN token, or a browser that has shown one of them.

With neither configured the school's network is trusted. A browser keeps a cookie that only this process can sign, so a
restart asks again. Wrong codes are counted by address; whoever guesses waits.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from http import HTTPStatus
from urllib.parse import parse_qs, quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from edge_agent.lan import page, teacher_pages
from edge_agent.lan.body import read_body
from edge_agent.lan.problems import Refusal

CODE_HEADER = "x-teacher-code"
COOKIE = "bellwether_teacher"
COOKIE_SECONDS = 12 * 3600
MOST_WRONG = 5
WRONG_SECONDS = 60.0
_MOST_ADDRESSES = 1024
_MOST_FORM_BYTES = 4096
_HINT = "send the header `X-Teacher-Code`, or `Authorization: Bearer` with the LAN token; in a browser open /teacher"


class Guesses:
    """Wrong codes by address. `clock` is in seconds and never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: dict[str, list[float]] = {}

    def wait_seconds(self, address: str) -> float:
        """Return how long an address must wait before its next guess; 0 when it need not."""
        now = self._clock()
        recent = [at for at in self._wrong.get(address, []) if now - at < WRONG_SECONDS]
        return recent[0] + WRONG_SECONDS - now if len(recent) >= MOST_WRONG else 0.0

    def wrong(self, address: str) -> None:
        """Count a wrong code."""
        now = self._clock()
        recent = [at for at in self._wrong.pop(address, []) if now - at < WRONG_SECONDS]
        self._wrong[address] = [*recent, now]
        while len(self._wrong) > _MOST_ADDRESSES:
            del self._wrong[next(iter(self._wrong))]


class TeacherGate:
    """Admits whoever may lead a class."""

    def __init__(self, token: str | None, code: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._token = None if token is None else token.encode()
        self._codes = [one.encode() for one in (code, token) if one is not None]
        self._key = secrets.token_bytes(32)
        self._clock = clock
        self._guesses = Guesses(clock)
        self.routes = [
            Route("/teacher", self.form),
            Route("/teacher", self.sign_in, methods=["POST"]),
        ]

    def admit(self, request: Request) -> None:
        """Refuse a request of nobody who may.

        Raises:
            Refusal: 401, or 429 after too many wrong codes.
        """
        if self._is_known(request):
            return
        given = request.headers.get(CODE_HEADER)
        if given is None:
            raise Refusal(HTTPStatus.UNAUTHORIZED, "this is for teachers", hint=_HINT)
        if not self._is_right(request, given):
            raise Refusal(HTTPStatus.UNAUTHORIZED, "this is not the teacher's code", hint=_HINT)

    def redirect(self, request: Request) -> Response | None:
        """Return where a browser must go first, or None when it may stay."""
        if self._is_known(request):
            return None
        asked = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        lang = request.query_params.get("lang")
        said = f"&lang={quote(lang)}" if lang else ""
        return RedirectResponse(f"/teacher?next={quote(asked)}{said}", HTTPStatus.SEE_OTHER)

    async def form(self, request: Request) -> Response:
        """Ask for the code."""
        return self._asked(request, "", HTTPStatus.OK)

    async def sign_in(self, request: Request) -> Response:
        """Take the code from the form."""
        body = await read_body(request, max_bytes=_MOST_FORM_BYTES, what="a form")
        given = parse_qs(body.decode("utf-8", "replace")).get("code", [""])[0]
        try:
            right = self._is_right(request, given)
        except Refusal:
            return self._asked(request, "too_many", HTTPStatus.TOO_MANY_REQUESTS)
        if not right:
            return self._asked(request, "wrong", HTTPStatus.UNAUTHORIZED)
        answer = RedirectResponse(_local(request.query_params.get("next")), HTTPStatus.SEE_OTHER)
        until = int(self._clock() + COOKIE_SECONDS)
        answer.set_cookie(
            COOKIE, f"{until}.{self._signature(until)}", max_age=COOKIE_SECONDS, httponly=True, samesite="strict"
        )
        return answer

    def _asked(self, request: Request, fault: str, status: HTTPStatus) -> Response:
        lang = page.language(request.query_params.get("lang"), request.headers.get("accept-language", ""))
        return teacher_pages.answer(
            teacher_pages.sign_in(lang, _local(request.query_params.get("next")), fault), status
        )

    def _is_known(self, request: Request) -> bool:
        if not self._codes:
            return True
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if self._token is not None and scheme.lower() == "bearer":
            return hmac.compare_digest(given.strip().encode(), self._token)
        until, _, signature = request.cookies.get(COOKIE, "").partition(".")
        return (
            until.isdecimal()
            and int(until) > self._clock()
            and hmac.compare_digest(signature.encode(), self._signature(int(until)).encode())
        )

    def _is_right(self, request: Request, given: str) -> bool:
        address = request.client.host if request.client is not None else ""
        wait_seconds = self._guesses.wait_seconds(address)
        if wait_seconds > 0:
            detail = f"too many wrong codes; wait {wait_seconds:.0f} s"
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, detail, hint="ask whoever runs the agent for the code")
        # Every code is compared, so that the time tells nothing.
        right = sum(hmac.compare_digest(given.encode(), one) for one in self._codes) > 0
        if self._codes and not right:
            self._guesses.wrong(address)
        return right or not self._codes

    def _signature(self, until: int) -> str:
        return hmac.new(self._key, str(until).encode(), sha256).hexdigest()


def _local(path: str | None) -> str:
    """Return a path of this agent's to go to: a link from elsewhere leads nowhere else."""
    return path if path is not None and path.startswith(("/class/", "/board/")) and "\\" not in path else "/"
