"""A push on its way: the real services process makes a document, the agent's own code fetches, verifies, reports."""

from __future__ import annotations

import asyncio
import hashlib
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cloud.config import Broker
from cloud.desired.keys import open_key
from cloud.http.ending import end
from cloud.services import ServicesProcess
from edge_agent.cipher import Cipher
from edge_agent.downlink.centre import Centre
from edge_agent.downlink.documents import Documents
from edge_agent.downlink.errors import CentreRefuses
from protocols.content import Content
from protocols.desired import DocumentKind, Reported, ReportedDocument, Validity
from tests.cloud.schooling import with_classes

FILE = b"a lesson about fractions" * 1000
HASH = hashlib.sha256(FILE).hexdigest()
PLAIN = Cipher(lambda data: data, lambda data: data)


@pytest.mark.db
@pytest.mark.broker
async def test_a_push_arrives_at_an_agent_and_its_report_at_the_console(
    api_settings, api_server, api, district, mosquitto, tmp_path
):
    with_classes(district.dsn)
    settings = replace(api_settings, broker=Broker(host=mosquitto.host, port=mosquitto.port))
    services = asyncio.create_task(ServicesProcess(settings).run())
    await api.put(f"/api/v1/content/blobs/{HASH}", content=FILE)
    body = {"title": "分数", "audience": ["class:s01-g3c1"], "resources": [{"sha256": HASH, "title": "分数.mp4"}]}
    pushed = (await api.post("/api/v1/content/manifests", json=body)).json()

    key = open_key(Path(settings.content.folder))
    documents = Documents(tmp_path / "edge", agent="s01-gw", public_key=key.public_key, cipher=PLAIN)
    centre = Centre(api_server.url, agent="s01-gw", token=key.agent_token("s01-gw"))
    async with asyncio.timeout(60):
        while not documents.body(DocumentKind.CONTENT) or not manifests(documents):
            if DocumentKind.CONTENT in (await centre.tokens()).tokens:
                documents.accept(await centre.document(DocumentKind.CONTENT))
            await asyncio.sleep(0.05)
    assert manifests(documents) == [pushed["manifest"]]

    now_ms = time.time_ns() // 1_000_000
    held = ReportedDocument(
        kind=DocumentKind.CONTENT,
        token=documents.token(DocumentKind.CONTENT),
        validity=Validity.VALID,
        proved_at_ms=now_ms,
    )
    await centre.report(Reported(agent="s01-gw", at_ms=now_ms, documents=[held]))
    detail = (await api.get(f"/api/v1/content/manifests/{pushed['manifest']}")).json()
    assert {one["agent"]: one["state"] for one in detail["agents"]} == {"s01-gw": "ready", "s01-c01": "unknown"}
    await centre.close()

    stranger = Centre(api_server.url, agent="s01-gw", token="guessed")
    with pytest.raises(CentreRefuses):
        await stranger.tokens()
    await stranger.close()
    await end(services)


def manifests(documents: Documents) -> list[str]:
    content = documents.body(DocumentKind.CONTENT)
    assert isinstance(content, Content)
    return [one.manifest for one in content.manifests]
