"""Every error is an RFC 9457 problem with a hint."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from cloud.api.openapi import text
from cloud.api.server import AddressInUse, ApiServer
from cloud.config import Api, Broker, Database, Settings
from tests.cloud.district import SmallDistrict

UNKNOWN_THINGS = [
    "/api/v1/links/s99-wan",
    "/api/v1/links/s99-wan/series",
    "/api/v1/schools/s99",
    "/api/v1/agents/s99-gw",
    "/api/v1/agents/s99-gw/events",
    "/api/v1/quarantine/99",
    "/api/v1/nothing",
    "/api/v2/overview",
    "/metrics/more",
]


def problem(response: httpx.Response, status: int) -> dict[str, object]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, object] = response.json()
    assert {"type", "title", "status", "detail", "hint"} <= document.keys()
    assert document["status"] == status
    assert document["hint"]
    return document


@pytest.mark.parametrize("path", UNKNOWN_THINGS)
async def test_what_is_not_there_is_a_problem_with_a_hint(api: httpx.AsyncClient, path: str) -> None:
    assert problem(await api.get(path), 404)["type"] == "urn:bellwether:problem:not-found"


async def test_wrong_parameters_are_all_named_at_once(api: httpx.AsyncClient) -> None:
    document = problem(
        await api.get("/api/v1/agents", params={"limit": "0", "offset": "x", "role": "king", "presence": "here"}), 422
    )
    errors = {error["field"]: error for error in document["errors"]}  # type: ignore[attr-defined]
    assert set(errors) == {"limit", "offset", "role", "presence"}
    assert errors["role"]["allowed"] == ["gateway", "classroom", "core"]
    assert errors["presence"]["allowed"] == ["online", "offline"]


async def test_a_wrong_method_says_so(api: httpx.AsyncClient) -> None:
    problem(await api.delete("/api/v1/links"), 405)


async def test_a_path_with_a_null_byte_is_not_a_server_error(api: httpx.AsyncClient) -> None:
    assert (await api.get("/api/v1/links/a%00b")).status_code in (404, 422)


async def test_without_a_database_every_read_says_what_is_away() -> None:
    server = ApiServer(
        Settings(database=Database(dsn="postgresql://nobody@127.0.0.1:1/none"), broker=Broker(port=1), api=Api(port=0))
    )
    server.app.state.rooms.pool.timeout = 0.5
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=server.url, timeout=120) as client:
            for path in ("overview", "links", "schools/s01", "agents"):
                response = await client.get(f"/api/v1/{path}")
                assert problem(response, 503)["type"] == "urn:bellwether:problem:database-away"
                assert response.headers["retry-after"] == "5"
            assert (await client.get("/healthz")).status_code == 200
    finally:
        await server.stop()


async def test_a_database_that_was_not_migrated_is_said_so(postgres: object) -> None:
    server = ApiServer(
        Settings(database=Database(dsn=postgres.dsn_of("postgres")), broker=Broker(port=1), api=Api(port=0)),  # type: ignore[attr-defined]
        evaluate=False,
    )
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=server.url, timeout=120) as client:
            document = problem(await client.get("/api/v1/links"), 503)
            assert document["type"] == "urn:bellwether:problem:schema-missing"
            assert "cloud migrate" in str(document["hint"])
    finally:
        await server.stop()


async def test_a_port_in_use_is_refused_with_a_hint(api_server: ApiServer, api_settings: Settings) -> None:
    second = ApiServer(Settings(database=api_settings.database, api=Api(port=api_server.port)), evaluate=False)
    with pytest.raises(AddressInUse, match="cannot listen"):
        await second.start()


async def test_answers_carry_security_headers_and_no_cors(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    for path in ("/api/v1/links", "/", "/healthz", "/api/v1/nothing"):
        headers = (await api.get(path, headers={"origin": "https://elsewhere.example"})).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


def test_the_committed_openapi_document_is_what_the_routes_say() -> None:
    assert Path("docs/openapi.json").read_text("utf-8") == text(), "run: make openapi"


def test_every_route_is_described_with_its_errors() -> None:
    document = json.loads(text())
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation.get("description"), where
            for parameter in operation.get("parameters", []):
                name = parameter["name"]
                described = parameter.get("description") or "$ref" in json.dumps(parameter["schema"])
                assert described, f"{where}: {name}"
            if path.startswith("/api/") and path != "/api/v1/catalogue":
                assert "503" in operation["responses"], where
    for name, schema in document["components"]["schemas"].items():
        assert schema.get("description") or "enum" in schema, name
