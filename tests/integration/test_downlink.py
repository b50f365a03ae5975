"""Desired state between the real centre and an agent's downlink, over real HTTP: what is set arrives and is proved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from cloud.db import open_pool
from cloud.desired.keys import open_key
from cloud.desired.refresh import DesiredRefresh
from edge_agent.clock import SystemClock
from edge_agent.config import AgentConfig, AgentSection, CentreSection, Secret, UplinkSection
from edge_agent.downlink.documents import Documents
from edge_agent.downlink.making import make_documents, make_downlink
from edge_agent.downlink.service import Downlink, Said
from edge_agent.records.memory import Forgotten
from edge_agent.vault import Vault
from protocols.desired import DocumentKind, ReportedTerminal, TerminalTargets
from protocols.status import Role

pytestmark = pytest.mark.db

AGENT = "s01-gw"


@pytest.fixture
async def refresh(api_settings, district) -> AsyncIterator[DesiredRefresh]:
    async with open_pool(api_settings.database.dsn) as pool:
        yield DesiredRefresh(api_settings, pool)


@pytest.fixture
async def edge(api_settings, api_server, tmp_path) -> AsyncIterator[tuple[Documents, Downlink]]:
    key = open_key(Path(api_settings.content.folder))
    centre = CentreSection(url=api_server.url, token=Secret(key.agent_token(AGENT)), public_key=key.public_text)
    config = AgentConfig(
        agent=AgentSection(id=AGENT, role=Role.GATEWAY, data_dir=tmp_path / "edge"),
        uplink=UplinkSection(host="127.0.0.1"),
        centre=centre,
    )
    documents = make_documents(config, centre, Vault(tmp_path / "edge").cipher())

    async def forget(_subject, _records) -> Forgotten:
        return Forgotten(0, [])

    terminal = ReportedTerminal(terminal="s01-c01-t02", seen_at_ms=SystemClock().wall_ms(), present=True)
    with ThreadPoolExecutor(1) as executor:
        downlink = make_downlink(
            config,
            centre,
            documents,
            forget=forget,
            said=Said(lambda: [terminal], lambda: None),
            clock=SystemClock(),
            executor=executor,
            random=Random(1),
        )
        await downlink.prepare()
        await downlink.start()
        yield documents, downlink
        await downlink.stop()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


async def test_what_is_set_at_the_centre_is_in_force_at_the_edge_and_proved(api, edge, refresh):
    documents, downlink = edge
    await until(lambda: downlink.state().reachable)
    for version in ("3.1", "3.2"):
        await api.put("/api/v1/desired/terminals", json={"app_version": version, "configuration": {"camera": True}})
        await refresh.refresh(DocumentKind.TERMINALS)
        downlink.news(None)
        await until(
            lambda: (
                isinstance(body := documents.body(DocumentKind.TERMINALS), TerminalTargets)
                and body.app_version == version  # noqa: B023
            )
        )
    token = documents.token(DocumentKind.TERMINALS)
    async with asyncio.timeout(60):
        while True:
            items = (await api.get("/api/v1/sync/agents", params={"limit": 100})).json()["items"]
            told = [one for one in items if (one["agent"], one["kind"]) == (AGENT, "terminals")]
            if told and told[0]["reported"] == token:
                break
            await asyncio.sleep(0.1)
    assert told[0]["desired"] == token
    assert told[0]["state"] == "synced"
