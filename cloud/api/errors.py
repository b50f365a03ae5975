"""Turns whatever a request raises into an RFC 9457 problem. Unexpected errors are logged here, once, with a number."""

from __future__ import annotations

import secrets
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolClosed, PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response

from cloud.errors import CloudError, DatabaseUnavailable
from cloud.http.problems import MEDIA_TYPE, ProblemError, invalid_input
from cloud.http.schemas import FieldProblem

log = structlog.get_logger(__name__)

_HINTS = {
    400: "Check the form of the request against /openapi.json.",
    404: "See /openapi.json for every route.",
    405: "See /openapi.json for the methods of each route.",
}
_NAMES = {400: "bad-request", 404: "not-found", 405: "method-not-allowed", 413: "too-large"}


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(psycopg.Error, _database)
    app.add_exception_handler(PoolTimeout, _database)
    app.add_exception_handler(PoolClosed, _database)
    app.add_exception_handler(CloudError, _cloud)
    app.add_exception_handler(Exception, _unexpected)


def _respond(request: Request, problem: ProblemError) -> Response:
    document = problem.document(instance=request.url.path)
    return Response(document.model_dump_json(), problem.status, media_type=MEDIA_TYPE, headers=problem.headers)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return _respond(request, error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _respond(request, invalid_input([_field(item) for item in error.errors()]))


def _field(item: dict[str, Any]) -> FieldProblem:
    where = [str(part) for part in item["loc"] if part not in ("query", "path", "body", "header")]
    expected = str(item.get("ctx", {}).get("expected", "")) if item["type"] == "enum" else ""
    allowed = [word.strip(" '") for word in expected.replace(" or ", ", ").split(",")] if expected else None
    return FieldProblem(field=".".join(where) or str(item["loc"][0]), detail=str(item["msg"]), allowed=allowed)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = ProblemError(
        error.status_code,
        _NAMES.get(error.status_code, f"http-{error.status_code}"),
        detail=f"{request.method} {request.url.path}: {error.detail}",
        hint=_HINTS.get(error.status_code, "See /openapi.json."),
        headers=dict(error.headers or {}),
    )
    return _respond(request, problem)


async def _database(request: Request, error: Exception) -> Response:
    if isinstance(error, psycopg.Error) and not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        if isinstance(error, psycopg.errors.UndefinedTable):
            return _respond(
                request,
                ProblemError(
                    503,
                    "schema-missing",
                    detail="the database has not been migrated",
                    hint="Run `bellwether cloud migrate`, or look at /readyz.",
                ),
            )
        if isinstance(error, psycopg.DataError):
            problem = ProblemError(
                422,
                "invalid-input",
                detail=f"a value cannot be looked up: {str(error).strip().splitlines()[0]}",
                hint="Leave out control characters and numbers beyond 64 bits.",
            )
            return _respond(request, problem)
        return await _unexpected(request, error)
    log.warning("api_database_away", path=request.url.path, error=str(error).strip())
    return _respond(
        request,
        ProblemError(
            503,
            "database-away",
            detail="the database does not answer",
            hint="Try again in a few seconds; /readyz says what is away.",
            headers={"retry-after": "5"},
        ),
    )


async def _cloud(request: Request, error: Exception) -> Response:
    if isinstance(error, DatabaseUnavailable):
        return await _database(request, error)
    return await _unexpected(request, error)


async def _unexpected(request: Request, error: Exception) -> Response:
    number = secrets.token_hex(4)
    log.error("api_request_broke", path=request.url.path, number=number, exc_info=error)
    return _respond(
        request,
        ProblemError(
            500,
            "unexpected",
            detail=f"the request broke something (number {number})",
            hint=f"Look for {number} in the cloud's log and report it.",
        ),
    )
