"""Whatever is asked within the OpenAPI document or just beside it: never a 5xx, always the promised shape."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.api.app import create_app
from cloud.api.openapi import text
from cloud.config import Api, Broker, Content, Database, Settings
from tests.cloud.district import SmallDistrict

DOCUMENT: dict[str, Any] = json.loads(text())
READS = sorted(
    (path, method["get"])
    for path, method in DOCUMENT["paths"].items()
    if "get" in method and path not in ("/api/v1/stream", "/readyz")
)

words = st.sampled_from(
    ["s01-wan", "s01", "s01-gw", "s01-c01", "in_bps", "rtt_seconds", "school", "up", "gateway", "5m", "0", "1", "-1"]
)
times = st.sampled_from(["1795406400", "2026-11-23T04:00:00Z", "1e400", "NaN", "2026-13-45", "99999999999999999", "-5"])
values = words | times | st.text(max_size=40) | st.integers(-(2**70), 2**70).map(str)

# Of these a client makes another path before it asks (RFC 3986 §5.2.4), or one without the part.
parts = values.filter(lambda text: text not in ("", ".", ".."))


class Client:
    """Asks the app within this process, from tests that are not asynchronous themselves."""

    def __init__(self, app: FastAPI, runner: asyncio.Runner) -> None:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._http = httpx.AsyncClient(transport=transport, base_url="http://api.test")
        self._runner = runner

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Return the answer."""
        return self._runner.run(self._http.get(path, **options))


@pytest.fixture(scope="module")
def client(shared_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One app for the whole file: every test only reads."""
    folder = tmp_path_factory.mktemp("content")
    district = SmallDistrict(shared_database)
    district.everyone_online()
    district.link_now("s01-wan", "school", in_bps=1, out_bps=1)
    district.close()
    settings = Settings(
        database=Database(dsn=shared_database),
        broker=Broker(port=1),
        api=Api(port=0),
        content=Content(folder=str(folder)),
    )
    app = create_app(settings, evaluate=False)
    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        yield Client(app, runner)
        runner.run(lifespan.__aexit__(None, None, None))


def conforms(response: httpx.Response, path: str, operation: dict[str, Any]) -> None:
    status = str(response.status_code)
    assert response.status_code < 500, (response.request.url, response.text)
    assert status in operation["responses"], (path, status, response.text)
    content = operation["responses"][status]["content"]
    media_type = next((one for one in content if response.headers["content-type"].startswith(one)), None)
    assert media_type is not None, (path, response.headers["content-type"])
    if "json" not in media_type:
        return  # a file for people
    schema = {**content[media_type]["schema"], "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema).validate(response.json())


def test_no_read_breaks_whatever_it_is_asked(client: Client) -> None:
    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        path, operation = data.draw(st.sampled_from(READS))
        filled, query = path, {}
        for parameter in operation.get("parameters", []):
            name = parameter["name"]
            if parameter["in"] == "path":
                value = data.draw(parts, label=name)
                filled = filled.replace(f"{{{name}}}", quote(value, safe=""))
            elif parameter["in"] == "query" and data.draw(st.booleans(), label=f"give {name}"):
                query[name] = data.draw(values | st.lists(values, max_size=3), label=name)
        response = client.get(filled, params=query)
        conforms(response, path, operation)

    ask()


@pytest.mark.parametrize("path", [path for path, _ in READS])
def test_every_read_answers_in_its_described_shape(client: Client, path: str) -> None:
    filled = path.replace("{link}", "s01-wan").replace("{school}", "s01").replace("{agent}", "s01-gw")
    conforms(client.get(filled.replace("{id}", "1")), path, DOCUMENT["paths"][path]["get"])
