"""Nudges on a real broker: heard when somebody asked for them, and the centre's return is one of them."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from edge_agent.clock import SystemClock
from edge_agent.spool import Spool
from edge_agent.uplink import Broker, Speaker, Uplink
from protocols.codec import encode, encode_json
from protocols.desired import DocumentKind, Nudge
from protocols.status import Role
from protocols.topics import DownChannel
from tests.edge_agent.uplink.model_cloud import ModelCloud

pytestmark = pytest.mark.broker
AGENT = "s07-gw"
TOKENS = {DocumentKind.ROSTER: "0" * 32}


@pytest.fixture
def cloud(mosquitto):
    model = ModelCloud(mosquitto.host, mosquitto.port)
    model.start()
    yield model
    model.stop()


async def test_an_agent_hears_nudges_and_that_the_centre_is_back(mosquitto, cloud, tmp_path):
    heard: asyncio.Queue[Nudge | None] = asyncio.Queue()
    with contextlib.ExitStack() as stack:
        executor = stack.enter_context(ThreadPoolExecutor(2))
        spool = Spool(tmp_path / "spool.db", agent=AGENT, clock=SystemClock(), executor=executor)
        await spool.start()
        uplink = Uplink(
            spool=spool,
            speaker=Speaker(AGENT, "0" * 16, Role.GATEWAY, "test", "host"),
            broker=Broker(mosquitto.host, mosquitto.port),
            clock=SystemClock(),
            executor=executor,
            random=Random(1),
            news=heard.put_nowait,
        )
        await uplink.start()
        async with asyncio.timeout(60):
            assert await heard.get() is None
            nudge = Nudge(agent=AGENT, tokens=TOKENS)
            cloud.say(AGENT, DownChannel.CONFIG, b"rubbish")
            cloud.say(AGENT, DownChannel.CONFIG, encode(Nudge(agent="s08-gw", tokens=TOKENS)))
            cloud.say(AGENT, DownChannel.CONFIG, encode(nudge))
            assert await heard.get() == nudge
            cloud.say(AGENT, DownChannel.CONTENT, encode_json(nudge), "application/json")
            assert await heard.get() == nudge
        await uplink.stop(0)
        await spool.stop()
