"""The centre of the demo: a private PostgreSQL, a private broker, the cloud; started in order, kept running, stopped.

Whatever dies of itself or by a scenario's hand is started again, as a supervisor would in production.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from ops.demo.child import Child
from ops.demo.figures import FigureReader
from ops.demo.home import Home
from ops.embedded import EmbeddedMosquitto, EmbeddedPostgres
from ops.embedded.mosquitto import CLOUD_USER
from ops.simulator.register import Running
from ops.simulator.roster_folder import ROSTER, TIMETABLE

WATCH_SECONDS = 0.5
READY_SECONDS = 90.0
CONTENT_FLOOR_BYTES = 256 * 2**20
"""The demo runs on laptops and in containers; the default is for a server."""


class DemoFailed(Exception):
    """The demo cannot go on; `hint` says where to look."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint


class Centre:
    """PostgreSQL, Mosquitto and `bellwether cloud serve` in one home."""

    def __init__(self, home: Home, port: int, say: Callable[[str], None]) -> None:
        self.home = home
        self.console = f"http://127.0.0.1:{port}"
        self._port = port
        self._say = say
        self.database = EmbeddedPostgres(home.folder)
        self.broker = EmbeddedMosquitto(home.folder)
        self._cloud: Child | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def start(self, prepare: Callable[[], object]) -> None:
        """Start everything; `prepare` runs once the database is migrated and before the cloud serves.

        Raises:
            EmbeddedServiceUnavailable: PostgreSQL or Mosquitto cannot be had here.
            DemoFailed: a command failed, or the cloud does not become ready.
        """
        self._say("starting a private PostgreSQL and a private MQTT broker on loopback")
        await asyncio.to_thread(self.database.start)
        await asyncio.to_thread(self.broker.start)
        self._enter_services()
        self._write_config()
        self._say("bringing the database's schema up to date")
        await self.command("migrate", "cloud", "migrate")
        await asyncio.to_thread(prepare)
        self._say("importing the district's inventory from its CSV files")
        await self.command("import", "inventory", "import", str(self.home.district))
        self._say("importing classes, pupils, teachers and the timetable")
        for name, verb in ((ROSTER, "import"), (TIMETABLE, "timetable")):
            await self.command("import", "roster", verb, str(self.home.folder / name), "--retire")
        self._say("importing the framework of indicators")
        await self.command("evaluation", "evaluation", "import", "--default")
        self._cloud = Child(
            self.home,
            "cloud",
            ["cloud", "serve", "--config", str(self.home.cloud_config)],
            environment=self.environment(),
        )
        self._say(f"starting the cloud; its console will be at {self.console}")
        await self._cloud.start()
        await self._wait_ready(self._cloud)
        self._watcher = asyncio.create_task(self._watch(), name="watch the centre")

    async def stop(self) -> None:
        """Stop everything, the database last."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        if self._cloud is not None:
            await self._cloud.stop()
        await asyncio.to_thread(self.broker.stop)
        await asyncio.to_thread(self.database.stop)

    def environment(self) -> dict[str, str]:
        """Return what commands need to find this centre."""
        # The console's port is in the config; the demo's own BELLWETHER_PORT must not outrank a port chosen instead.
        return {"BELLWETHER_DSN": self.database.dsn, "BELLWETHER_PORT": str(self._port)}

    async def command(self, name: str, *arguments: str) -> None:
        """Run a `bellwether` command to its end, its words in the log of that name.

        Raises:
            DemoFailed: it ended with another exit code than 0.
        """
        child = Child(self.home, name, arguments, environment=self.environment())
        await child.start()
        await child.ended()
        if child.exit_code != 0:
            raise DemoFailed(
                f"`bellwether {' '.join(arguments)}` failed:\n{child.last_words()}",
                f"the whole log is {child.log_path}",
            )

    def _enter_services(self) -> None:
        for name, pid in (("database", self.database.pid), ("broker", self.broker.pid)):
            if pid is not None:
                self.home.register(Running.of(name, pid))
        self.home.state.dsn = self.database.dsn
        self.home.state.broker_port = self.broker.port
        self.home.state.console = self.console
        self.home.write()

    def _write_config(self) -> None:
        descriptor = os.open(self.home.cloud_config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(
                "# Written by `bellwether demo` at every start.\n"
                f'[database]\ndsn = "{self.database.dsn}"\n\n'
                f'[broker]\nhost = "{self.broker.host}"\nport = {self.broker.port}\nusername = "{CLOUD_USER}"\n\n'
                f'[api]\nhost = "127.0.0.1"\nport = {self._port}\n\n'
                f'[content]\nfolder = "{self.home.content}"\nfree_floor_bytes = {CONTENT_FLOOR_BYTES}\n'
            )

    async def _wait_ready(self, cloud: Child) -> None:
        reader = FigureReader(self.console)
        try:
            async with asyncio.timeout(READY_SECONDS):
                while not await reader.ready():
                    if not cloud.running:
                        raise DemoFailed(f"the cloud does not start:\n{cloud.last_words()}", f"see {cloud.log_path}")
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise DemoFailed(
                f"the cloud is not ready after {READY_SECONDS:.0f} s: {reader.reason}", f"see {cloud.log_path}"
            ) from None
        finally:
            await reader.close()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            for name, service in (("database", self.database), ("broker", self.broker)):
                if service.pid is None:
                    self._say(f"the {name} died; starting it again")
                    await asyncio.to_thread(service.start)
                    self._enter_services()
            if self._cloud is not None and not self._cloud.running:
                self._say(f"the cloud ended with exit code {self._cloud.exit_code}; starting it again")
                await self._cloud.start()
                await asyncio.sleep(WATCH_SECONDS * min(20, self._cloud.starts))
