"""Ingest killed, database restarted, several workers at once: the books close every time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from cloud.db import migrate
from cloud.fleet.books import read_ledger
from ops.embedded import EmbeddedMosquitto, EmbeddedPostgres
from protocols.samples import Sample, TerminalSample
from tests.cloud.ingest.conftest import AGENTS, SCHOOLS
from tests.cloud.ingest.publisher import Publisher, now_ms

pytestmark = [pytest.mark.db, pytest.mark.broker, pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(1800)]

SEGMENTS = 60
ROWS = 50
WAIT_SECONDS = 400.0


def terminals(agent: str, round_number: int) -> list[Sample]:
    at = now_ms() - 3_600_000 + round_number * 1_000
    return [
        TerminalSample(thing=f"{agent}-t{n:03d}", observed_at_ms=at, monotonic_ms=at % 10**9, present=True)
        for n in range(ROWS)
    ]


@contextmanager
def ingest_process(dsn: str, broker: EmbeddedMosquitto) -> Iterator[subprocess.Popen[bytes]]:
    variables = {
        **os.environ,
        "BELLWETHER_DSN": dsn,
        "BELLWETHER_BROKER_HOST": broker.host,
        "BELLWETHER_BROKER_PORT": str(broker.port),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "ops.cli.main", "cloud", "ingest", "--log-level", "ERROR"], env=variables
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(120)


def deliver(agents: list[Publisher], seconds: float = WAIT_SECONDS) -> None:
    """Send what is held again and again, as agents do after a time-out, until everything has its receipt."""
    deadline = time.monotonic() + seconds
    while any(agent.held for agent in agents):
        assert time.monotonic() < deadline, f"held: {[len(agent.held) for agent in agents]}"
        for agent in agents:
            agent.publish_held()
        time.sleep(1)


def wait_for_rows(dsn: str, count: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    with psycopg.connect(dsn, autocommit=True) as connection:
        while connection.execute("SELECT count(*) >= %s FROM terminal_samples", [count]).fetchone() != (True,):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def seed(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(SCHOOLS)
        connection.execute(AGENTS)


def connect(broker: EmbeddedMosquitto, count: int) -> list[Publisher]:
    return [Publisher(f"s01-a{n}", broker.host, broker.port).connect() for n in range(1, count + 1)]


def assert_books_close(dsn: str, agents: list[Publisher]) -> None:
    report = read_ledger(dsn)
    produced = sum(agent.books.produced for agent in agents)
    assert sum(agent.books.confirmed for agent in agents) == produced
    total = report.total
    assert (total.stored, total.lost, total.duplicated, total.quarantined) == (produced, 0, 0, 0)
    assert report.row_differences == ()


def test_ingest_killed_in_the_middle_of_batches_loses_and_doubles_nothing(
    database: str, mosquitto: EmbeddedMosquitto
) -> None:
    seed(database)
    agents = connect(mosquitto, 3)
    for agent in agents:
        for number in range(SEGMENTS):
            agent.seal(terminals(agent.agent, number))
    confirmed = 0
    for new_rows in (1, ROWS * 5, ROWS * 10):
        with ingest_process(database, mosquitto) as process:
            sender = threading.Thread(target=deliver, args=(agents,), daemon=True)
            sender.start()
            wait_for_rows(database, confirmed + new_rows)
            os.kill(process.pid, signal.SIGKILL)
            process.wait(120)
            with ingest_process(database, mosquitto):
                sender.join(WAIT_SECONDS)
                assert not sender.is_alive()
        confirmed = sum(agent.books.confirmed for agent in agents)
        for agent in agents:
            for number in range(10):
                agent.seal(terminals(agent.agent, 100 + number))
    with ingest_process(database, mosquitto):
        deliver(agents)
    for agent in agents:
        agent.disconnect()
    assert_books_close(database, agents)


def test_a_database_that_crashes_and_comes_back_is_waited_for(own_home: Path, mosquitto: EmbeddedMosquitto) -> None:
    with EmbeddedPostgres(own_home) as server:
        migrate(server.dsn)
        seed(server.dsn)
        agents = connect(mosquitto, 3)
        for agent in agents:
            for number in range(SEGMENTS):
                agent.seal(terminals(agent.agent, number))
        with ingest_process(server.dsn, mosquitto) as process:
            sender = threading.Thread(target=deliver, args=(agents,), daemon=True)
            sender.start()
            wait_for_rows(server.dsn, 1)
            server.kill()
            for agent in agents:
                for number in range(10):
                    agent.seal(terminals(agent.agent, 100 + number))
            server.start()
            sender.join(WAIT_SECONDS)
            deliver(agents)
            assert process.poll() is None, "ingest outlives its database"
        for agent in agents:
            agent.disconnect()
        assert_books_close(server.dsn, agents)


def test_three_workers_at_once_store_everything_once(database: str, mosquitto: EmbeddedMosquitto) -> None:
    seed(database)
    agents = connect(mosquitto, 6)
    for agent in agents:
        for number in range(SEGMENTS):
            agent.seal(terminals("s01", number))  # all report the same terminals: current values meet in every worker
    with (
        ingest_process(database, mosquitto),
        ingest_process(database, mosquitto),
        ingest_process(database, mosquitto),
    ):
        for agent in agents:
            for segment, _ in list(agent.held.values()):
                agent.publish(segment, segment)
        deliver(agents)
    for agent in agents:
        agent.disconnect()
    assert_books_close(database, agents)
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM terminal_current").fetchone() == (ROWS,)


def test_a_killed_broker_that_forgets_everything_loses_nothing(database: str, mosquitto: EmbeddedMosquitto) -> None:
    seed(database)
    agents = connect(mosquitto, 3)
    for agent in agents:
        for number in range(SEGMENTS):
            agent.seal(terminals(agent.agent, number))
    with ingest_process(database, mosquitto):
        sender = threading.Thread(target=deliver, args=(agents,), daemon=True)
        sender.start()
        wait_for_rows(database, 1)
        mosquitto.kill()
        for agent in agents:
            for number in range(10):
                agent.seal(terminals(agent.agent, 100 + number))
        mosquitto.start()
        sender.join(WAIT_SECONDS)
        deliver(agents)
    for agent in agents:
        agent.disconnect()
    assert_books_close(database, agents)
