"""A server process: started by us, or found alive after whoever started it died.

It runs in a session of its own, so that Ctrl-C in a terminal reaches the demo only, which then stops its servers in
order. A pid alone proves nothing (pids are reused); a found process is held through psutil, which compares start times.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from ops.embedded.account import ServiceAccount, minimal_environment

POLL_SECONDS = 0.02
FIRST_FREE_PORT = 20_000
USUAL_FIRST_PORT_OF_THE_KERNEL = 32_768
FREE_PORT_TRIES = 50


class ServerProcess:
    """One running server."""

    def __init__(self, handle: psutil.Process | subprocess.Popen[bytes]) -> None:
        self._handle = handle
        self.pid: int = handle.pid

    @classmethod
    def spawn(
        cls,
        argv: Sequence[str],
        account: ServiceAccount,
        folder: Path,
        log_path: Path,
        environment: Mapping[str, str] | None = None,
    ) -> ServerProcess:
        """Start the server as `account` in `folder`; both its outputs go to the end of `log_path`."""
        with log_path.open("ab") as log:
            if account.switch:
                os.fchown(log.fileno(), account.uid, account.gid)
            handle = subprocess.Popen(
                list(argv),
                cwd=folder,
                env={**minimal_environment(), "HOME": str(folder), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=account.uid if account.switch else None,
                group=account.gid if account.switch else None,
                extra_groups=[] if account.switch else None,
            )
        return cls(handle)

    @classmethod
    def find(cls, pid: int, marker: str) -> ServerProcess | None:
        """Return the process `pid` if its command line contains `marker`, else None.

        The command line is what every process may read of another; root in a container may not read more of `nobody`'s.
        """
        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE or marker not in " ".join(process.cmdline()):
                return None
        except psutil.NoSuchProcess:
            return None
        return cls(process)

    @property
    def running(self) -> bool:
        """Whether the process is alive; a zombie is not."""
        if isinstance(self._handle, subprocess.Popen):
            return self._handle.poll() is None
        try:
            return self._handle.is_running() and self._handle.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens if the process is gone."""
        if self.running:
            with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
                self._handle.send_signal(number)

    def wait_gone(self, timeout_seconds: float) -> bool:
        """Return whether the process ended within the timeout."""
        return wait_until(lambda: not self.running, timeout_seconds)


def wait_until(condition: Callable[[], bool], timeout_seconds: float) -> bool:
    """Return whether the condition became true within the timeout; look again every `POLL_SECONDS`."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def port_is_free(port: int) -> bool:
    """Return whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a loopback port that nobody uses, and that the kernel gives to nobody who does not ask for it by number.

    A port of the kernel's own range may become another program's, or the source port of any connection, before the
    server has it or while the server is away for a restart.
    """
    for _ in range(FREE_PORT_TRIES):
        port = random.randrange(FIRST_FREE_PORT, _first_port_of_the_kernel())
        if _can_bind(port, kind):
            return port
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _can_bind(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(type=kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _first_port_of_the_kernel() -> int:
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        first = USUAL_FIRST_PORT_OF_THE_KERNEL
    return max(first, FIRST_FREE_PORT + 1)


def last_lines(log_path: Path, count: int = 8) -> str:
    """Return the end of a log, for the message of an error."""
    try:
        lines = log_path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-count:])
