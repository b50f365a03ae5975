"""Serves the LAN API on the agent's own event loop, and keeps trying when its port is taken.

The agent measures and sends whether or not the school's network can be served, so a port that cannot be had is a fault
to show and to try again, no reason to die.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import structlog
import uvicorn
from starlette.types import ASGIApp

from edge_agent.lan.connection import BoundedConnection

RETRY_SECONDS = 30.0
KEEP_ALIVE_SECONDS = 75
"""Longer than two check-in intervals, so that a terminal keeps its connection."""
MAX_CONNECTIONS = 4096
BACKLOG = 512
STOP_SECONDS = 2


class _Server(uvicorn.Server):
    """Uvicorn without its hold on the process: signals belong to whoever runs the agent."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


class LanServer:
    """One agent's HTTP server. `port` is the real one, also when 0 was asked for."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._app = app
        self._host = host
        self.port = port
        self.fault = ""
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("lan")

    async def start(self) -> None:
        """Begin to listen; when the address cannot be had, say so in `fault` and go on trying."""
        listener = self._listen()
        self._serving = asyncio.get_running_loop().create_task(self._serve(listener), name=f"lan {self.port}")

    async def stop(self) -> None:
        """Answer what is being asked, then close."""
        serving, self._serving = self._serving, None
        if serving is None:
            return
        if self._server is not None and self._server.started:
            self._server.should_exit = True
            await asyncio.wait([serving], timeout=STOP_SECONDS + 1)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    async def _serve(self, listener: socket.socket | None) -> None:
        while listener is None:
            await asyncio.sleep(RETRY_SECONDS)
            listener = self._listen()
        config = uvicorn.Config(
            self._app,
            http=BoundedConnection,
            log_config=None,
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            ws="none",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
            limit_concurrency=MAX_CONNECTIONS,
        )
        self._server = _Server(config)
        with listener:
            await self._server.serve(sockets=[listener])

    def _listen(self) -> socket.socket | None:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        # With the protocol named, asyncio switches Nagle's algorithm off on what is accepted here; without, every
        # answer that has a body waits for the client's delayed ACK, 40 ms.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self._host, self.port))
            listener.listen(BACKLOG)
        except OSError as error:
            listener.close()
            fault = f"the LAN API cannot listen on {self._host}:{self.port} ({error.strerror})"
            if fault != self.fault:
                self._log.error("lan_not_listening", host=self._host, port=self.port, reason=error.strerror)
            self.fault = fault
            return None
        self.fault = ""
        self.port = listener.getsockname()[1]
        listener.setblocking(False)
        self._log.info("lan_listening", host=self._host, port=self.port)
        return listener
