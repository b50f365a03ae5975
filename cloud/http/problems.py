"""Errors of the API as RFC 9457 problems. Every answer outside 2xx/3xx is one, whatever raised it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloud.http.schemas import FieldProblem, Problem

MEDIA_TYPE = "application/problem+json"
_TYPE_PREFIX = "urn:bellwether:problem:"

_MEANINGS: dict[int, str] = {
    400: "The request cannot be read",
    401: "The token is missing or wrong",
    403: "This may not be done with that token",
    404: "There is no such thing",
    405: "The method is not allowed here",
    408: "The request came too slowly",
    409: "The state does not allow this",
    411: "The request must say its length",
    413: "The request is too large",
    416: "The range lies outside",
    422: "The request has invalid input",
    500: "Something broke in the cloud",
    503: "A part the cloud needs is away",
    507: "There is no room to store this",
}


class ProblemError(Exception):
    """Raised by routes; becomes a problem document as it is."""

    def __init__(
        self,
        status: int,
        name: str,
        *,
        detail: str,
        hint: str,
        errors: Sequence[FieldProblem] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.detail = detail
        self.hint = hint
        self.errors = list(errors)
        self.headers = headers or {}

    def document(self, instance: str | None = None) -> Problem:
        """Return what the client reads."""
        return Problem(
            type=_TYPE_PREFIX + self.name,
            title=_MEANINGS.get(self.status, "The request failed"),
            status=self.status,
            detail=self.detail,
            hint=self.hint,
            instance=instance,
            errors=self.errors,
        )


def not_found(what: str, key: str, *, hint: str) -> ProblemError:
    """Return the problem for an id that names nothing."""
    return ProblemError(404, "not-found", detail=f"there is no {what} {key!r}", hint=hint)


def invalid_input(errors: Sequence[FieldProblem]) -> ProblemError:
    """Return one problem for every wrong input at once."""
    return ProblemError(
        422,
        "invalid-input",
        detail="; ".join(f"{error.field}: {error.detail}" for error in errors),
        hint="Correct the named fields; `allowed` lists what may stand there.",
        errors=errors,
    )


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI entries of the problems that a route can answer with."""
    return {
        status: {"description": _MEANINGS[status], "content": {MEDIA_TYPE: {"schema": _PROBLEM_REFERENCE}}}
        for status in statuses
    }


_PROBLEM_REFERENCE = {"$ref": "#/components/schemas/Problem"}
