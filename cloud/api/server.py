"""Runs the API on its own socket, to be started and stopped by whoever composes the cloud.

Streams are ended before the server waits for its requests, because they would never end by themselves.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import structlog
import uvicorn

from cloud.api import console
from cloud.api.app import create_app
from cloud.config import Settings
from cloud.errors import CloudError

_GRACEFUL_SECONDS = 5
_log = structlog.get_logger(__name__)


class AddressInUse(CloudError):
    """Another program listens on the API's address."""

    hint = "Choose another [api] port or set BELLWETHER_PORT."


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, because the composing program has its own; it says when it serves."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.serving = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            self.serving.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


class ApiServer:
    """The API behind HTTP. `port` is the real one after `start`, also when the settings say 0."""

    def __init__(self, settings: Settings, *, console_dir: Path = console.DIST, evaluate: bool = True) -> None:
        self._settings = settings
        self.host = settings.api.host
        self.port = settings.api.port
        self.app = create_app(settings, console_dir=console_dir, evaluate=evaluate)
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host
        return f"http://{host}:{self.port}"

    async def start(self) -> None:
        """Bind and serve. Raises AddressInUse."""
        listener = _bind(self.host, self.port)
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self.app,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            timeout_graceful_shutdown=_GRACEFUL_SECONDS,
            timeout_keep_alive=30,
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="api-server")
        serving = asyncio.create_task(self._server.serving.wait())
        await asyncio.wait((serving, self._task), return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            serving.cancel()
            await self._task
            raise CloudError("the API did not start; its log says why")
        _log.info("api_listening", url=self.url)

    async def wait(self) -> None:
        """Return when the server has ended.

        Raises what ended a background task, if one did: a wall that stands still must not look alive, and whoever
        started this process starts it again.
        """
        if self._task is None:
            return
        server, background = self._task, self.app.state.rooms.tasks
        await asyncio.wait((server, *background), return_when=asyncio.FIRST_COMPLETED)
        for task in background:
            if task.done() and not task.cancelled():
                await task
        await server

    async def stop(self) -> None:
        """End the streams, answer what is under way, close."""
        if self._server is None or self._task is None:
            return
        await self.app.state.rooms.hub.stop()
        self._server.should_exit = True
        await self._task
        self._server, self._task = None, None


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit it; without it every small answer waits 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise AddressInUse(f"cannot listen on {host}:{port}: {error.strerror}") from error
    listener.set_inheritable(False)
    return listener
