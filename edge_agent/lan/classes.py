"""The class API: what a teacher's page or app asks and does. Every route needs a teacher's authority (`teachers`)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from edge_agent.classroom.errors import NotNow, TooManyListeners, UnknownClass, UnknownQuestion
from edge_agent.classroom.service import Classrooms
from edge_agent.classroom.values import (
    LONGEST_LEASE_SECONDS,
    LONGEST_LESSON_SECONDS,
    LeaseKind,
    Letter,
    Options,
    Prompt,
)
from edge_agent.classroom.viewing import Viewing
from edge_agent.lan.body import read_body
from edge_agent.lan.class_stream import ClassStreams
from edge_agent.lan.problems import FieldError, Refusal, decode_body, of_field
from edge_agent.spool import SpoolError, SpoolFull
from protocols.records import REFERENCE_PATTERN

MAX_BODY_BYTES = 16 * 1024
JSON = "application/json"
_HINT = "correct the field or leave it out; GET /v1/openapi.json describes the class API"
_REFERENCE = re.compile(REFERENCE_PATTERN)
T = TypeVar("T")


class LessonBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of POST …/lesson: a lesson that is in no timetable, from now."""

    topic: Annotated[str, Meta(max_length=100)] = ""
    seconds: Annotated[int, Meta(ge=60, le=LONGEST_LESSON_SECONDS)] = 45 * 60


class QuestionBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of POST …/questions. `question` is its key in the question bank; without one it gets a new key."""

    options: Options
    prompt: Prompt = ""
    question: Annotated[str, Meta(pattern=REFERENCE_PATTERN)] | None = None
    correct: Letter | None = None


class LeaseBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of POST …/lease. It ends after `seconds`, or with the lesson if that ends sooner."""

    kind: LeaseKind
    seconds: Annotated[int, Meta(ge=1, le=LONGEST_LEASE_SECONDS)]


_lesson = msgspec.json.Decoder(LessonBody)
_question = msgspec.json.Decoder(QuestionBody)
_lease = msgspec.json.Decoder(LeaseBody)
_encoder = msgspec.json.Encoder()


class ClassesApi:
    """The class routes of one agent."""

    def __init__(self, classrooms: Classrooms, viewing: Viewing, admit: Callable[[Request], None]) -> None:
        self._rooms = classrooms
        self._viewing = viewing
        self._admit = admit
        self._streams = ClassStreams(classrooms, viewing)
        one = "/v1/classes/{school_class}"
        self.routes = [
            Route("/v1/classes", self.taught),
            Route(one, self.state),
            Route(f"{one}/board", self.board),
            Route(f"{one}/stream", self.stream),
            Route(f"{one}/lesson", self.open_lesson, methods=["POST"]),
            Route(f"{one}/lesson", self.close_lesson, methods=["DELETE"]),
            Route(f"{one}/questions", self.open_question, methods=["POST"]),
            Route(f"{one}/questions/{{question}}/close", self.close_question, methods=["POST"]),
            Route(f"{one}/lease", self.hold, methods=["POST"]),
            Route(f"{one}/lease", self.release, methods=["DELETE"]),
        ]

    async def taught(self, request: Request) -> Response:
        """Say which classes there are, and what is taught now and next."""
        self._admit(request)
        return _json(self._viewing.taught())

    async def state(self, request: Request) -> Response:
        """Say how one class is."""
        return _json(self._seen(request, self._viewing.state))

    async def board(self, request: Request) -> Response:
        """Say what the class answers to the newest question."""
        return _json(self._seen(request, self._viewing.board))

    async def stream(self, request: Request) -> Response:
        """Tell every change of class and board as it happens."""
        self._seen(request, self._rooms.live)
        try:
            events: AsyncIterator[bytes] = self._streams.open(_named(request))
        except TooManyListeners as error:
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, str(error), hint=error.hint) from error
        headers = {"cache-control": "no-store"}
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    async def open_lesson(self, request: Request) -> Response:
        """Begin a lesson that is in no timetable."""
        body = await self._body(request, _lesson, "a lesson")
        school_class = _named(request)
        if _REFERENCE.fullmatch(school_class) is None:
            raise of_field(FieldError(field="school_class", reason=f"must match {REFERENCE_PATTERN}"), _HINT)
        await _done(self._rooms.open_lesson(school_class, body.topic, body.seconds))
        return _json(self._viewing.state(school_class).lesson, HTTPStatus.CREATED)

    async def close_lesson(self, request: Request) -> Response:
        """End such a lesson."""
        self._admit(request)
        await _done(self._rooms.close_lesson(_named(request)))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def open_question(self, request: Request) -> Response:
        """Put a question to the class."""
        body = await self._body(request, _question, "a question")
        if body.correct is not None and ord(body.correct) - ord("A") >= len(body.options):
            raise of_field(FieldError(field="correct", reason="names no option of this question"), _HINT)
        school_class = _named(request)
        await _done(
            self._rooms.open_question(
                school_class,
                question=body.question,
                prompt=body.prompt,
                options=body.options,
                correct=body.correct,
            )
        )
        return _json(self._viewing.board(school_class), HTTPStatus.CREATED)

    async def close_question(self, request: Request) -> Response:
        """Close a question."""
        self._admit(request)
        school_class = _named(request)
        await _done(self._rooms.close_question(school_class, request.path_params["question"]))
        return _json(self._viewing.board(school_class))

    async def hold(self, request: Request) -> Response:
        """Grant or renew a lease."""
        body = await self._body(request, _lease, "a lease")
        school_class = _named(request)
        await _done(self._rooms.hold(school_class, body.kind, body.seconds))
        return _json(self._viewing.state(school_class).lease, HTTPStatus.CREATED)

    async def release(self, request: Request) -> Response:
        """End the lease before its time."""
        self._admit(request)
        await _done(self._rooms.release(_named(request)))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    def _seen(self, request: Request, view: Callable[[str], T]) -> T:
        self._admit(request)
        try:
            return view(_named(request))
        except UnknownClass as error:
            raise Refusal(HTTPStatus.NOT_FOUND, str(error), hint=error.hint) from error

    async def _body(self, request: Request, decoder: msgspec.json.Decoder[T], what: str) -> T:
        self._admit(request)
        said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if said != JSON:
            # A page from elsewhere can make a browser post a form here, but not JSON.
            detail = f"{what} is sent as {JSON}"
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail, hint=f"send the header `Content-Type: {JSON}`")
        return decode_body(
            decoder, await read_body(request, max_bytes=MAX_BODY_BYTES, what=what), what=what, hint=_HINT
        )


async def _done(work: Awaitable[object]) -> None:
    """Wait for something a teacher does, or refuse the request with its reason."""
    try:
        await work
    except (UnknownClass, UnknownQuestion) as error:
        raise Refusal(HTTPStatus.NOT_FOUND, str(error), hint=error.hint) from error
    except NotNow as error:
        raise Refusal(HTTPStatus.CONFLICT, str(error), hint=error.hint) from error
    except SpoolError as error:
        hint = f"try again; for the technician: {error.hint}"
        status = HTTPStatus.INSUFFICIENT_STORAGE if isinstance(error, SpoolFull) else HTTPStatus.SERVICE_UNAVAILABLE
        raise Refusal(status, str(error), hint=hint) from error


def _named(request: Request) -> str:
    name: str = request.path_params["school_class"]
    return name


def _json(body: object, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(_encoder.encode(body), status, {"cache-control": "no-store"}, JSON)
