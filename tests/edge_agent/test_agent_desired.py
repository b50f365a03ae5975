"""A whole agent under a centre: rosters come and stay, nudges on a real broker, nothing of a pupil readable on disk."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from edge_agent.agent import Agent
from edge_agent.config import AgentConfig, AgentSection, CentreSection, HostSection, LanSection, Secret, UplinkSection
from edge_agent.jobs import Drivers
from protocols.codec import encode
from protocols.desired import DocumentKind, Nudge, Validity
from protocols.status import Role
from protocols.topics import DownChannel
from tests.edge_agent.downlink.centre import AGENT, PUBLIC_KEY_TEXT, erasures, roster
from tests.edge_agent.downlink.fake_centre import TOKEN, FakeCentre, running_centre
from tests.edge_agent.spool.test_secrecy import readable
from tests.edge_agent.test_agent import StandInHost
from tests.edge_agent.uplink.model_cloud import ModelCloud

pytestmark = pytest.mark.broker

SECRET = "the moon is made of basalt"
XAPI = {"X-Experience-API-Version": "1.0.3"}


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    monkeypatch.setattr("edge_agent.agent.FLUSH_SECONDS", 60.0)


@pytest.fixture
def cloud(mosquitto):
    model = ModelCloud(mosquitto.host, mosquitto.port)
    model.start()
    yield model
    model.stop()


@pytest.fixture
async def centre():
    async with running_centre() as running:
        yield running


def agent_of(folder: Path, port: int, centre: FakeCentre) -> Agent:
    config = AgentConfig(
        agent=AgentSection(id=AGENT, role=Role.GATEWAY, data_dir=folder),
        uplink=UplinkSection(host="127.0.0.1", port=port, reconnect_max_seconds=2.0),
        host=HostSection(interval_seconds=60.0),
        lan=LanSection(listen="127.0.0.1:0", mdns=False),
        centre=CentreSection(url=centre.url, token=Secret(TOKEN), public_key=PUBLIC_KEY_TEXT),
    )
    return Agent(config, Drivers(host=StandInHost()))


def in_force(kind: DocumentKind, token: str):
    return lambda report: any(
        (one.kind, one.token, one.validity) == (kind, token, Validity.VALID) for one in report.documents
    )


async def test_a_roster_arrives_by_nudge_and_is_there_with_the_line_cut(mosquitto, cloud, centre, tmp_path):
    first = centre.publish(roster("a"))
    agent = agent_of(tmp_path, mosquitto.port, centre)
    await agent.start()
    await centre.reported(in_force(DocumentKind.ROSTER, first))
    async with asyncio.timeout(60):
        while not cloud[AGENT].online:
            await asyncio.sleep(0.02)
    second = centre.publish(roster("b"))
    cloud.say(AGENT, DownChannel.CONFIG, encode(Nudge(agent=AGENT, tokens=centre.tokens())))
    async with asyncio.timeout(30):
        await centre.reported(in_force(DocumentKind.ROSTER, second))
    status = await agent.status()
    assert status.centre is not None
    assert [(one.kind.value, one.token) for one in status.centre.documents] == [("roster", second)]
    await agent.stop()
    await centre.stop()
    again = agent_of(tmp_path, mosquitto.port, centre)
    await again.start()
    assert again.documents is not None
    assert again.documents.body(DocumentKind.ROSTER) == roster("b")
    await again.stop()


async def test_what_a_pupil_said_is_in_no_file_and_an_erasure_takes_it(mosquitto, centre, tmp_path):
    """No broker takes anything here: the records wait in the spool."""
    agent = agent_of(tmp_path, 1, centre)
    await agent.start()
    statement_id = "8f2b2f6e-0d5c-4a38-9a0e-0b9b6f0f4a11"
    statement = {
        "id": statement_id,
        "actor": {"account": {"homePage": "https://school.example", "name": "p-0a1b"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": "https://school.example/questions/q-17"},
        "timestamp": "2026-11-23T08:15:00+08:00",
        "result": {"response": SECRET},
    }
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{agent.lan_port}", headers=XAPI, timeout=60) as lan:
        assert (await lan.post("/xapi/statements", json=statement)).status_code == 200
        kept = await lan.get("/xapi/statements", params={"statementId": statement_id})
        assert kept.json()["result"]["response"] == SECRET
        for file in tmp_path.rglob("*"):
            if file.is_file():
                assert not any(SECRET.encode() in part for part in readable(file.read_bytes())), file.name
        centre.publish(erasures("p-0a1b"))
        assert agent._downlink is not None
        agent._downlink.news(None)
        report = await centre.reported(lambda report: report.erased)
        assert report.erased == [f"{1:032x}"]
        kept = await lan.get("/xapi/statements", params={"statementId": statement_id})
        assert kept.status_code == 404
        # What an app sends again is known, and does not come back.
        assert (await lan.post("/xapi/statements", json=statement)).status_code == 200
        assert (await lan.get("/xapi/statements", params={"statementId": statement_id})).status_code == 404
    (held,) = [one for one in (await agent.status()).spool.held if one.lane.value == "records"]
    assert held.items == 1
    await agent.stop()
