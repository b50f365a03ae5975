"""A small district for fault tests: real database, real broker, real ingest, real agent processes, real lines.

Everything can be killed with SIGKILL and started again. Each test closes the books with the command an operator would
use, `bellwether ledger --json --spools`, which compares every spool with the database, item by item and row by row.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.embedded import EmbeddedMosquitto, EmbeddedPostgres
from ops.embedded.mosquitto import CLOUD_USER
from ops.simulator.district_folder import write
from ops.simulator.records import Agent, Classroom, Device, District, Link, Port, School, Terminal

AGENTS = 40
"""Agents in the inventory; every test takes fresh ones, so that tests share the centre but not their books."""
WAIT_SECONDS = 300.0
COMMAND = [sys.executable, "-m", "ops.cli.main"]


def small_district() -> District:
    """Return one school with a gateway and many classrooms."""
    rooms = [f"s01-c{number:02d}" for number in range(1, AGENTS + 1)]
    return District(
        schools=[School("s01", "第一小学", "No. 1 Primary School", "primary", 30.0, 110.0)],
        classrooms=[Classroom(room, "s01", room, room, 40) for room in rooms],
        agents=[
            Agent("core", "core", "", ""),
            Agent("s01-gw", "gateway", "s01", ""),
            *(Agent(room, "classroom", "s01", room) for room in rooms),
        ],
        devices=[
            Device("dc-core1", "", "core", "core", "Huawei", "S12704", "10.0.0.1", "core", ""),
            Device("s01-rt1", "s01", "router", "router", "Huawei", "AR6140", "10.1.0.1", "s01-gw", "dc-core1"),
        ],
        links=[
            Link("s01-wan", "s01", "专线", "link", "甲", 1_000_000_000, "s01-rt1", "GE0/0/0", "dc-core1", "GE1/0/1")
        ],
        ports=[Port("s01-rt1", "GE0/0/0", "", 1_000_000_000), Port("dc-core1", "GE1/0/1", "", 1_000_000_000)],
        terminals=[Terminal("s01-c01-t01", "s01", "s01-c01", "student", "s01-c01", "tablet-10")],
    )


def wait_for(condition: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Return when something is so; fail with words when it never is."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"did not happen in {seconds:.0f} s: {what}"
        time.sleep(0.1)


async def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait as `wait_for` does, off the loop, on which the test's line runs."""
    await asyncio.to_thread(wait_for, condition, what)


@dataclass(frozen=True, slots=True)
class Tally:
    """A spool's books over all its epochs, in items."""

    produced: int
    confirmed: int
    thinned: int

    @property
    def open(self) -> int:
        """Items that are not settled."""
        return self.produced - self.confirmed - self.thinned


def tally(spool: Path) -> Tally:
    """Read a spool's books while its agent runs or not."""
    if not spool.is_file():
        return Tally(0, 0, 0)
    with closing(sqlite3.connect(f"{spool.as_uri()}?mode=ro", uri=True, timeout=60)) as db:
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'epochs'").fetchone() is None:
            return Tally(0, 0, 0)  # the agent is just making it
        row = db.execute("SELECT sum(produced_items), sum(confirmed_items), sum(thinned_items) FROM epochs").fetchone()
    return Tally(*(items or 0 for items in row))


class Process:
    """A `bellwether` command that runs until it is told otherwise."""

    def __init__(self, arguments: list[str], log_path: Path) -> None:
        self._arguments = arguments
        self.log_path = log_path
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether it is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What it has said so far."""
        return self.log_path.read_text("utf-8", "replace")

    def start(self) -> None:
        """Start it."""
        assert not self.running
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [*COMMAND, *self._arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(60)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL to what does not hear it."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(60)


class AgentProcess(Process):
    """A real agent that measures its host and a check once a second and seals every second."""

    def __init__(
        self, folder: Path, agent: str, port: int, *, data_name: str = "", lan_port: int | None = None
    ) -> None:
        self.agent = agent
        self.folder = folder / (data_name or agent)
        self.folder.mkdir(parents=True)
        self.config = self.folder / "agent.toml"
        role = "gateway" if agent.endswith("-gw") else "classroom"
        self.config.write_text(
            f"""
[agent]
id = "{agent}"
role = "{role}"
data_dir = '{self.folder}'
[uplink]
host = "127.0.0.1"
port = {port}
keepalive_seconds = 5
reconnect_max_seconds = 2
[spool]
seal_seconds = 1
[host]
interval_seconds = 1
[[probes]]
kind = "tcp"
name = "broker"
address = "127.0.0.1"
port = {port}
interval_seconds = 1
"""
            + ("" if lan_port is None else f'[lan]\nlisten = "127.0.0.1:{lan_port}"\nmdns = false\n'),
            encoding="utf-8",
        )
        super().__init__(["agent", "run", "--config", str(self.config)], self.folder / "log")

    @property
    def tally(self) -> Tally:
        """Its books."""
        return tally(self.folder / "spool.db")


class Centre:
    """Database, broker and one ingest worker, each of which can be killed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.postgres = EmbeddedPostgres(home)
        self.broker = EmbeddedMosquitto(home)
        self.config = home / "cloud.toml"
        self.ingest = Process(["cloud", "ingest", "--config", str(self.config)], home / "ingest.log")

    def start(self) -> None:
        """Start everything and import the small district."""
        self.postgres.start()
        self.broker.start()
        self.config.write_text(
            f'[database]\ndsn = "{self.postgres.dsn}"\n'
            f'[broker]\nhost = "127.0.0.1"\nport = {self.broker.port}\nusername = "{CLOUD_USER}"\n',
            encoding="utf-8",
        )
        write(small_district(), self.home / "district")
        self.command("cloud", "migrate", "--config", str(self.config))
        self.command("inventory", "import", str(self.home / "district"), "--config", str(self.config))
        self.ingest.start()

    def stop(self) -> None:
        """Stop everything."""
        self.ingest.stop()
        self.broker.stop()
        self.postgres.stop()

    def command(self, *arguments: str) -> str:
        """Run a command to its end and return what it printed; fail with its words if it failed."""
        done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, f"bellwether {' '.join(arguments)}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def close_books(self, *agents: AgentProcess | Path) -> dict[str, Any]:
        """Close the books against the spools of these agents; nothing may be lost or doubled. Returns the report."""
        folders = [agent.folder if isinstance(agent, AgentProcess) else agent for agent in agents]
        common = Path(os.path.commonpath([*folders, *folders]))
        report: dict[str, Any] = json.loads(
            self.command("ledger", "--json", "--config", str(self.config), "--spools", str(common))
        )
        lines = [line for line in report["lines"] if line["exact"]]
        assert {line["agent"] for line in lines} >= {folder.name.partition("@")[0] for folder in folders}
        assert report["total"]["lost"] == 0, report
        assert report["total"]["duplicated"] == 0, report
        assert report["row_differences"] == [], report
        return report
