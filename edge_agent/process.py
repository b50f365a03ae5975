"""One agent as a process of its own: logs, signals, the service manager, and a socket that tells its status.

SIGTERM and SIGINT stop it cleanly; what is not on its way by then waits on disk. Any other death is survived by the
spool. Nothing here knows what the agent measures.

The status socket lies in the data folder and answers every connection with one JSON document, so that
`bellwether agent status` works without the LAN API and without its token. It is reached through the folder's
descriptor, because a socket's path may have only 107 bytes (unix(7)).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import structlog

from edge_agent.agent import Agent
from edge_agent.health import AgentStatus

STATUS_SOCKET = "status.sock"
ENOUGH_DESCRIPTORS = 8192
STOP_SECONDS = 9.0
"""A stop that takes longer is given up: everything that matters is on disk by then, and systemd's patience ends."""


def configure_logging(level: str = "INFO") -> None:
    """Log to stderr: for people on a terminal, one JSON object per line otherwise."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    on_terminal = sys.stderr.isatty()
    render: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if on_terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    number = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries log through the standard library; warnings and worse of theirs are worth a line of ours.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)


async def run(agent: Agent) -> None:
    """Run an agent until a signal asks it to stop.

    Raises:
        EdgeError: it could not start.
    """
    loop = asyncio.get_running_loop()
    asked: asyncio.Future[str] = loop.create_future()

    def ask(name: str) -> None:
        if asked.done():
            # A second signal means it: the spool is safe at any moment.
            os._exit(1)
        asked.set_result(name)

    _allow_many_connections()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ask, number.name)
    log = structlog.get_logger("agent").bind(agent=agent.id)
    await agent.start()
    server = await _serve_status(agent)
    watchdog = loop.create_task(_feed_watchdog(), name="watchdog")
    notify_service_manager("READY=1")
    try:
        reason = await asked
        notify_service_manager("STOPPING=1")
        log.info("agent_stopping", signal=reason)
    finally:
        watchdog.cancel()
        if server is not None:
            server.close()
            with contextlib.suppress(OSError):
                (agent.config.agent.data_dir / STATUS_SOCKET).unlink()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await agent.stop()
        except TimeoutError:
            log.warning("agent_stop_cut_short", after_seconds=STOP_SECONDS)


def _allow_many_connections() -> None:
    """Use the descriptors that this process may have: the customary 1024 are few beside 700 terminals."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH_DESCRIPTORS if most == resource.RLIM_INFINITY else min(most, ENOUGH_DESCRIPTORS)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def notify_service_manager(state: str) -> None:
    """Tell systemd, if it asked to be told (sd_notify(3)); a manager that does not listen is no fault."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to_manager:
        to_manager.connect("\0" + address[1:] if address.startswith("@") else address)
        to_manager.sendall(state.encode())


def read_status(data_dir: Path, timeout_seconds: float = 5.0) -> AgentStatus:
    """Ask the agent that runs on this machine with this data folder how it is.

    Raises:
        OSError: none runs there, or it does not answer.
    """
    with _folder(data_dir) as short, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(timeout_seconds)
        asking.connect(f"{short}/{STATUS_SOCKET}")
        parts = []
        while part := asking.recv(65_536):
            parts.append(part)
    return msgspec.json.decode(b"".join(parts), type=AgentStatus)


async def _serve_status(agent: Agent) -> asyncio.Server | None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(msgspec.json.encode(await agent.status()))
            await writer.drain()
        finally:
            writer.close()

    folder = agent.config.agent.data_dir
    try:
        # Ours to remove: the spool's lock says that no other process has this folder.
        (folder / STATUS_SOCKET).unlink(missing_ok=True)
        with _folder(folder) as short:
            server = await asyncio.start_unix_server(answer, f"{short}/{STATUS_SOCKET}")
        (folder / STATUS_SOCKET).chmod(0o660)
    except OSError as error:
        structlog.get_logger("agent").warning("status_socket_unavailable", folder=str(folder), reason=str(error))
        return None
    return server


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[str]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


async def _feed_watchdog() -> None:
    """Tell systemd at half its patience that the event loop still turns."""
    patience_us = os.environ.get("WATCHDOG_USEC", "")
    if not patience_us.isdecimal():
        return
    while True:
        notify_service_manager("WATCHDOG=1")
        await asyncio.sleep(int(patience_us) / 2_000_000)
