"""The class API and the terminals' route, described for the LAN API's OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from msgspec import Struct

from edge_agent.classroom.views import Board, ClassState, LeaseView, LessonView, Taught, TerminalDesired
from edge_agent.lan.classes import LeaseBody, LessonBody, QuestionBody
from edge_agent.lan.desired import LONGEST_WAIT_SECONDS, TIME_HEADER
from edge_agent.terminals.values import TERMINAL_PATTERN
from protocols.records import REFERENCE_PATTERN

BODIES: tuple[type[Struct], ...] = (
    Taught, ClassState, Board, LessonBody, LessonView, QuestionBody, LeaseBody, LeaseView, TerminalDesired,
)  # fmt: skip
JSON = "application/json"
Refused = Callable[..., dict[str, Any]]
_TEACHER: list[dict[str, list[str]]] = [{"lan_token": []}, {"teacher_code": []}, {}]
_SEEING = (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS)
_LEADING = (*_SEEING, HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE)
_SENDING = (
    *_LEADING, HTTPStatus.BAD_REQUEST, HTTPStatus.UNSUPPORTED_MEDIA_TYPE, HTTPStatus.UNPROCESSABLE_ENTITY,
)  # fmt: skip


def paths(refused: Refused) -> dict[str, Any]:
    """Return the paths; `refused` describes refusals by their statuses."""
    one = "/v1/classes/{school_class}"

    def seen(summary: str, body: type[Struct]) -> dict[str, Any]:
        return {"summary": summary, "security": _TEACHER, "responses": _answer(200, body) | refused(*_SEEING)}

    def led(summary: str, status: int, *, takes: type[Struct] | None, gives: type[Struct] | None) -> dict[str, Any]:
        operation: dict[str, Any] = {"summary": summary, "security": _TEACHER}
        if takes is not None:
            operation["requestBody"] = {"required": True, "content": {JSON: {"schema": _ref(takes)}}}
        statuses = _LEADING if takes is None else _SENDING
        return operation | {"responses": _answer(status, gives) | refused(*statuses)}

    def of_class(operations: dict[str, Any], *more: dict[str, Any]) -> dict[str, Any]:
        return {"parameters": [_reference("school_class", "The class."), *more], **operations}

    opened = led("Begin a lesson that is in no timetable", 201, takes=LessonBody, gives=LessonView)
    asked = led("Put a question to the class; the one that is open is closed", 201, takes=QuestionBody, gives=Board)
    held = led("Lock the class or ask for attention; again, to renew", 201, takes=LeaseBody, gives=LeaseView)
    held["description"] = "It ends by itself after its time or with the lesson, whichever is first."
    return {
        "/v1/classes": {"get": seen("The classes of this agent, with what is taught now and next", Taught)},
        one: of_class({"get": seen("A class: seats, lesson, question, lease", ClassState)}),
        f"{one}/board": of_class({"get": seen("The newest question and what the class answers", Board)}),
        f"{one}/stream": of_class({"get": _stream(refused)}),
        f"{one}/lesson": of_class(
            {"post": opened, "delete": led("End a lesson that was opened here", 204, takes=None, gives=None)}
        ),
        f"{one}/questions": of_class({"post": asked}),
        f"{one}/questions/{{question}}/close": of_class(
            {"post": led("Close a question", 200, takes=None, gives=Board)}, _reference("question", "The question.")
        ),
        f"{one}/lease": of_class(
            {"post": held, "delete": led("Release the class before its time", 204, takes=None, gives=None)}
        ),
        "/v1/terminals/{terminal}/desired": {"get": _desired(refused)},
    }


def _stream(refused: Refused) -> dict[str, Any]:
    return {
        "summary": "Every change of class and board, as server-sent events",
        "description": (
            "`class` carries a ClassState, `board` a Board, each whole; `time` says `at_ms` when there is no news for"
            " five seconds. Changes within 150 ms come together. After a break, ask again: nothing is missed."
        ),
        "security": _TEACHER,
        "responses": {"200": {"description": "Events", "content": {"text/event-stream": {}}}}
        | refused(*_SEEING, HTTPStatus.SERVICE_UNAVAILABLE),
    }


def _desired(refused: Refused) -> dict[str, Any]:
    return {
        "summary": "What a terminal should have and show, as soon as it changes",
        "description": (
            "Ask with the ETag of the last answer in If-None-Match and `wait`; ask again as soon as you are answered."
            f" The header {TIME_HEADER} is the agent's clock, on a 304 as well."
        ),
        "security": [{"lan_token": []}, {}],
        "parameters": [
            {
                "name": "terminal",
                "in": "path",
                "required": True,
                "description": "The terminal's id in the inventory.",
                "schema": {"type": "string", "pattern": TERMINAL_PATTERN},
            },
            {
                "name": "wait",
                "in": "query",
                "description": "How many seconds to wait for news.",
                "schema": {"type": "integer", "minimum": 0, "maximum": LONGEST_WAIT_SECONDS, "default": 0},
            },
            {
                "name": "If-None-Match",
                "in": "header",
                "description": "The ETag of what the terminal has.",
                "schema": {"type": "string"},
            },
        ],
        "responses": {
            "200": {
                "description": "What is new",
                "headers": {"ETag": {"description": "Names this state.", "schema": {"type": "string"}}},
                "content": {JSON: {"schema": _ref(TerminalDesired)}},
            },
            "304": {"description": "Nothing new within the wait"},
        }
        | refused(HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE),
    }


def _answer(status: int, gives: type[Struct] | None) -> dict[str, Any]:
    described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if gives is not None:
        described["content"] = {JSON: {"schema": _ref(gives)}}
    return {str(status): described}


def _reference(name: str, description: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": REFERENCE_PATTERN}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _ref(struct: type[Struct]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{struct.__name__}"}
