"""Content from the centre to a tablet and an attachment back, through real agents: a gateway and a room behind it."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from cloud.config import Broker
from cloud.desired.keys import open_key
from cloud.http.ending import end
from cloud.services import ServicesProcess
from edge_agent.agent import Agent
from edge_agent.config import (
    AgentConfig,
    AgentSection,
    CentreSection,
    LanSection,
    Secret,
    UplinkSection,
)
from edge_agent.config.model import ContentSection
from edge_agent.terminal_client.client import TerminalClient
from ops.faults.line import LineProxy
from protocols.status import Role
from tests.cloud.schooling import with_classes

FILM = random.Random(5).randbytes(1_300_000)
HASH = hashlib.sha256(FILM).hexdigest()
HOMEWORK = random.Random(6).randbytes(700_000)
HOMEWORK_HASH = hashlib.sha256(HOMEWORK).hexdigest()


@asynccontextmanager
async def agent(
    name: str, role: Role, folder: Path, broker_port: int, url: str, key, parent=None
) -> AsyncIterator[Agent]:
    config = AgentConfig(
        agent=AgentSection(id=name, role=role, data_dir=folder),
        uplink=UplinkSection(host="127.0.0.1", port=broker_port, reconnect_max_seconds=2.0),
        centre=CentreSection(url=url, token=Secret(key.agent_token(name)), public_key=key.public_text),
        content=ContentSection(parent=parent, floor_bytes=0),
        lan=LanSection(listen="127.0.0.1:0", mdns=False),
    )
    running = Agent(config)
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


@pytest.mark.db
@pytest.mark.broker
async def test_a_film_is_in_the_room_before_the_lesson_and_homework_reaches_the_centre(
    api_settings, api_server, api, district, mosquitto, tmp_path
):
    with_classes(district.dsn)
    settings = replace(api_settings, broker=Broker(host=mosquitto.host, port=mosquitto.port))
    services = asyncio.create_task(ServicesProcess(settings).run())
    key = open_key(Path(settings.content.folder))
    line = LineProxy("127.0.0.1", int(api_server.url.rpartition(":")[2]))
    await line.start()
    over_the_line = f"http://127.0.0.1:{line.port}"
    async with agent("s01-gw", Role.GATEWAY, tmp_path / "gw", mosquitto.port, over_the_line, key) as gateway:
        parent = f"http://127.0.0.1:{gateway.lan_port}"
        async with agent(
            "s01-c01", Role.CLASSROOM, tmp_path / "c01", mosquitto.port, over_the_line, key, parent
        ) as room:
            await api.put(f"/api/v1/content/blobs/{HASH}", content=FILM)
            push = {"title": "分数", "audience": ["class:s01-g3c1"], "resources": [{"sha256": HASH, "title": "film"}]}
            manifest = (await api.post("/api/v1/content/manifests", json=push)).json()["manifest"]
            await arrived(api, manifest, {"s01-gw": "ready", "s01-c01": "ready"})
            assert line.bytes_down_total < len(FILM) * 1.1  # once, for both agents, documents and all
            await line.cut()
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{room.lan_port}") as lan:
                tablet = TerminalClient("s01-c01-t02", tmp_path / "tablet", lan)
                running = asyncio.create_task(tablet.run())
                async with asyncio.timeout(60):
                    while tablet.report().content_token is None:
                        await asyncio.sleep(0.05)
                assert tablet.store.path(HASH).read_bytes() == FILM
                answer = await lan.put(f"/v1/blobs/{HOMEWORK_HASH}", content=HOMEWORK)
                assert answer.status_code == 201
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                tablet.close()
            assert (await api.get(f"/api/v1/content/blobs/{HOMEWORK_HASH}")).status_code == 404
            await line.heal()
            async with asyncio.timeout(90):
                while (await api.get(f"/api/v1/content/blobs/{HOMEWORK_HASH}")).status_code != 200:
                    await asyncio.sleep(0.1)
    await line.stop()
    await end(services)


async def arrived(api: httpx.AsyncClient, manifest: str, wanted: dict[str, str]) -> None:
    async with asyncio.timeout(120):
        while True:
            agents = (await api.get(f"/api/v1/content/manifests/{manifest}")).json()["agents"]
            if {one["agent"]: one["state"] for one in agents} == wanted:
                return
            await asyncio.sleep(0.1)
