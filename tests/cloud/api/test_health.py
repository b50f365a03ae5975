"""Health, readiness and metrics tell the truth about what is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import httpx
import pytest

from cloud.api.broker import look
from cloud.api.server import ApiServer
from cloud.config import Api, Broker, Database, Settings
from ops.embedded import EmbeddedMosquitto, EmbeddedPostgres
from tests.cloud.district import SmallDistrict, now


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is there is found however busy the machine is; what is not there refuses at once."""
    monkeypatch.setattr("cloud.api.readiness._DATABASE_TIMEOUT_SECONDS", 60)
    monkeypatch.setattr("cloud.api.broker.look", partial(look, timeout_seconds=60.0))


@asynccontextmanager
async def running(dsn: str, broker: Broker) -> AsyncIterator[httpx.AsyncClient]:
    server = ApiServer(Settings(database=Database(dsn=dsn), broker=broker, api=Api(port=0)), evaluate=False)
    await server.start()
    try:
        async with httpx.AsyncClient(base_url=server.url, timeout=120) as client:
            yield client
    finally:
        await server.stop()


async def checks(client: httpx.AsyncClient) -> tuple[int, dict[str, Any]]:
    response = await client.get("/readyz")
    return response.status_code, {check["name"]: check for check in response.json()["checks"]}


async def until_broker(client: httpx.AsyncClient, ok: bool) -> dict[str, Any]:
    async with asyncio.timeout(120):
        while True:
            _, found = await checks(client)
            if found["broker"]["ok"] is ok:
                return found
            await asyncio.sleep(0.2)


async def test_ready_when_everything_is_there_and_not_without_the_broker(
    database: str, mosquitto: EmbeddedMosquitto
) -> None:
    broker = Broker(host=mosquitto.host, port=mosquitto.port, username="bellwether-cloud")
    async with running(database, broker) as client:
        status, found = await checks(client)
        assert status == 200, found
        assert all(check["ok"] for check in found.values())
        mosquitto.kill()
        found = await until_broker(client, False)
        assert found["database"]["ok"]
        assert found["broker"]["hint"]
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).json()["status"] == "ok"
        mosquitto.start()
        await until_broker(client, True)


async def test_not_ready_while_the_database_is_stopped(own_home: Any) -> None:
    from cloud.db import migrate

    with EmbeddedPostgres(own_home, durable=False) as postgres:
        migrate(postgres.dsn)
        async with running(postgres.dsn, Broker(port=1)) as client:
            _, found = await checks(client)
            assert found["database"]["ok"]
            assert found["migrations"]["ok"]
            await asyncio.to_thread(postgres.stop)
            status, found = await checks(client)
            assert status == 503
            assert not found["database"]["ok"]
            assert not found["migrations"]["ok"]
            assert "bellwether_database_up 0.0" in (await client.get("/metrics")).text
            await asyncio.to_thread(postgres.start)
            _, found = await checks(client)
            assert found["database"]["ok"]


async def test_a_database_without_migrations_is_not_ready(postgres: EmbeddedPostgres) -> None:
    async with running(postgres.dsn_of("postgres"), Broker(port=1)) as client:
        status, found = await checks(client)
        assert status == 503
        assert found["database"]["ok"]
        assert not found["migrations"]["ok"]
        assert "cloud migrate" in found["migrations"]["hint"]


async def test_a_port_that_speaks_something_else_is_not_a_broker(database: str) -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server, running(database, Broker(port=server.sockets[0].getsockname()[1])) as client:
        _, found = await checks(client)
        assert found["broker"]["detail"] == "what answers is not an MQTT broker"


@pytest.mark.parametrize("name", ["bellwether_segments_stored_total 12.0", "bellwether_ledger_lost_items 0.0"])
async def test_metrics_count_what_ingest_stored(api: httpx.AsyncClient, district: SmallDistrict, name: str) -> None:
    district.books("s01-gw", stored_segments=12, stored_items=300, produced_items=300)
    await api.get("/api/v1/links/s01-wan")
    text = (await api.get("/metrics")).text
    assert name in text
    assert "bellwether_database_up 1.0" in text
    assert 'bellwether_things{kind="link",status="unknown"} 2.0' in text
    assert 'route="/api/v1/links/{link}",status="200"' in text
    assert "s01-wan" not in text


async def test_metrics_tell_how_full_the_fullest_quarantine_is(api: httpx.AsyncClient, district: SmallDistrict) -> None:
    assert "bellwether_quarantine_fullest_agent_ratio 0.0" in (await api.get("/metrics")).text
    room_bytes = Settings().ingest.quarantine_bytes_per_agent
    for agent, number, size_bytes, state in (
        ("s01-gw", 1, room_bytes // 4, "open"),
        ("s01-gw", 2, room_bytes // 4, "open"),
        ("s01-gw", 3, room_bytes, "replayed"),
        ("s02-gw", 1, 10, "open"),
    ):
        district.insert(
            "quarantine",
            {
                "agent": agent,
                "topic": "t",
                "lane": "live",
                "content_type": "t",
                "reason": "bad_schema",
                "detail": "",
                "size_bytes": size_bytes,
                "content_hash": str(number),
                "payload": "",
                "received_at": now(),
                "last_received_at": now(),
                "state": state,
            },
        )
    assert "bellwether_quarantine_fullest_agent_ratio 0.5" in (await api.get("/metrics")).text


async def test_a_bug_in_a_background_task_ends_the_process_instead_of_freezing_the_wall(
    api_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr("cloud.status.repository.snapshot", broken)
    server = ApiServer(api_settings)
    await server.start()
    try:
        with pytest.raises(ValueError, match="a bug"):
            async with asyncio.timeout(120):
                await server.wait()
    finally:
        await server.stop()


async def test_a_server_that_is_stopped_has_not_failed(api_settings: Settings) -> None:
    server = ApiServer(api_settings)
    await server.start()
    waiting = asyncio.create_task(server.wait())
    await server.stop()
    async with asyncio.timeout(120):
        await waiting
