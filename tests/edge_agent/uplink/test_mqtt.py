"""A connection against a broker of a few bytes: what real brokers seldom do on request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from edge_agent.errors import Retry
from edge_agent.uplink.errors import NotConnected
from edge_agent.uplink.mqtt import Acked, Connected, Happening, Lost, MqttConnection, Will
from edge_agent.uplink.values import Broker

CONNACK = bytes([0x20, 0x03, 0x00, 0x00, 0x00])


def connack_with_receive_maximum(most: int) -> bytes:
    return bytes([0x20, 0x06, 0x00, 0x00, 0x03, 0x21, *most.to_bytes(2, "big")])


def refusal(code: int) -> bytes:
    return bytes([0x20, 0x03, 0x00, code, 0x00])


def goodbye(code: int) -> bytes:
    return bytes([0xE0, 0x02, code, 0x00])


class Told:
    """What a connection reported."""

    def __init__(self) -> None:
        self.happenings: list[Happening] = []
        self._news = asyncio.Event()

    def __call__(self, happening: Happening) -> None:
        self.happenings.append(happening)
        self._news.set()

    async def until(self, condition: Callable[[Happening], bool]) -> Happening:
        async with asyncio.timeout(90):
            while True:
                for happening in self.happenings:
                    if condition(happening):
                        return happening
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def connected_to(*answers: bytes, hang_up: bool = False) -> AsyncIterator[tuple[MqttConnection, Told]]:
    """A connection to a broker that answers each packet it gets with the next of `answers`."""

    serving: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError):
            await answer_all(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            if not await reader.read(65536):
                break
            writer.write(answer)
            await writer.drain()
        if not hang_up:
            await reader.read()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    told, executor = Told(), ThreadPoolExecutor(1)
    connection = MqttConnection(
        Broker("127.0.0.1", port),
        client_id="s07-gw.0",
        username="s07-gw",
        will=Will("bw/1/s07-gw/status", b"will"),
        executor=executor,
        report=told,
    )
    connection.open()
    try:
        yield connection, told
    finally:
        connection.abort()
        executor.shutdown()
        server.close()
        await server.wait_closed()
        await asyncio.gather(*(task for task in serving if task is not None))


async def _loss(told: Told) -> Lost:
    happening = await told.until(lambda one: isinstance(one, Lost))
    assert isinstance(happening, Lost)
    return happening


async def test_a_session_taken_over_is_named_and_left_to_a_person() -> None:
    async with connected_to(CONNACK + goodbye(0x8E)) as (_, told):
        loss = (await _loss(told)).loss
        assert "taken over" in loss.reason
        assert loss.retry is Retry.MAX_BACKOFF


@pytest.mark.parametrize(
    ("code", "reason", "retry"),
    [
        (0x86, "the broker refuses our user name or password", Retry.MAX_BACKOFF),
        (0x87, "the broker does not authorise this agent", Retry.MAX_BACKOFF),
        (0x88, "ended the session: Server unavailable", Retry.BACKOFF),
    ],
)
async def test_a_refused_connection_says_why(code: int, reason: str, retry: Retry) -> None:
    async with connected_to(refusal(code)) as (_, told):
        loss = (await _loss(told)).loss
        assert reason in loss.reason
        assert loss.retry is retry


async def test_the_receive_maximum_is_reported() -> None:
    async with connected_to(connack_with_receive_maximum(7)) as (_, told):
        assert await told.until(lambda one: isinstance(one, Connected)) == Connected(7)


async def test_a_message_too_large_is_known_from_the_goodbye() -> None:
    async with connected_to(CONNACK, goodbye(0x95)) as (connection, told):
        await told.until(lambda one: isinstance(one, Connected))
        connection.publish("bw/1/s07-gw/up/live", b"x" * 1000)
        loss = (await _loss(told)).loss
        assert loss.too_large
        assert loss.by_broker


async def test_a_puback_with_a_reason_is_reported_with_it() -> None:
    puback = bytes([0x40, 0x04, 0x00, 0x01, 0x97, 0x00])
    async with connected_to(CONNACK, puback) as (connection, told):
        await told.until(lambda one: isinstance(one, Connected))
        mid = connection.publish("bw/1/s07-gw/up/live", b"x")
        acked = await told.until(lambda one: isinstance(one, Acked))
        assert acked == Acked(mid, 0x97, "Quota exceeded")


async def test_a_broker_that_hangs_up_is_one_loss_and_nothing_is_published_any_more() -> None:
    async with connected_to(CONNACK, hang_up=True) as (connection, told):
        loss = (await _loss(told)).loss
        assert loss.by_broker
        with pytest.raises(NotConnected):
            connection.publish("bw/1/s07-gw/up/live", b"x")
        connection.abort()
        connection.close()
        assert sum(isinstance(one, Lost) for one in told.happenings) == 1


async def test_nothing_listens_there() -> None:
    told, executor = Told(), ThreadPoolExecutor(1)
    connection = MqttConnection(
        Broker("127.0.0.1", 1), client_id="c", username="c", will=Will("t", b""), executor=executor, report=told
    )
    connection.open()
    loss = (await _loss(told)).loss
    assert "broker 127.0.0.1:1 cannot be reached: Connection refused" in loss.reason
    assert not loss.by_broker
    executor.shutdown()


async def test_a_connection_given_up_while_it_is_being_made_reports_nothing() -> None:
    async with connected_to(CONNACK) as (connection, told):
        connection.abort()
        await asyncio.sleep(0)
    assert told.happenings == []
