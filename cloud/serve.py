"""All of the centre in one: ingest workers, the services and the API as child processes, restarted when they die.

A child that dies is started again after a back-off that grows while it keeps dying and is forgotten once it has lived
for a minute. On SIGTERM the children get SIGTERM, then time to end in order, then SIGKILL. The supervisor does no
work of its own, so nothing of the children's load can keep it from restarting them.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

FIRST_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 15.0
STEADY_SECONDS = 60.0
STOP_SECONDS = 10.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ChildProcess:
    """A process to keep running: its name in the log and its command line."""

    name: str
    command: tuple[str, ...]


def backoff_seconds(deaths: int) -> float:
    """Return how long to wait after so many deaths in a row. Pure."""
    return float(min(FIRST_BACKOFF_SECONDS * 2.0 ** min(max(deaths - 1, 0), 10), MAX_BACKOFF_SECONDS))


async def supervise(children: Sequence[ChildProcess]) -> None:
    """Keep the children running until cancelled; then stop them all and return."""
    async with asyncio.TaskGroup() as tasks:
        for child in children:
            tasks.create_task(_keep_running(child))


async def _keep_running(child: ChildProcess) -> None:
    deaths = 0
    while True:
        started = time.monotonic()
        process = await asyncio.create_subprocess_exec(*child.command, stdin=asyncio.subprocess.DEVNULL)
        _log.info("child_started", child=child.name, pid=process.pid)
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await _stop(child, process)
            raise
        deaths = 1 if time.monotonic() - started > STEADY_SECONDS else deaths + 1
        wait_seconds = backoff_seconds(deaths)
        _log.error("child_died", child=child.name, pid=process.pid, exit_code=code, restart_seconds=wait_seconds)
        await asyncio.sleep(wait_seconds)


async def _stop(child: ChildProcess, process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        _log.warning("child_killed", child=child.name, pid=process.pid)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    _log.info("child_stopped", child=child.name, exit_code=process.returncode)
