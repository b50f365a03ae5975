"""A centre of its own for the browser tests: broker, ingest and API as processes, so that the API can be taken away.

The district is the simulator's, imported through the command line; the agents are the simulator's 698 real ones. What
goes wrong with the links is written here as a scenario, so that each test knows which link shows what.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from ops.embedded.mosquitto import CLOUD_USER
from ops.embedded.process import free_port

CUT = "s07-wan"
"""Cut soon after the start and never healed: down, its agents unreachable, a gap at the school's end."""
LOSSY = "s12-wan"
"""Loses a third of its packets."""
RESTLESS = "s24-wan"
"""Degraded and healed over and over, for the test that watches a cell change; cut so often it would be flapping."""
FLAPPING = "s31-wan"
"""Cut and healed over and over: its school tells of every time, its status is settled as flapping."""

_STARTED_WITHIN_SECONDS = 240
_RESTLESS_EVERY_SECONDS = 40
_FLAPPING_EVERY_SECONDS = 25


class Centre:
    """Ingest, API and, when asked for, the simulated district, in one folder."""

    def __init__(self, folder: Path, dsn: str, broker_port: int) -> None:
        self.folder = folder
        self.port = free_port()
        self.dsn = dsn
        self.url = f"http://127.0.0.1:{self.port}"
        self.broker_port = broker_port
        self._environment = {**os.environ, "BELLWETHER_DSN": dsn, "BELLWETHER_HOME": str(folder), "PYTHONUTF8": "1"}
        self._config = folder / "cloud.toml"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._config.write_text(
            f'[broker]\nhost = "127.0.0.1"\nport = {broker_port}\nusername = "{CLOUD_USER}"\n\n'
            f'[api]\nhost = "127.0.0.1"\nport = {self.port}\n\n'
            f'[content]\nfolder = "{folder / "content"}"\nfree_floor_bytes = 0\n',
            encoding="utf-8",
        )

    def start_ingest(self) -> None:
        """Start one ingest worker."""
        self._start("ingest", "cloud", "ingest", "--config", str(self._config))

    def start_services(self) -> None:
        """Start the services, which make the documents of agents."""
        self._start("services", "cloud", "services", "--config", str(self._config))

    def start_api(self) -> None:
        """Start the API on the centre's port and wait until it answers."""
        self._start("api", "cloud", "api", "--config", str(self._config))
        wait_until(lambda: _answers(f"{self.url}/healthz"), "the API answers")

    def stop_api(self) -> None:
        """Take the API away at once, as a crash does."""
        process = self._processes.pop("api")
        process.kill()
        process.wait()

    def start_district(self, scenario: Path) -> None:
        """Write and import the district, then run its agents."""
        self._run("sim", "district", str(self.folder / "district"))
        self._run("inventory", "import", str(self.folder / "district"))
        self._start(
            "district", "sim", "run", "--home", str(self.folder), "--broker", f"127.0.0.1:{self.broker_port}",
            "--scenario", str(scenario), "--start-seconds", "8", "--no-real-school",
        )  # fmt: skip

    def read(self, path: str) -> dict[str, object]:
        """Return a document of the API."""
        answer = httpx.get(f"{self.url}/api/v1/{path}", timeout=120)
        answer.raise_for_status()
        document: dict[str, object] = answer.json()
        return document

    def check(self) -> None:
        """Fail with the last words of a process that has ended by itself."""
        for name, process in self._processes.items():
            words = (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")[-2000:]
            assert process.poll() is None, f"{name} ended with {process.returncode}: {words}"

    def stop(self) -> None:
        """Stop everything, the district first."""
        for name in ("district", "api", "services", "ingest"):
            process = self._processes.pop(name, None)
            if process is None:
                continue
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _run(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "ops.cli.main", *arguments]
        done = subprocess.run(command, env=self._environment, capture_output=True, check=False, timeout=600)
        assert done.returncode == 0, f"bellwether {' '.join(arguments)}: {done.stderr.decode(errors='replace')}"

    def _start(self, name: str, *arguments: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", "ops.cli.main", *arguments],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )


def write_scenario(path: Path, cut_at_seconds: float) -> Path:
    """Write what happens to the links above; the rest of the district is well."""
    steps: list[tuple[float, str, str]] = [(cut_at_seconds, "cut", CUT), (15, "degrade", LOSSY)]
    steps += [
        (40 + number * _RESTLESS_EVERY_SECONDS, "heal" if number % 2 else "degrade", RESTLESS) for number in range(400)
    ]
    steps += [
        (40 + number * _FLAPPING_EVERY_SECONDS, "heal" if number % 2 else "cut", FLAPPING) for number in range(400)
    ]
    blocks = []
    for at_seconds, action, link in sorted(steps):
        extra = "loss_ratio = 0.3\n" if action == "degrade" else ""
        blocks.append(
            f'[[steps]]\nat_seconds = {at_seconds}\naction = "{action}"\nlinks = ["{link}"]\n{extra}'
            f'say = "{action} {link}"\nsay_zh = "{action} {link}"\n'
        )
    head = f'summary = {json.dumps("for the browser tests")}\nsummary_zh = "浏览器测试"\nschool_clock = "09:14"\n'
    path.write_text("\n".join([head, *blocks]), encoding="utf-8")
    return path


def wait_until(holds: Callable[[], bool], what: str, within_seconds: float = _STARTED_WITHIN_SECONDS) -> None:
    """Look again and again until it holds; a deadline, not a pause."""
    deadline = time.monotonic() + within_seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {within_seconds:.0f} s: {what}"
        time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=30).status_code == 200
    except httpx.TransportError:
        return False
