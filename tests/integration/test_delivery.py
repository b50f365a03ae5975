"""The edge's half of the delivery contract over a real broker, against a cloud in memory: when nothing goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.uplink import Phase
from ops.embedded import EmbeddedMosquitto
from tests.edge_agent.uplink.model_cloud import ModelCloud
from tests.integration.delivery import AGENT, Edge, closes, eventually

pytestmark = pytest.mark.broker


async def test_what_is_stored_arrives_once_and_the_spool_lets_go(edge: Edge, cloud: ModelCloud) -> None:
    await edge.start()
    await edge.measure(20)
    await eventually(lambda: edge.made == cloud[AGENT].stored_items and edge.held_items() == 0, "everything receipted")
    closes(edge, cloud)
    snapshot = edge.uplink.snapshot()
    assert snapshot.phase is Phase.SENDING
    assert snapshot.credit == cloud.credit
    assert snapshot.last_receipt_at_ms is not None
    assert snapshot.skew_seconds is not None


async def test_skew_is_known_from_receipts(edge: Edge, cloud: ModelCloud) -> None:
    cloud.clock_offset_ms = -90_000
    await edge.start()
    await edge.measure(1)
    await eventually(lambda: edge.uplink.snapshot().last_receipt_at_ms is not None, "a receipt")
    skew = edge.uplink.snapshot().skew_seconds
    assert skew is not None
    assert 89 < skew < 150


async def test_nothing_is_sent_before_the_welcome(edge: Edge, cloud: ModelCloud) -> None:
    cloud.welcoming = False
    await edge.start()
    await edge.measure(5)
    await eventually(lambda: len(cloud[AGENT].statuses) >= 3, "births repeated while nobody answers")
    assert cloud[AGENT].stored == {}
    assert edge.phase is Phase.JOINING
    assert "welcome" in edge.reason
    cloud.welcoming = True
    await eventually(lambda: edge.held_items() == 0, "sent after the welcome")
    closes(edge, cloud)


async def test_broker_away_at_start_is_waited_for_with_a_reason(tmp_path: Path, mosquitto: EmbeddedMosquitto) -> None:
    mosquitto.stop()
    edge = Edge(tmp_path, mosquitto.port)
    await edge.start()
    await edge.measure(5)
    await eventually(lambda: edge.phase is Phase.WAITING, "waiting")
    assert f"127.0.0.1:{mosquitto.port}" in edge.reason
    mosquitto.start()
    cloud = ModelCloud(mosquitto.host, mosquitto.port)
    cloud.start()
    try:
        await eventually(lambda: edge.held_items() == 0, "delivered when the broker came")
        closes(edge, cloud)
    finally:
        await edge.stop(0.0)
        cloud.stop()
