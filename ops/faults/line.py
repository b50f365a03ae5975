"""A line between two machines, as a TCP proxy on loopback that can be cut, black-holed, slowed down and healed.

- *cut*: what a pulled cable behind a live modem looks like: open connections are reset, new ones refused.
- *black hole*: what a dead line mostly looks like: connections stay, new ones are accepted, nothing flows, not even an
  end of file. After `heal` the bytes held back flow on, as TCP's retransmission would bring them.
- delay (one way, each way) and bandwidth (per direction, shared by all connections) can be set while it runs.

Byte order in a connection is kept whatever is switched when. The port stays reserved while the line is cut.
Alone: `python -m ops.faults.line --target HOST:PORT [--listen PORT]` prints its port and reads one command per line.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import struct
import sys
from dataclasses import dataclass
from enum import StrEnum

_CHUNK_BYTES = 64 * 1024
_QUEUED_CHUNKS = 16
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class LineState(StrEnum):
    """What the line does with traffic."""

    UP = "up"
    CUT = "cut"
    BLACK_HOLE = "black_hole"


@dataclass(slots=True)
class _Lane:
    """One way's bandwidth: when it is free again."""

    free_at: float = 0.0


@dataclass(slots=True)
class _Direction:
    """One way of the line: its bandwidth, and what has passed."""

    lane: _Lane
    bytes_total: int = 0


@dataclass(slots=True, eq=False)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    target: asyncio.StreamWriter | None = None

    def close(self) -> None:
        """Close both sides; what is under way still arrives."""
        for writer in (self.writer, self.target):
            if writer is not None:
                writer.close()

    def reset(self) -> None:
        """Reset both sides at once; what was under way is lost."""
        for writer in (self.writer, self.target):
            if writer is not None and not writer.transport.is_closing():
                peer: socket.socket = writer.get_extra_info("socket")
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                writer.transport.abort()


