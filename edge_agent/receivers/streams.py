"""Syslog over TCP (RFC 6587): messages by octet count, or one a line. What is too long ends the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

LONGEST_MESSAGE = 8192
MOST_CONNECTIONS = 64
IDLE_SECONDS = 3600.0


class LogStreams:
    """Connections of devices. `take` gets each message and its sender."""

    def __init__(self, take: Callable[[bytes, str], None]) -> None:
        self._take = take
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def listen(self, host: str, port: int) -> None:
        """Begin to accept. Raises OSError when the address cannot be had."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=LONGEST_MESSAGE * 2)

    async def close(self) -> None:
        """Close the address and every connection."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._open):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._open) >= MOST_CONNECTIONS:
            writer.close()
            return
        self._open.add(writer)
        sender = writer.get_extra_info("peername")[0]
        try:
            while True:
                async with asyncio.timeout(IDLE_SECONDS):
                    message = await _next(reader)
                if message:
                    self._take(message, sender)
        except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the device closed, fell silent, or does not speak syslog: it may connect again
        finally:
            self._open.discard(writer)
            writer.close()


async def _next(reader: asyncio.StreamReader) -> bytes:
    first = await reader.readexactly(1)
    if first.isdigit():
        size = int(first + (await reader.readuntil(b" "))[:5])
        if not 1 <= size <= LONGEST_MESSAGE:
            raise ValueError(f"a message of {size} bytes")
        return await reader.readexactly(size)
    line = first if first == b"\n" else first + await reader.readuntil(b"\n")
    return line.rstrip(b"\r\n\0")
