"""A running ingest worker in a thread of its own, against the test's database and broker."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import psycopg
import pytest

from cloud.config import Broker, Database, Ingest, Settings
from cloud.ingest.worker import IngestWorker
from ops.embedded import EmbeddedMosquitto
from tests.cloud.ingest.publisher import Publisher

SCHOOLS = "INSERT INTO schools (school, position, name, name_en, stage) VALUES ('s01', 1, '第一小学', 'One', 'primary')"
AGENTS = """
INSERT INTO agents (agent, position, role, school)
SELECT 's01-a' || n, n, 'gateway', 's01'
FROM generate_series(1, 8) AS n
"""


@dataclass
class RunningWorker:
    """A worker in its thread."""

    worker: IngestWorker
    loop: asyncio.AbstractEventLoop
    task: asyncio.Task[None]
    thread: threading.Thread

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.task.cancel)
        self.thread.join(120)
        assert not self.thread.is_alive()


def settings(database: str, mosquitto: EmbeddedMosquitto) -> Settings:
    return Settings(
        database=Database(dsn=database),
        broker=Broker(host=mosquitto.host, port=mosquitto.port),
        ingest=Ingest(batch_milliseconds=20),
    )


def start_worker(chosen: Settings, *, leading: bool = True) -> RunningWorker:
    """Start a worker and wait until it receives, and by default until it keeps presence."""
    started: list[RunningWorker] = []
    ready = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_run(chosen, started, ready, leading)), name="ingest")
    thread.start()
    started_in_time = ready.wait(120)
    assert started_in_time, "the worker did not get ready"
    started[0].thread = thread
    return started[0]


async def _run(chosen: Settings, started: list[RunningWorker], ready: threading.Event, leading: bool) -> None:
    worker = IngestWorker(chosen)
    task = asyncio.ensure_future(worker.run())
    started.append(RunningWorker(worker, asyncio.get_running_loop(), task, threading.current_thread()))
    await worker.ready.wait()
    if leading:
        await worker.leading.wait()
    ready.set()
    await asyncio.wait([task])


@pytest.fixture
def inventory(database: str) -> str:
    """The DSN of a database that knows school s01 and its agents s01-a1 to s01-a8."""
    with psycopg.connect(database) as connection:
        connection.execute(SCHOOLS)
        connection.execute(AGENTS)
    return database


@pytest.fixture
def worker(inventory: str, mosquitto: EmbeddedMosquitto) -> Iterator[RunningWorker]:
    """A running worker."""
    running = start_worker(settings(inventory, mosquitto))
    yield running
    running.stop()


@pytest.fixture
def publisher(mosquitto: EmbeddedMosquitto) -> Iterator[Callable[..., Publisher]]:
    """Make connected publishers; they are disconnected at the end."""
    with ExitStack() as stack:

        def make(agent: str = "s01-a1", **changes: object) -> Publisher:
            made = Publisher(agent, mosquitto.host, mosquitto.port, **changes).connect()  # type: ignore[arg-type]
            stack.callback(made.disconnect)
            return made

        yield make


@pytest.fixture
def rows(inventory: str) -> Iterator[Callable[..., list[tuple[object, ...]]]]:
    """Ask the database."""
    with psycopg.connect(inventory, autocommit=True) as connection:
        yield lambda query, *values: connection.execute(query, values).fetchall()
