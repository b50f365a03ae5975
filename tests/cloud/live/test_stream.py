"""The live stream over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from cloud.api.server import ApiServer
from cloud.config import Api, Broker, Database, Settings
from ops.embedded import EmbeddedPostgres
from tests.cloud.district import SmallDistrict


@dataclass(frozen=True)
class Message:
    """One server-sent event."""

    id: int
    event: str
    data: Any


class Stream:
    """A browser's side of the stream."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()
        self.retry: str | None = None

    async def next(self) -> Message:
        """Return the next message."""
        fields: dict[str, str] = {}
        async for line in self._lines:
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                return Message(int(fields["id"]), fields["event"], json.loads(fields["data"]))
            else:
                self.retry = fields.get("retry", self.retry)
                fields = {}
        raise EOFError

    async def until(self, event: str) -> Message:
        """Return the next message of a kind; the limit only ends a broken test."""
        async with asyncio.timeout(120):
            while True:
                message = await self.next()
                if message.event == event:
                    return message


@asynccontextmanager
async def browser(server: ApiServer) -> AsyncIterator[Stream]:
    async with (
        httpx.AsyncClient(base_url=server.url, timeout=120) as client,
        client.stream("GET", "/api/v1/stream") as response,
    ):
        yield Stream(response)


async def test_the_first_message_is_the_full_picture(api_server: ApiServer, district: SmallDistrict) -> None:
    async with browser(api_server) as stream:
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        first = await stream.next()
        assert first.event == "overview"
        assert [row["link"] for row in first.data["grid"]] == ["s01-wan", "s02-wan"]
        assert stream.retry == "3000"
        assert (await stream.next()).event == "ping"


async def test_a_change_of_a_link_and_of_an_agent_arrives_by_itself(
    api_server: ApiServer, district: SmallDistrict
) -> None:
    async with browser(api_server) as stream:
        await stream.until("overview")
        await stream.until("overview")
        district.status("link", "s02-wan", "down")
        district.presence("s02-gw", "offline")
        district.notify()

        link = await stream.until("link")
        assert [(row["link"], row["status"]) for row in link.data["items"]] == [("s02-wan", "down")]
        agent = await stream.until("agent")
        assert [(row["agent"], row["presence"]) for row in agent.data["items"]] == [("s02-gw", "offline")]


async def test_a_lesson_with_new_facts_is_named_and_nothing_more(
    api_server: ApiServer, district: SmallDistrict
) -> None:
    async with browser(api_server) as stream:
        await stream.until("overview")
        await stream.until("overview")
        for lesson in ("s01-g3c1.20261127.p2", "s01-g3c1.20261127.p2", "s02-g3c1.20261127.p2"):
            district.tell_lesson(lesson)
        told: list[str] = []
        while len(told) < 2:
            message = await stream.until("lesson")
            told += [item["lesson"] for item in message.data["items"]]
            assert all(set(item) == {"lesson"} for item in message.data["items"])
        assert sorted(told) == ["s01-g3c1.20261127.p2", "s02-g3c1.20261127.p2"]


async def test_ids_grow(api_server: ApiServer, district: SmallDistrict) -> None:
    async with browser(api_server) as stream:
        ids = [(await stream.next()).id for _ in range(3)]
        assert ids == sorted(set(ids))


async def test_a_hundred_notifications_make_a_handful_of_messages(
    api_server: ApiServer, district: SmallDistrict
) -> None:
    async with browser(api_server) as stream:
        await stream.until("overview")
        await stream.until("overview")
        before = api_server.app.state.rooms.hub.messages_total
        for number in range(100):
            district.link_now("s01-wan", "school", in_bps=number, out_bps=0)
            district.notify()
        rows: list[dict[str, Any]] = []
        while not rows or rows[-1]["in_bps"] != 99:
            rows += (await stream.until("link")).data["items"]
        assert api_server.app.state.rooms.hub.messages_total - before < 50
        assert len(rows) < 25


async def test_a_browser_that_left_is_forgotten(api_server: ApiServer, district: SmallDistrict) -> None:
    hub = api_server.app.state.rooms.hub
    async with browser(api_server) as stream:
        await stream.next()
        assert hub.browsers == 1
    async with asyncio.timeout(120):
        while hub.browsers:
            district.notify()
            await asyncio.sleep(0.1)


async def test_stopping_the_server_ends_the_streams(api_settings: Settings) -> None:
    server = ApiServer(api_settings, evaluate=False)
    await server.start()
    async with browser(server) as stream:
        await stream.next()
        async with asyncio.timeout(120):
            await server.stop()


async def test_after_a_restart_of_the_database_the_stream_goes_on_with_the_full_picture(own_home: Any) -> None:
    from cloud.db import migrate

    with EmbeddedPostgres(own_home, durable=False) as postgres:
        migrate(postgres.dsn)
        SmallDistrict(postgres.dsn).close()
        server = ApiServer(
            Settings(database=Database(dsn=postgres.dsn), broker=Broker(port=1), api=Api(port=0)), evaluate=False
        )
        await server.start()
        try:
            async with browser(server) as stream:
                await stream.until("overview")
                while not (await stream.until("ping")).data["database"]:
                    pass
                await asyncio.to_thread(postgres.kill)
                while (await stream.until("ping")).data["database"]:
                    pass
                await asyncio.to_thread(postgres.start)
                while not (await stream.until("ping")).data["database"]:
                    pass
                picture = await stream.until("overview")
                assert len(picture.data["grid"]) == 2
        finally:
            await server.stop()
