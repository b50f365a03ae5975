"""How the LAN server listens."""

from __future__ import annotations

import asyncio
import socket

from starlette.responses import Response

from edge_agent.lan import LanServer


async def _answer(scope, receive, send) -> None:
    await Response("here")(scope, receive, send)


async def test_answers_leave_at_once() -> None:
    """Accepted connections have Nagle's algorithm off; asyncio does that only where the protocol is named."""
    server = LanServer(_answer, "127.0.0.1", 0)
    await server.start()
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        await reader.readuntil(b"here")
        ours = writer.get_extra_info("sockname")
        accepted = [
            transport.get_extra_info("socket")
            for transport in _transports()
            if transport.get_extra_info("peername") == ours
        ]
        assert [one.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for one in accepted] == [1]
        writer.close()
    finally:
        await server.stop()


def _transports() -> list[asyncio.Transport]:
    loop = asyncio.get_running_loop()
    return list(loop._transports.values())  # type: ignore[attr-defined]
