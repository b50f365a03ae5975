"""Messages that really leave, to a receiver that really listens; written before they are sent."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest

from cloud.config import Database, Settings
from cloud.db import open_pool
from cloud.notifications import plan_file
from cloud.notifications.duty import NotificationDuty
from tests.cloud.district import SmallDistrict, minutes_ago
from tests.cloud.incidents.test_keeper import keep

PLAN = """
[[contacts]]
name = "duty"
language = "en"
urls = ["json://127.0.0.1:{port}/in"]
[[policies]]
severities = ["p1", "p2", "p3"]
steps = [{{ after_minutes = 0, who = ["duty"] }}]
[digest]
at = ["00:00", "06:00", "12:00", "18:00", "23:59"]
to = ["duty"]
"""


class Receiver(http.server.ThreadingHTTPServer):
    """Keeps what it is sent; refuses while it is out of order."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[dict[str, Any]] = []
        self.broken = False


class Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self.server.broken:
            self.server.got.append(json.loads(body))
        self.send_response(503 if self.server.broken else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


async def tell(district: SmallDistrict, receiver: Receiver) -> None:
    await keep(district)
    plan = plan_file.parse(PLAN.format(port=receiver.server_port), "test")
    async with open_pool(district.dsn, max_size=2, name="test") as pool:
        await NotificationDuty(Settings(database=Database(dsn=district.dsn)), pool).step(plan)


def rows(district: SmallDistrict, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(district.dsn) as connection:
        return connection.execute(statement.encode()).fetchall()


async def test_a_cause_is_told_once_and_its_end_once(
    district: SmallDistrict, receiver: Receiver, api: httpx.AsyncClient
) -> None:
    district.logged("link", "s01-wan", "down", minutes_ago(10))
    district.logged("gateway", "s01-gw", "unreachable", minutes_ago(9), ("link", "s01-wan"))
    for _ in range(3):
        await tell(district, receiver)
    assert [one["title"] for one in receiver.got if one["title"].startswith("P")] == [
        "P3 Primary School No. 1 link s01-wan down"
    ]
    assert "1 things behind it." in receiver.got[0]["message"]

    district.logged("link", "s01-wan", "up", minutes_ago(5))
    for _ in range(3):
        await tell(district, receiver)
    assert [one["title"] for one in receiver.got] == [
        "P3 Primary School No. 1 link s01-wan down",
        "Over: Primary School No. 1 link s01-wan",
    ]
    listed = (await api.get("/api/v1/notifications/deliveries")).json()
    assert [(row["step"], row["state"]) for row in listed["items"]] == [("over", "sent"), ("page 1", "sent")]
    timeline = rows(district, "SELECT count(*) FROM incident_timeline WHERE kind = 'notified'")
    assert timeline == [(2,)]


async def test_a_receiver_out_of_order_is_tried_again_later(district: SmallDistrict, receiver: Receiver) -> None:
    receiver.broken = True
    district.logged("link", "s01-wan", "down", minutes_ago(10))
    await tell(district, receiver)
    [(state, attempts, problem, later)] = rows(
        district, "SELECT state, attempts, problem, next_try_at - planned_at FROM notification_deliveries"
    )
    assert (state, attempts, problem) == ("waiting", 1, "not taken by json")
    assert later > timedelta(seconds=5)
    receiver.broken = False
    rows(district, "UPDATE notification_deliveries SET next_try_at = now() RETURNING 1")
    await tell(district, receiver)
    assert len(receiver.got) == 1
    assert rows(district, "SELECT state FROM notification_deliveries") == [("sent",)]


async def test_blind_spots_come_in_the_digest(district: SmallDistrict, receiver: Receiver) -> None:
    district.logged("gateway", "s01-gw", "up", minutes_ago(30))
    with psycopg.connect(district.dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO status_log (kind, key, previous, status, changed_at, reason, evidence)"
            " VALUES ('gateway', 's01-gw', 'up', 'unknown', %s, 'agent_dead', '{}')",
            [minutes_ago(20)],
        )
    await tell(district, receiver)
    await tell(district, receiver)
    assert [one["title"] for one in receiver.got] == ["Digest: 1 incidents"]
    assert "gateway s01-gw unknown" in receiver.got[0]["message"]
