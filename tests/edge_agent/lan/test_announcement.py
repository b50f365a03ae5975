"""mDNS: a convenience that never stands in the way."""

from __future__ import annotations

import structlog

from edge_agent.lan.announcement import Announcement


async def said_by(host: str) -> list[str]:
    announcement = Announcement("s07-gw", "gateway", host, 8740)
    with structlog.testing.capture_logs() as said:
        await announcement.start()
        await announcement.stop()
        await announcement.stop()
    return [f"{entry['log_level']} {entry['event']}" for entry in said]


async def test_the_loopback_is_not_announced():
    assert await said_by("127.0.0.1") == ["info mdns_left_out"]


async def test_an_interface_that_is_not_there_is_one_warning():
    assert await said_by("203.0.113.7") == ["warning mdns_unavailable"]
