"""Records from classroom apps: an answer of 201 means that every record of the batch is on this agent's disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge_agent.lan.body import read_body
from edge_agent.lan.problems import FieldError, Refusal, decode_body
from edge_agent.records import Intake, RecordConflict
from edge_agent.records.values import BatchBody, Taken
from edge_agent.spool import SpoolError, SpoolFull
from protocols.records import Record, field_problem, schemas

MAX_BATCH_BYTES = 1024 * 1024
JSON = "application/json"
_FIELDS_HINT = "correct the field or leave it out; GET /v1/records/schemas describes every type of record"

_decoder = msgspec.json.Decoder(BatchBody)
_encoder = msgspec.json.Encoder()


class RecordsApi:
    """The record routes of one agent; `admit` refuses a request without the LAN token."""

    def __init__(self, intake: Intake, admit: Callable[[Request], None]) -> None:
        self._intake = intake
        self._admit = admit
        self.routes = [
            Route("/v1/records", self.take, methods=["POST"]),
            Route("/v1/records/schemas", self.schemas),
        ]

    async def take(self, request: Request) -> Response:
        """Take a batch: all of it or, with an error, nothing."""
        self._admit(request)
        body = await read_body(request, max_bytes=MAX_BATCH_BYTES, what="a batch of records")
        batch = decode_body(_decoder, body, what="a record", hint=_FIELDS_HINT)
        records = [self._intake.stamped(one) for one in batch.records]
        found = [
            FieldError(field=f"records[{position}].{problem[0]}", reason=problem[1])
            for position, record in enumerate(records)
            if (problem := field_problem(record)) is not None
        ]
        if found:
            detail = "; ".join(f"{one.field}: {one.reason}" for one in found[:5])
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, detail, hint=_FIELDS_HINT, errors=found)
        taken = await store(self._intake, records, id_field="records[{position}].record_id")
        status = HTTPStatus.CREATED if taken.stored else HTTPStatus.OK
        return Response(_encoder.encode(taken), status, media_type=JSON)

    async def schemas(self, _request: Request) -> Response:
        """Describe the fact of every record type, with its purpose."""
        return Response(_encoder.encode(schemas()), media_type=JSON)


async def store(
    intake: Intake, records: Sequence[Record], statements: Mapping[str, bytes] | None = None, *, id_field: str
) -> Taken:
    """Take records, or refuse the request with what the app should do.

    `id_field` is the name by which the app knows a record's id, with `{position}` for its place in the batch.
    """
    try:
        return await intake.take(records, statements)
    except RecordConflict as error:
        named = FieldError(field=id_field.format(position=error.position), reason=str(error))
        raise Refusal(HTTPStatus.CONFLICT, str(error), hint=error.hint, errors=[named]) from error
    except SpoolError as error:
        # Whatever the reason, the app still holds the only copy: it must keep it and come again.
        hint = f"keep the records and send them again later; for the technician: {error.hint}"
        status = HTTPStatus.INSUFFICIENT_STORAGE if isinstance(error, SpoolFull) else HTTPStatus.SERVICE_UNAVAILABLE
        raise Refusal(status, str(error), hint=hint) from error
