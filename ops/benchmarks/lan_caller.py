"""A client of the LAN API for benchmarks: raw HTTP/1.1 on one kept-alive connection, so that it costs little itself."""

from __future__ import annotations

import asyncio


class LanCaller:
    """One app's connection to an agent on this machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Connect, if it is not yet."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def post(self, path: str, body: bytes, status: int = 201) -> bytes:
        """Post a JSON body and return that of the answer.

        Raises:
            RuntimeError: the answer has another status.
        """
        return await self._answered(
            path,
            b"POST %s HTTP/1.1\r\nhost: agent\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
            % (path.encode(), len(body), body),
            status,
        )

    async def get_range(self, path: str, first: int, end: int) -> bytes:
        """Return bytes `first` up to and without `end` of what is there.

        Raises:
            RuntimeError: the answer is not 206.
        """
        request = b"GET %s HTTP/1.1\r\nhost: agent\r\nrange: bytes=%d-%d\r\n\r\n" % (path.encode(), first, end - 1)
        return await self._answered(path, request, 206)

    async def _answered(self, path: str, request: bytes, status: int) -> bytes:
        await self.open()
        assert self._reader is not None
        assert self._writer is not None
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[16:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: ")), 0
        )
        answer = await self._reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 %d" % status):
            raise RuntimeError(f"{path} was answered {head.splitlines()[0].decode()}: {answer.decode()}")
        return answer

    def close(self) -> None:
        """Close the connection."""
        if self._writer is not None:
            self._writer.close()
