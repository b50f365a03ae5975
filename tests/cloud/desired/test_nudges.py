"""A push reaches its agents at once: notified, made, nudged over a real broker; and without the notification too."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from cloud.config import Broker, Settings
from cloud.db import open_pool
from cloud.desired.builders import builders
from cloud.desired.refresh import DesiredRefresh
from cloud.http.ending import end
from cloud.ingest.broker import BrokerConnection
from protocols.codec import decode_nudge
from protocols.desired import DocumentKind, Nudge
from protocols.topics import DownChannel, down_topic

FILE = b"a lesson"
HASH = hashlib.sha256(FILE).hexdigest()


@pytest.fixture
def api_settings(api_settings: Settings, mosquitto) -> Settings:
    return replace(api_settings, broker=Broker(host=mosquitto.host, port=mosquitto.port))


@pytest.fixture
async def nudges(api_settings, mosquitto) -> AsyncIterator[asyncio.Queue[tuple[str, Nudge]]]:
    """What agent s01-gw hears on its way down."""
    heard: asyncio.Queue[tuple[str, Nudge]] = asyncio.Queue()
    listener = BrokerConnection(
        replace(api_settings.broker, username="s01-gw"),
        client_id=f"listener-{secrets.token_hex(4)}",
        subscriptions=[down_topic("s01-gw", channel) for channel in (DownChannel.CONTENT, DownChannel.CONFIG)],
        on_message=lambda topic, payload, kind, _: heard.put_nowait((topic, decode_nudge(payload, kind))),
    )
    task = asyncio.create_task(listener.run())
    async with asyncio.timeout(30):
        await listener.ready.wait()
    yield heard
    await end(task)


async def running(settings: Settings, interval_seconds: float) -> AsyncIterator[DesiredRefresh]:
    made_by = {
        kind: replace(builder, interval_seconds=interval_seconds)
        for kind, builder in builders(settings.district.time_zone).items()
    }
    async with open_pool(settings.database.dsn) as pool:
        duty = DesiredRefresh(settings, pool, made_by=made_by)
        task = asyncio.create_task(duty.run())
        async with asyncio.timeout(30):
            while not duty.broker.connected:
                await asyncio.sleep(0.01)
        yield duty
        await end(task)


@pytest.fixture
async def patient(api_settings, classes) -> AsyncIterator[DesiredRefresh]:
    """A duty that looks by itself only once an hour."""
    async for duty in running(api_settings, 3600.0):
        yield duty


@pytest.fixture
async def restless(api_settings, classes) -> AsyncIterator[DesiredRefresh]:
    """A duty that looks by itself all the time."""
    async for duty in running(api_settings, 0.05):
        yield duty


async def next_of(nudges, channel: DownChannel) -> Nudge:
    async with asyncio.timeout(30):
        while True:
            topic, nudge = await nudges.get()
            if topic == down_topic("s01-gw", channel):
                return nudge


async def test_a_push_nudges_its_agents_with_the_new_token(api, nudges, patient, edge):
    await api.put(f"/api/v1/content/blobs/{HASH}", content=FILE)
    body = {"title": "x", "audience": ["school:s01"], "resources": [{"sha256": HASH, "title": "x"}]}
    await api.post("/api/v1/content/manifests", json=body)
    async with asyncio.timeout(30):
        while True:
            nudge = await next_of(nudges, DownChannel.CONTENT)
            tokens = (await edge("s01-gw").ask("tokens")).json()["tokens"]
            if nudge.tokens == {DocumentKind.CONTENT: tokens["content"]}:
                break
    await api.put("/api/v1/desired/terminals", json={"app_version": "3.2"})
    async with asyncio.timeout(30):
        while DocumentKind.TERMINALS not in (await next_of(nudges, DownChannel.CONFIG)).tokens:
            pass


async def test_a_change_that_nobody_told_is_found(nudges, restless, database):
    import psycopg

    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("INSERT INTO terminal_targets VALUES ('*', '9.9', '{}', now())")
    assert DocumentKind.TERMINALS in (await next_of(nudges, DownChannel.CONFIG)).tokens


async def test_a_source_that_breaks_does_not_stop_the_others(api_settings, classes, nudges):
    async def broken(_connection, _agents):
        raise ValueError("a source")

    standing = builders(api_settings.district.time_zone)
    made_by = {
        DocumentKind.CONTENT: replace(standing[DocumentKind.CONTENT], bodies=broken, interval_seconds=0.05),
        DocumentKind.TERMINALS: replace(standing[DocumentKind.TERMINALS], interval_seconds=0.05),
    }
    async with open_pool(api_settings.database.dsn) as pool:
        duty = DesiredRefresh(api_settings, pool, made_by=made_by)
        task = asyncio.create_task(duty.run())
        async with asyncio.timeout(30):
            while not await _made(pool):
                await asyncio.sleep(0.02)
        await end(task)


async def _made(pool) -> bool:
    async with pool.connection() as connection:
        rows = await (await connection.execute("SELECT DISTINCT kind FROM desired_documents")).fetchall()
    return rows == [("terminals",)]
