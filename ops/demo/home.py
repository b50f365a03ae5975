"""Bellwether's home on this machine, and the register of what a demo started there.

Layout of `$BELLWETHER_HOME` (default `./var`)::

    postgres/ broker/     the embedded services' own folders
    district/             the CSV folder of the simulated district
    agents/<id>/          one spool per agent, and the config of those that are processes of their own
    logs/                 one log per process
    cloud.toml            the centre's config, 0600 (it holds the database's password)
    state.json            the demo and its processes, by pid and start time; addresses
    simulator.json        the processes that the simulator started
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from ops.simulator import register
from ops.simulator.register import Running, write_privately

STATE_FILE = "state.json"
SIMULATOR_FILE = "simulator.json"
ADOPTED = frozenset({"database", "broker"})
"""The embedded services deal with their own left-overs, PostgreSQL by going on with it."""


class DemoAlreadyRunning(Exception):
    """Another demo uses this home."""

    def __init__(self, home: Path, pid: int, console: str) -> None:
        super().__init__(f"a demo is already running in {home} (process {pid}); its console is at {console}")
        self.hint = "stop it with Ctrl-C where it runs, or set BELLWETHER_HOME to another folder"


class State(msgspec.Struct, kw_only=True):
    """What `state.json` holds while a demo runs, and after one was killed."""

    demo: Running | None = None
    console: str = ""
    dsn: str = ""
    broker_port: int = 0
    processes: list[Running] = []


class Home:
    """The folders of one home and its register."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.district = self.folder / "district"
        self.agents = self.folder / "agents"
        self.logs = self.folder / "logs"
        self.content = self.folder / "content"
        self.cloud_config = self.folder / "cloud.toml"
        self.state = State()

    @classmethod
    def from_environment(cls) -> Home:
        """Return the home that `BELLWETHER_HOME` names, `./var` without it."""
        return cls(Path(os.environ.get("BELLWETHER_HOME") or "var"))

    def claim(self) -> list[str]:
        """Make the folders and enter this process as the demo; return what a killed demo had left running, now ended.

        Raises:
            DemoAlreadyRunning: another one is alive here.
        """
        for folder in (self.folder, self.agents, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        before = read_state(self.folder)
        if before.demo is not None and before.demo.pid != os.getpid() and before.demo.process() is not None:
            raise DemoAlreadyRunning(self.folder, before.demo.pid, before.console)
        left_over = [running for running in before.processes if running.name not in ADOPTED]
        ended = register.end_all([*left_over, *register.read(self.folder / SIMULATOR_FILE)])
        self.state = State(demo=Running.of("demo", os.getpid()))
        self.write()
        return ended

    def register(self, running: Running) -> None:
        """Enter a process, replacing one of the same name."""
        self.forget(running.name)
        self.state.processes.append(running)
        self.write()

    def forget(self, name: str) -> None:
        """Take a process off the register."""
        self.state.processes = [running for running in self.state.processes if running.name != name]
        self.write()

    def end_simulated(self) -> list[str]:
        """End what is left of the processes that the simulator started; return their names."""
        return register.end_all(register.read(self.folder / SIMULATOR_FILE))

    def kill_everything(self) -> None:
        """SIGKILL to everything of this home but the caller; the next start recovers."""
        register.kill([*self.state.processes, *register.read(self.folder / SIMULATOR_FILE)])

    def release(self) -> None:
        """Say that nothing runs here any more."""
        self.state = State()
        self.write()

    def write(self) -> None:
        """Write the register; a reader never sees half of it."""
        write_privately(self.folder / STATE_FILE, msgspec.json.format(msgspec.json.encode(self.state)))


def read_state(folder: Path) -> State:
    """Return the register of a home; an empty one if there is none or it cannot be read."""
    try:
        return msgspec.json.decode((folder / STATE_FILE).read_bytes(), type=State)
    except (OSError, msgspec.DecodeError):
        return State()
