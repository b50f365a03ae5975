"""A process of the demo: started with its own log, watched, stopped politely and then not.

It runs in a session of its own, so that Ctrl-C in the terminal reaches the demo alone, which then stops its processes
in order.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ops.demo.home import Home
from ops.simulator.register import Running

STOP_SECONDS = 20.0


class Child:
    """One `bellwether` command running as a process; `start` may be called again after it ended."""

    def __init__(
        self, home: Home, name: str, arguments: Sequence[str], *, environment: Mapping[str, str] | None = None,
        talks: bool = False, stop_seconds: float = STOP_SECONDS,
    ) -> None:  # fmt: skip
        self.name = name
        self.starts = 0
        self._home = home
        self._arguments = arguments
        self._environment = {**os.environ, **(environment or {})}
        self._talks = talks
        self._stop_seconds = stop_seconds
        self._process: asyncio.subprocess.Process | None = None

    @property
    def log_path(self) -> Path:
        """Where its messages go."""
        return self._home.logs / f"{self.name}.log"

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self.running and self._process is not None else None

    @property
    def running(self) -> bool:
        """Whether it is alive."""
        return self._process is not None and self._process.returncode is None

    @property
    def exit_code(self) -> int | None:
        """How it ended, None while it runs."""
        return None if self._process is None else self._process.returncode

    async def start(self) -> None:
        """Start it and enter it in the home's register."""
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "ops.cli.main",
                *self._arguments,
                stdin=asyncio.subprocess.PIPE if self._talks else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if self._talks else log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
                limit=2**20,
            )
        self.starts += 1
        self._home.register(Running.of(self.name, self._process.pid))

    async def lines(self) -> str:
        """Return the next line it says, an empty text at its end. Only for a child that talks."""
        assert self._process is not None
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode()

    async def ended(self) -> None:
        """Return when it ended by itself."""
        assert self._process is not None
        await self._process.wait()
        self._home.forget(self.name)

    async def stop(self) -> None:
        """SIGTERM, wait, SIGKILL; returns when it is gone."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            self._send(signal.SIGTERM)
            try:
                async with asyncio.timeout(self._stop_seconds):
                    await process.wait()
            except TimeoutError:
                self._send(signal.SIGKILL)
                await process.wait()
        self._home.forget(self.name)

    def kill(self) -> None:
        """SIGKILL, as the kernel would in need."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    def last_words(self, count: int = 6) -> str:
        """Return the end of its log."""
        try:
            return "\n".join(self.log_path.read_text("utf-8", "replace").splitlines()[-count:])
        except OSError:
            return ""
