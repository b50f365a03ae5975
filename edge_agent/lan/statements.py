"""xAPI 1.0.3 statements on the LAN: PUT, POST of one or many, GET by id; the same promise as for records.

A known id with the same content changes nothing, with another content it is 409 and nothing of the batch is taken.
Source: xAPI-Spec 1.0.3, part 3 §1.3, §2.1, §3.3.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge_agent.lan.body import read_body
from edge_agent.lan.problems import FieldError, Refusal, T, decode_body
from edge_agent.lan.records import JSON, MAX_BATCH_BYTES, store
from edge_agent.records import Intake, xapi
from protocols.records import Record, field_problem

VERSION_HEADER = "x-experience-api-version"
_HEADERS = {VERSION_HEADER: xapi.VERSION}
_HINT = "see the app vendor's protocol: GET /v1/openapi.json; what a statement may say is in GET /v1/records/schemas"
_one = msgspec.json.Decoder(xapi.Statement)
_many = msgspec.json.Decoder(list[xapi.Statement])
_encoder = msgspec.json.Encoder()


class StatementsApi:
    """The xAPI routes of one agent; `admit` refuses a request without the LAN token."""

    def __init__(self, intake: Intake, admit: Callable[[Request], None]) -> None:
        self._intake = intake
        self._admit = admit
        self.routes = [
            Route("/xapi/about", self.about),
            Route("/xapi/statements", self.get),
            Route("/xapi/statements", self.put, methods=["PUT"]),
            Route("/xapi/statements", self.post, methods=["POST"]),
        ]

    async def about(self, _request: Request) -> Response:
        """Say which versions are spoken."""
        return Response(_encoder.encode({"version": [xapi.VERSION]}), headers=_HEADERS, media_type=JSON)

    async def put(self, request: Request) -> Response:
        """Take one statement under the id that the query names."""
        self._check(request)
        named = _identity(request.query_params.get("statementId"))
        statement = _decoded(_one, await self._body(request))
        if statement.id is not None and _identity(statement.id) != named:
            raise _bad("id", "differs from the query's statementId")
        await self._take([(named, statement)])
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=_HEADERS)

    async def post(self, request: Request) -> Response:
        """Take one statement or an array of them, all or none; answer with their ids."""
        self._check(request)
        body = await self._body(request)
        many = body.lstrip()[:1] == b"["
        statements = _decoded(_many, body) if many else [_decoded(_one, body)]
        if not 1 <= len(statements) <= xapi.MAX_STATEMENTS:
            raise _bad("body", f"must hold 1 to {xapi.MAX_STATEMENTS} statements")
        named = [(uuid.uuid4() if one.id is None else _identity(one.id), one) for one in statements]
        if len({key for key, _ in named}) < len(named):
            raise _bad("id", "two statements of the batch share one")
        await self._take(named)
        return Response(_encoder.encode([str(key) for key, _ in named]), headers=_HEADERS, media_type=JSON)

    async def get(self, request: Request) -> Response:
        """Return one statement as it was taken."""
        self._check(request)
        key = _identity(request.query_params.get("statementId"))
        kept = await self._intake.statement(key.hex)
        if kept is None:
            detail = f"this agent has taken no statement {key}"
            raise Refusal(HTTPStatus.NOT_FOUND, detail, hint="older ones are at the centre; ask with the id you sent")
        return Response(kept, headers=_HEADERS, media_type=JSON)

    def _check(self, request: Request) -> None:
        self._admit(request)
        said = request.headers.get(VERSION_HEADER, "")
        if said != "1.0" and not said.startswith("1.0."):
            detail = f"the header X-Experience-API-Version says {said!r}" if said else "the version header is missing"
            raise Refusal(HTTPStatus.BAD_REQUEST, detail, hint=f"send X-Experience-API-Version: {xapi.VERSION}")

    async def _body(self, request: Request) -> bytes:
        return await read_body(request, max_bytes=MAX_BATCH_BYTES, what="a batch of statements")

    async def _take(self, statements: list[tuple[uuid.UUID, xapi.Statement]]) -> None:
        records: list[Record] = []
        kept: dict[str, bytes] = {}
        for position, (key, statement) in enumerate(statements):
            where = f"[{position}]." if len(statements) > 1 else ""
            try:
                body = xapi.as_record(statement, key, self._intake.now_ms())
            except xapi.NotTaken as error:
                raise _bad(where + error.field, error.reason) from error
            records.append(self._intake.stamped(body))
            if (problem := field_problem(records[-1])) is not None:
                raise _bad(where + _XAPI_FIELD.get(problem[0], problem[0]), problem[1])
            kept[key.hex] = _encoder.encode(msgspec.structs.replace(statement, id=str(key), version=xapi.VERSION))
        await store(self._intake, records, kept, id_field="[{position}].id" if len(statements) > 1 else "id")


def _decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decode_body(decoder, body, what="a statement that is taken here", hint=_HINT)
    except Refusal as refusal:
        # The specification wants 400 for every statement that is not taken (part 3 §3.2).
        refusal.status = HTTPStatus.BAD_REQUEST
        raise


def _identity(text: str | None) -> uuid.UUID:
    if text is None:
        raise _bad("statementId", "is needed in the query")
    try:
        return xapi.identity(text)
    except xapi.NotTaken as error:
        raise _bad(error.field, error.reason) from error


def _bad(field: str, reason: str) -> Refusal:
    return Refusal(
        HTTPStatus.BAD_REQUEST,
        f"{field}: {reason}",
        hint=_HINT,
        errors=[FieldError(field=field, reason=reason)],
    )


_XAPI_FIELD = {
    "subject": "actor.account.name",
    "lesson": "context.contextActivities.parent[0].id",
    "school_class": "context.contextActivities.grouping[0].id",
    "fact.question": "object.id",
    "fact.resource": "object.id",
    "fact.activity": "object.id",
    "fact.response": "result.response",
}
"""Fields of a record by the name under which an xAPI app knows them."""
