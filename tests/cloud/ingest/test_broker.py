"""The centre's connection to a broker, against a broker of a few lines that sends what the test says."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cloud.config import Broker
from cloud.ingest.broker import BrokerConnection
from tests.fixtures.requirements import require_program

CERTIFICATES = Path(__file__).parents[3] / "docker" / "certificates"
CONNACK = b"\x20\x03\x00\x00\x00"
BAD_PASSWORD = b"\x20\x03\x00\x86\x00"
MESSAGES = 5


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A folder with ca.crt, and server.crt for localhost."""
    require_program("openssl")
    subprocess.run([str(CERTIFICATES), str(tmp_path / "certs"), "init", "localhost"], check=True, timeout=300)
    return tmp_path / "certs"


def publish_packet(number: int) -> bytes:
    topic = b"bw/1/s01-gw/up/live"
    body = len(topic).to_bytes(2, "big") + topic + b"\x00" + b"%d" % number
    return bytes([0x30, len(body)]) + body


async def packet(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(2)  # every packet of this test is shorter than 128 bytes
    return await reader.readexactly(head[1])


async def test_messages_that_share_a_tls_record_all_arrive_though_nothing_follows(authority: Path) -> None:
    """The socket turns readable once for a record; what TLS has decrypted of it must be read without another sign."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "server.crt", authority / "server.key")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await packet(reader)
        writer.write(CONNACK)
        identifier = (await packet(reader))[:2]
        suback = b"\x90\x04" + identifier + b"\x00\x01"
        writer.write(suback + b"".join(publish_packet(number) for number in range(MESSAGES)))
        await reader.read()
        writer.transport.abort()

    arrived: list[bytes] = []
    every_one = asyncio.Event()

    def take(_topic: str, payload: bytes, _content_type: str, _retained: bool) -> None:
        arrived.append(payload)
        if len(arrived) == MESSAGES:
            every_one.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    connection = BrokerConnection(
        Broker(host="localhost", port=port, tls_ca=str(authority / "ca.crt")),
        client_id="ingest.test",
        subscriptions=["bw/1/+/up/+"],
        on_message=take,
    )
    running = asyncio.create_task(connection.run())
    try:
        async with asyncio.timeout(120):
            await every_one.wait()
    finally:
        running.cancel()
        await asyncio.wait([running])
        server.close()
    assert arrived == [b"%d" % number for number in range(MESSAGES)]


async def test_a_broker_that_refuses_the_login_is_asked_less_and_less_and_said_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ceilings: list[float] = []
    enough = asyncio.Event()

    def wait_no_time(_least: float, ceiling: float) -> float:
        ceilings.append(ceiling)
        if len(ceilings) == 5:
            enough.set()
        return 0.0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await packet(reader)
        writer.write(BAD_PASSWORD)
        await reader.read()
        writer.transport.abort()

    monkeypatch.setattr("cloud.ingest.broker.random.uniform", wait_no_time)
    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connection = BrokerConnection(
        Broker(host="127.0.0.1", port=port), client_id="ingest.test", subscriptions=[], on_message=lambda *_: None
    )
    with capture_logs() as said:
        running = asyncio.create_task(connection.run())
        async with asyncio.timeout(120):
            await enough.wait()
        running.cancel()
        await asyncio.wait([running])
    server.close()
    assert ceilings[:5] == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert [line["event"] for line in said] == ["broker_unavailable"]
    assert "Bad user name or password" in said[0]["reason"]
