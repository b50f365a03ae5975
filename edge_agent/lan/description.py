"""The LAN API described as an OpenAPI 3.1 document, made from the same structs that decode its bodies."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec

from edge_agent.content import Listed
from edge_agent.health import AgentStatus
from edge_agent.lan import class_description, problems
from edge_agent.lan.blobs import MissingOfBlob
from edge_agent.records import xapi
from edge_agent.records.values import BatchBody, Taken
from edge_agent.terminals.values import TERMINAL_PATTERN, CheckInBody

JSON = "application/json"
REFUSALS = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
)
RECORD_REFUSALS = (HTTPStatus.CONFLICT, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE)
# xAPI wants 400 for every statement that is not taken.
XAPI_REFUSALS = (*REFUSALS[:5], *RECORD_REFUSALS)


def describe() -> dict[str, Any]:
    """Return the document."""
    _, schemas = msgspec.json.schema_components(
        [
            CheckInBody,
            BatchBody,
            Taken,
            xapi.Statement,
            problems.Problem,
            AgentStatus,
            Listed,
            MissingOfBlob,
            *class_description.BODIES,
        ],
        ref_template="#/components/schemas/{name}",
    )
    terminal = {
        "name": "terminal",
        "in": "path",
        "required": True,
        "description": "The terminal's id in the inventory.",
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bellwether agent", "version": "1", "description": "The LAN API of an edge agent."},
        "paths": {
            "/v1/terminals/{terminal}/checkin": {
                "post": {
                    "summary": "A terminal says that it is there, and how it is",
                    "security": [{"lan_token": []}, {}],
                    "parameters": [terminal | {"schema": {"type": "string", "pattern": TERMINAL_PATTERN}}],
                    "requestBody": {"content": {JSON: {"schema": _ref(CheckInBody)}}},
                    "responses": {"204": {"description": "Taken"}} | _refused(*REFUSALS),
                }
            },
            "/v1/records": {
                "post": {
                    "summary": "Classroom records: all of the batch is taken, or none",
                    "description": "Send a batch again until it is answered 2xx: a known record_id changes nothing.",
                    "security": [{"lan_token": []}, {}],
                    "requestBody": {"required": True, "content": {JSON: {"schema": _ref(BatchBody)}}},
                    "responses": {
                        "201": {
                            "description": "Every record is on the agent's disk",
                            "content": {JSON: {"schema": _ref(Taken)}},
                        },
                        "200": {
                            "description": "All of them were there already",
                            "content": {JSON: {"schema": _ref(Taken)}},
                        },
                    }
                    | _refused(*REFUSALS[:-1], *RECORD_REFUSALS),
                }
            },
            "/v1/records/schemas": {
                "get": {
                    "summary": "The JSON Schema of every record type, with the purpose of its fields",
                    "responses": {"200": {"description": "Schemas by type"}},
                }
            },
            "/xapi/statements": {
                "put": _xapi("One xAPI 1.0.3 statement under its id; a known id changes nothing", 204, takes=True),
                "post": _xapi(
                    "One statement or an array of them, all or none; answers with the ids", 200, named=False, takes=True
                ),
                "get": _xapi("The statement of an id, as this agent took it", 200),
            },
            "/xapi/about": {
                "get": {
                    "summary": "The versions of xAPI that are spoken",
                    "responses": {"200": {"description": "Versions"}},
                }
            },
            **_blobs(),
            "/v1/health": {
                "get": {
                    "summary": "Whether the agent runs and can keep what it is given",
                    "responses": {
                        "200": {"description": "It can"},
                        "503": {"description": "It runs with faults, which are listed"},
                    },
                }
            },
            "/v1/status": {
                "get": {
                    "summary": "Everything the agent knows of itself",
                    "security": [{"lan_token": []}, {}],
                    "responses": {"200": {"description": "Status", "content": {JSON: {"schema": _ref(AgentStatus)}}}}
                    | _refused(HTTPStatus.UNAUTHORIZED),
                }
            },
            **class_description.paths(_refused),
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "lan_token": {"type": "http", "scheme": "bearer"},
                "teacher_code": {"type": "apiKey", "in": "header", "name": "X-Teacher-Code"},
            },
        },
    }


def _blobs() -> dict[str, Any]:
    sha256 = {
        "name": "sha256",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "description": "SHA-256 of the whole blob.",
    }
    security: list[dict[str, list[str]]] = [{"lan_token": []}, {}]
    lacking = {JSON: {"schema": _ref(MissingOfBlob)}}
    bytes_of = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
    return {
        "/v1/content": {
            "get": {
                "summary": "What a class needs, the token to report once all of it is held, and whether it is here",
                "security": security,
                "parameters": [{"name": "school_class", "in": "query", "schema": {"type": "string"}}],
                "responses": {"200": {"description": "Manifests", "content": {JSON: {"schema": _ref(Listed)}}}}
                | _refused(HTTPStatus.UNAUTHORIZED),
            }
        },
        "/v1/blobs/{sha256}": {
            "get": {
                "summary": "A blob, or one Range of it; the ETag is its hash",
                "security": security,
                "parameters": [sha256],
                "responses": {
                    "200": {"description": "All of it"} | bytes_of,
                    "206": {"description": "A part"} | bytes_of,
                }
                | _refused(HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE),
            },
            "put": {
                "summary": "An attachment, whole or one Content-Range of it that begins at a chunk of 256 KiB",
                "security": security,
                "parameters": [sha256],
                "requestBody": {"required": True} | bytes_of,
                "responses": {
                    "200": {"description": "It was here already", "content": lacking},
                    "201": {"description": "It is whole and verified", "content": lacking},
                    "202": {"description": "More of it is missing", "content": lacking},
                }
                | _refused(*REFUSALS[:-1], HTTPStatus.LENGTH_REQUIRED, HTTPStatus.INSUFFICIENT_STORAGE),
            },
        },
        "/v1/blobs/{sha256}/missing": {
            "get": {
                "summary": "What of an attachment has still to be sent",
                "security": security,
                "parameters": [
                    sha256,
                    {"name": "size_bytes", "in": "query", "required": True, "schema": {"type": "integer"}},
                ],
                "responses": {"200": {"description": "Ranges, the end exclusive", "content": lacking}}
                | _refused(HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY),
            }
        },
    }


def _xapi(summary: str, success: int, *, named: bool = True, takes: bool = False) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": "X-Experience-API-Version", "in": "header", "required": True, "schema": {"const": xapi.VERSION}}
    ]
    if named:
        uuid = {"type": "string", "format": "uuid"}
        parameters.append({"name": "statementId", "in": "query", "required": True, "schema": uuid})
    body = {"requestBody": {"content": {JSON: {"schema": _ref(xapi.Statement)}}}} if takes else {}
    refusals = XAPI_REFUSALS if takes else (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND)
    return {
        "summary": summary,
        "security": [{"lan_token": []}, {}],
        "parameters": parameters,
        **body,
        "responses": {str(success): {"description": "Taken" if takes else "The statement"}} | _refused(*refusals),
    }


def _refused(*statuses: HTTPStatus) -> dict[str, Any]:
    content = {problems.CONTENT_TYPE: {"schema": _ref(problems.Problem)}}
    return {str(status.value): {"description": status.phrase, "content": content} for status in statuses}


def _ref(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{struct.__name__}"}
