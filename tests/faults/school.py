"""A school beside the centre of the fault tests: API and services as processes, classes, agents that know their centre.

Every test takes fresh rooms and makes its own class in one, so that tests share the centre but not their pupils.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg

from cloud.desired.keys import open_key
from ops.embedded.process import free_port
from ops.faults.line import LineProxy
from tests.faults.harness import AgentProcess, Centre, Process, eventually, wait_for


class Services:
    """The API and the services process of a centre."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        folder = centre.home / "content"
        config = centre.home / "services.toml"
        config.write_text(
            centre.config.read_text("utf-8")
            + f"[api]\nport = {self.port}\n[content]\nfolder = '{folder}'\nfree_floor_bytes = 0\n",
            encoding="utf-8",
        )
        self._processes = [
            Process(["cloud", name, "--config", str(config)], centre.home / f"{name}.log")
            for name in ("services", "api")
        ]
        self.key = open_key(folder)

    def start(self) -> None:
        """Start both and return when the API answers."""
        for process in self._processes:
            process.start()
        wait_for(self._answers, f"the API answers: {self._processes[1].log}")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/v1/records/counts", timeout=10).is_success
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        """Stop both."""
        for process in self._processes:
            process.stop()

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return what the database says."""
        with psycopg.connect(self.centre.postgres.dsn, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            return [] if cursor.description is None else cursor.fetchall()

    def add_class(self, school_class: str, room: str, pupils: Sequence[str]) -> None:
        """Have a class of pupils learn in a room."""
        self.rows(
            "INSERT INTO classes (school_class, source_id, school, title, title_en, grade, classroom)"
            " VALUES (%s, %s, 's01', '三年级1班', '', '三年级', %s)",
            school_class, school_class, room,
        )  # fmt: skip
        for number, pupil in enumerate(pupils, 1):
            self.rows("INSERT INTO people (person, kind, source_id, name) VALUES (%s, 'pupil', %s, '')", pupil, pupil)
            self.enrol(school_class, pupil, number)
        self.tell_roster()

    def tell_roster(self) -> None:
        """Say, as an import does, that rosters may be others now."""
        self.rows("SELECT pg_notify('bellwether_desired', 'roster')")

    def enrol(self, school_class: str, pupil: str, number: int) -> None:
        """Have a pupil learn in a class."""
        self.rows(
            "INSERT INTO enrolments (school_class, person, role, number) VALUES (%s, %s, 'pupil', %s)",
            school_class, pupil, number,
        )  # fmt: skip

    def add_lesson(self, lesson: str, school_class: str, minutes: tuple[int, int] = (-10, 40)) -> None:
        """Put a lesson into the timetable, from and to so many minutes from now."""
        self.rows(
            "INSERT INTO lessons (lesson, school, school_class, topic, day, period, starts_at, ends_at, exam)"
            " SELECT %s, 's01', %s, '数学', current_date, 1, now() + %s * interval '1 minute',"
            " now() + %s * interval '1 minute', false",
            lesson, school_class, *minutes,
        )  # fmt: skip

    async def push(self, api: httpx.AsyncClient, blob: bytes, school_class: str) -> str:
        """Have a class need a file; return its SHA-256."""
        sha256 = hashlib.sha256(blob).hexdigest()
        (await api.put(f"/api/v1/content/blobs/{sha256}", content=blob)).raise_for_status()
        body = {
            "title": sha256[:8],
            "audience": [f"class:{school_class}"],
            "resources": [{"sha256": sha256, "title": "film"}],
        }
        (await api.post("/api/v1/content/manifests", json=body)).raise_for_status()
        return sha256


@dataclass(frozen=True, slots=True)
class Line:
    """A school's line: its MQTT and its HTTP on one wire, cut and healed together."""

    mqtt: LineProxy
    http: LineProxy

    async def cut(self) -> None:
        """Cut it."""
        for proxy in (self.mqtt, self.http):
            await proxy.cut()

    async def heal(self) -> None:
        """Mend it."""
        for proxy in (self.mqtt, self.http):
            await proxy.heal()

    def narrow(self, bandwidth_bps: int | None) -> None:
        """Let only so much pass, each way; None for no limit."""
        for proxy in (self.mqtt, self.http):
            proxy.bandwidth_bps = bandwidth_bps


@asynccontextmanager
async def line_to(services: Services) -> AsyncIterator[Line]:
    """Lay a line to the centre."""
    line = Line(
        LineProxy(services.centre.broker.host, services.centre.broker.port), LineProxy("127.0.0.1", services.port)
    )
    line.http.share_bandwidth(line.mqtt)
    for proxy in (line.mqtt, line.http):
        await proxy.start()
    try:
        yield line
    finally:
        for proxy in (line.mqtt, line.http):
            await proxy.stop()


class Room:
    """A real classroom agent behind a line, with a client on its network."""

    def __init__(self, services: Services, line: Line, folder: Path, agent: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = AgentProcess(folder, agent, line.mqtt.port, lan_port=port)
        with self.process.config.open("a", encoding="utf-8") as config:
            config.write(
                f'[centre]\nurl = "http://127.0.0.1:{line.http.port}"\ntoken = "{services.key.agent_token(agent)}"\n'
                f'public_key = "{services.key.public_text}"\n[content]\nfloor_bytes = 0\n'
            )
        self.lan = httpx.AsyncClient(base_url=self.url, timeout=60, limits=httpx.Limits(max_connections=None))

    async def start(self) -> None:
        """Start the agent and return when it serves its network."""
        self.process.start()
        await eventually(self._serves, f"{self.process.agent} serves: {self.process.log[-2000:]}")

    def _serves(self) -> bool:
        assert self.process.running, self.process.log[-3000:]
        try:
            return httpx.get(f"{self.url}/v1/health", timeout=10).is_success
        except httpx.TransportError:
            return False

    async def answers(self, path: str, **query: Any) -> Any:
        """Return what a GET says as JSON, or None when it is not 200."""
        answer = await self.lan.get(path, params=query)
        return answer.json() if answer.is_success else None

    async def blob(self, sha256: str) -> bytes | None:
        """Return a file from the agent; None while it has not got it whole."""
        answer = await self.lan.get(f"/v1/blobs/{sha256}")
        return answer.content if answer.is_success else None


@asynccontextmanager
async def room_at(services: Services, line: Line, folder: Path, agent: str) -> AsyncIterator[Room]:
    """Make a room's agent, which the test starts, and stop it in the end."""
    room = Room(services, line, folder, agent)
    try:
        yield room
    finally:
        await asyncio.to_thread(room.process.stop)
        await room.lan.aclose()


def film(size_bytes: int, seed: int) -> bytes:
    """Return bytes that nothing can shorten."""
    return random.Random(seed).randbytes(size_bytes)