class LineProxy:
    """One line to one target. Everything but `start` and `stop` may be called at any time, from the loop's thread."""

    def __init__(
        self,
        target_host: str,
        target_port: int,
        *,
        listen_port: int = 0,
        delay_seconds: float = 0.0,
        bandwidth_bps: int | None = None,
    ) -> None:
        self.target_host = target_host
        self.target_port = target_port
        self.host = "127.0.0.1"
        self.port = listen_port
        self.delay_seconds = delay_seconds
        self.bandwidth_bps = bandwidth_bps
        self.state = LineState.UP
        self._reservation: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._flowing = asyncio.Event()
        self._connections: dict[_Connection, asyncio.Task[None]] = {}
        self._up, self._down = _Direction(_Lane()), _Direction(_Lane())

    @property
    def connections(self) -> int:
        """Connections that are open now."""
        return len(self._connections)

    @property
    def bytes_up_total(self) -> int:
        """Bytes handed on towards the target."""
        return self._up.bytes_total

    @property
    def bytes_down_total(self) -> int:
        """Bytes handed back from the target."""
        return self._down.bytes_total

    def share_bandwidth(self, other: LineProxy) -> None:
        """Be the same wire as another proxy: what one sends, the other waits for."""
        self._up.lane, self._down.lane = other._up.lane, other._down.lane

    async def start(self) -> None:
        """Reserve the port (`port` says which) and listen, unless the line was cut before."""
        reservation = _bound_socket(self.host, self.port)
        self._reservation = reservation
        self.port = reservation.getsockname()[1]
        if self.state is LineState.UP:
            self._flowing.set()
        if self.state is not LineState.CUT:
            await self._listen()

    async def stop(self) -> None:
        """Reset every connection and give the port back."""
        self._close_server()
        tasks = list(self._connections.values())
        self._reset_connections()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._reservation is not None:
            self._reservation.close()
            self._reservation = None

    async def cut(self) -> None:
        """Reset open connections and refuse new ones until `heal`."""
        self.state = LineState.CUT
        self._flowing.clear()
        self._close_server()
        self._reset_connections()

    async def black_hole(self) -> None:
        """Let nothing flow any more, in open connections and in new ones, until `heal`."""
        self.state = LineState.BLACK_HOLE
        self._flowing.clear()
        if self._server is None and self._reservation is not None:
            await self._listen()

    async def heal(self) -> None:
        """Accept and pass on again; bytes held back by a black hole flow on."""
        self.state = LineState.UP
        if self._server is None and self._reservation is not None:
            await self._listen()
        self._flowing.set()

    async def _listen(self) -> None:
        listener = _bound_socket(self.host, self.port)
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=_CHUNK_BYTES)

    def _close_server(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _reset_connections(self) -> None:
        for connection, serving in self._connections.items():
            connection.reset()
            serving.cancel()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(reader, writer)
        if self.state is LineState.CUT:
            connection.reset()
            return
        # A task of its own: asyncio's streams take a cancelled connection callback for a fault and complain.
        serving = self._connections[connection] = asyncio.create_task(self._serve(connection), name="line")
        try:
            await asyncio.wait([serving])
            if serving.cancelled() or serving.exception() is not None:
                # A reset on either side, or a target that refuses: the other side learns it the same way.
                connection.reset()
        finally:
            connection.close()
            del self._connections[connection]

    async def _serve(self, connection: _Connection) -> None:
        await self._flowing.wait()
        target_reader, target = await asyncio.open_connection(self.target_host, self.target_port, limit=_CHUNK_BYTES)
        connection.target = target
        for writer in (connection.writer, target):
            peer: socket.socket = writer.get_extra_info("socket")
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pump(connection.reader, target, self._up))
            group.create_task(self._pump(target_reader, connection.writer, self._down))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: _Direction) -> None:
        """Carry one direction until its end of file, which is handed on as a half-close."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_QUEUED_CHUNKS)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read(reader, queue, direction))
            group.create_task(self._deliver(queue, writer, direction))

    async def _read(
        self, reader: asyncio.StreamReader, queue: asyncio.Queue[tuple[float, bytes]], direction: _Direction
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            chunk = await reader.read(_CHUNK_BYTES)
            due = loop.time()
            if self.bandwidth_bps is not None:
                due = direction.lane.free_at = max(due, direction.lane.free_at) + len(chunk) * 8 / self.bandwidth_bps
            await queue.put((due + self.delay_seconds, chunk))
            if not chunk:
                return

    async def _deliver(
        self, queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter, direction: _Direction
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, chunk = await queue.get()
            if (wait := due - loop.time()) > 0:
                await asyncio.sleep(wait)
            await self._flowing.wait()
            if not chunk:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            writer.write(chunk)
            direction.bytes_total += len(chunk)
            await writer.drain()


def _bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket bound to the port, which others of this user may share: so a cut line keeps its port.

    Sharing is allowed only once it is bound, else the kernel might choose a port that another line has.
    """
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if port:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.setblocking(False)
    bound.bind((host, port))
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return bound


async def _run_alone(target: str, listen_port: int) -> None:
    host, _, port = target.rpartition(":")
    line = LineProxy(host, int(port), listen_port=listen_port)
    await line.start()
    commands = {"cut": line.cut, "black-hole": line.black_hole, "heal": line.heal}
    _say({"listening": line.port})
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        while words := await reader.readline():
            command = words.decode().strip()
            if command not in commands:
                _say({"error": f"unknown command {command!r}; one of: {', '.join(commands)}"})
                continue
            await commands[command]()
            _say({"state": line.state.value})
    finally:
        await line.stop()


def _say(answer: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Run one line alone, driven by its standard input; the end of input ends it."""
    parser = argparse.ArgumentParser(prog="python -m ops.faults.line", description="A TCP line that can fail.")
    parser.add_argument("--target", required=True, metavar="HOST:PORT")
    parser.add_argument("--listen", type=int, default=0, metavar="PORT")
    arguments = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run_alone(arguments.target, arguments.listen))


if __name__ == "__main__":
    main()
