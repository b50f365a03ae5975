"""Errors of the LAN API as problem details (RFC 9457): what is wrong, in which field, and what to do about it."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TypeVar

import msgspec
from starlette.responses import Response

CONTENT_TYPE = "application/problem+json"
JSON_HINT = "send a JSON object in UTF-8, or no body at all"
T = TypeVar("T")
_AT = re.compile(r"^(?P<reason>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<field>[^`]*)`")


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """One field that cannot be taken."""

    field: str
    reason: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of a refusal; `detail` is what happened this time, `hint` what to do about it."""

    title: str
    status: int
    detail: str
    hint: str
    errors: list[FieldError] = []
    type: str = "about:blank"


class Refusal(Exception):
    """A request that is answered with a problem."""

    def __init__(self, status: HTTPStatus, detail: str, *, hint: str, errors: list[FieldError] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.hint = hint
        self.errors = errors or []

    def encoded(self) -> bytes:
        """Return the problem as JSON."""
        return msgspec.json.encode(
            Problem(
                title=self.status.phrase,
                status=self.status.value,
                detail=self.detail,
                hint=self.hint,
                errors=self.errors,
            )
        )


def response(refusal: Refusal) -> Response:
    """Return the refusal as an HTTP response; the connection is closed where a body may be left unread."""
    headers = {"connection": "close"} if refusal.status in _UNREAD else {}
    if refusal.status is HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    return Response(refusal.encoded(), refusal.status.value, headers, CONTENT_TYPE)


def decode_body(decoder: msgspec.json.Decoder[T], body: bytes, *, what: str, hint: str) -> T:
    """Return what a body says; `what` names it in a refusal, with its article, and `hint` tells how to correct it.

    Raises:
        Refusal: it is no JSON, not UTF-8, or not what it should be.
    """
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        raise _of_body(error, what, hint) from error
    except UnicodeDecodeError as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, "the body is not UTF-8", hint=JSON_HINT) from error


def _of_body(error: msgspec.DecodeError, what: str, hint: str) -> Refusal:
    """Return the refusal of a body that is not what it should be: 422 names the field, 400 says it is no JSON."""
    if not isinstance(error, msgspec.ValidationError):
        return Refusal(HTTPStatus.BAD_REQUEST, f"the body is not JSON: {error}", hint=JSON_HINT)
    match = _AT.match(str(error))
    reason, path = (match["reason"], match["path"] or "") if match else (str(error), "")
    field = path.removeprefix(".")
    if unknown := _UNKNOWN.match(reason):
        field, reason = unknown["field"], f"is not a field of {what}"
    found = FieldError(field=field or "body", reason=reason)
    return of_field(found, hint)


def of_field(error: FieldError, hint: str) -> Refusal:
    """Return the refusal of one field."""
    detail = f"{error.field}: {error.reason}"
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, detail, hint=hint, errors=[error])


_UNREAD = {
    HTTPStatus.INSUFFICIENT_STORAGE,
    HTTPStatus.LENGTH_REQUIRED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.UNAUTHORIZED,
}
