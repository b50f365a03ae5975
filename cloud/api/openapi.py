"""The OpenAPI document, generated from the routes; nothing is started to make it.

`docs/openapi.json` is its committed form, written by `make openapi`; a test compares the two.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from cloud.http.schemas import Problem
from cloud.live.schemas import AgentEvent, IncidentEvent, LessonsEvent, LinkEvent, PingEvent

API_VERSION = "1"
_UNROUTED: tuple[type[BaseModel], ...] = (Problem, LinkEvent, AgentEvent, IncidentEvent, LessonsEvent, PingEvent)
"""Models that no route returns by itself: problems, and what the stream carries."""

_DESCRIPTION = """The centre of a school district's IoT and network, for reading.

Times are RFC 3339 in UTC; points of a series are epoch milliseconds. Units are at the end of names.
What was not measured is null, never 0. Every error is an RFC 9457 problem with a hint."""


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of an assembled app, complete with problems and stream messages."""
    made = get_openapi(title="Bellwether", version=API_VERSION, description=_DESCRIPTION, routes=app.routes)
    schemas: dict[str, Any] = made["components"]["schemas"]
    _, extra = models_json_schema(
        [(model, "serialization") for model in _UNROUTED], ref_template="#/components/schemas/{model}"
    )
    for name, schema in extra["$defs"].items():
        schemas.setdefault(name, schema)
    for leftover in ("HTTPValidationError", "ValidationError"):
        schemas.pop(leftover, None)
    made["components"]["schemas"] = dict(sorted(schemas.items()))
    return made


def text() -> str:
    """Return the document as it is committed."""
    from cloud.api.app import assemble

    return json.dumps(document(assemble()), ensure_ascii=False, indent=2) + "\n"
