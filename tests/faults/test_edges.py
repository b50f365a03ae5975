"""Faults of the agent's own machine: a clock that is hours wrong, a disk that is full. The books close all the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from edge_agent.agent import Agent
from edge_agent.clock import SystemClock
from edge_agent.config import AgentConfig, AgentSection, HostSection, SpoolSection, UplinkSection
from edge_agent.config.model import MEBIBYTE
from edge_agent.jobs import Drivers
from ops.faults.line import LineProxy
from protocols.samples import HostSample
from protocols.status import Role
from tests.faults.harness import WAIT_SECONDS, Centre

pytestmark = [pytest.mark.faults, pytest.mark.broker, pytest.mark.db, pytest.mark.timeout(1800)]

THREE_HOURS_MS = 3 * 3_600_000


class WrongClock(SystemClock):
    """A machine whose wall clock is three hours ahead; its time since boot is as true as anybody's."""

    def wall_ms(self) -> int:
        return super().wall_ms() + THREE_HOURS_MS


@asynccontextmanager
async def running(
    folder: Path, agent: str, port: int, drivers: Drivers | None = None, max_bytes: int = 64 * MEBIBYTE
) -> AsyncIterator[Agent]:
    """Run a real agent in this process."""
    config = AgentConfig(
        agent=AgentSection(id=agent, role=Role.CLASSROOM, data_dir=folder),
        uplink=UplinkSection(host="127.0.0.1", port=port, keepalive_seconds=5, reconnect_max_seconds=1.0),
        spool=SpoolSection(max_bytes=max_bytes, seal_seconds=1.0),
        host=HostSection(interval_seconds=1.0),
    )
    running = Agent(config, drivers)
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


async def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until something is so; fail with words when it never is."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + WAIT_SECONDS
    while not condition():
        assert loop.time() < deadline, f"did not happen in {WAIT_SECONDS:.0f} s: {what}"
        await asyncio.sleep(0.05)


async def test_a_clock_three_hours_ahead_is_corrected_and_freezes_nothing(
    centre: Centre, tmp_path: Path, take_agent: Callable[[], str]
) -> None:
    name = take_agent()
    folder = tmp_path / name
    async with running(folder, name, centre.broker.port, Drivers(clock=WrongClock())) as agent:
        await eventually(lambda: agent.spool.books().confirmed_items >= 5, "samples with the wrong clock arrive")
        skew = agent.uplink.snapshot().skew_seconds
        assert skew is not None
        assert abs(abs(skew) - THREE_HOURS_MS / 1000) < 60
    async with running(folder, name, centre.broker.port) as agent:
        before = agent.spool.books().confirmed_items
        await eventually(
            lambda: agent.spool.books().confirmed_items >= before + 4, "samples with the right clock arrive"
        )
    with psycopg.connect(centre.postgres.dsn) as connection:
        thing = connection.execute("SELECT thing_id FROM things WHERE kind = 'host' AND key = %s", [name]).fetchone()
        assert thing is not None
        hours_ahead, corrected_ahead = connection.execute(
            "SELECT max(extract(epoch FROM observed_at - now()) / 3600), max(extract(epoch FROM corrected_at - now()))"
            " FROM host_samples WHERE thing_id = %s",
            thing,
        ).fetchone() or (None, None)
        assert float(hours_ahead) == pytest.approx(3, abs=0.1)
        assert float(corrected_ahead) < 60
        (current,) = connection.execute(
            "SELECT extract(epoch FROM observed_at - now()) FROM host_current WHERE thing_id = %s", thing
        ).fetchone() or (None,)
        assert abs(float(current)) < 600, "the newest true sample is the current one"
    await asyncio.to_thread(centre.close_books, folder)


async def test_a_full_disk_thins_health_and_counts_every_sample(
    centre: Centre, tmp_path: Path, take_agent: Callable[[], str]
) -> None:
    name = take_agent()
    folder = tmp_path / name
    clock = SystemClock()
    chance = random.Random(7)
    line = LineProxy(centre.broker.host, centre.broker.port)
    await line.start()
    try:
        async with running(folder, name, line.port, max_bytes=4 * MEBIBYTE) as agent:
            await eventually(lambda: agent.spool.books().confirmed_items > 0, "the agent is heard")
            await line.cut()
            produced = 0
            for second in range(600):
                samples = [_sample(name, clock, second, chance) for _ in range(500)]
                await agent.spool.append(samples)
                produced += len(samples)
                if agent.spool.books().thinned_items > 5_000:
                    break
            books = agent.spool.books()
            assert books.thinned_items > 5_000
            assert books.produced_items >= produced
            stats = await agent.spool.stats()
            assert stats.file_bytes + stats.wal_bytes <= 4 * MEBIBYTE
            await line.heal()
            goal = agent.spool.books().produced_items + 5
            await eventually(
                lambda: (books := agent.spool.books()).confirmed_items + books.thinned_items >= goal,
                "what was kept arrives",
            )
        report = await asyncio.to_thread(centre.close_books, folder)
        assert sum(line["thinned"] for line in report["lines"] if line["agent"] == name) > 5_000
    finally:
        await line.stop()


def _sample(agent: str, clock: SystemClock, second: int, chance: random.Random) -> HostSample:
    return HostSample(
        thing=agent,
        observed_at_ms=clock.wall_ms() - 3_600_000 + second * 1000,
        monotonic_ms=clock.monotonic_ms(),
        cpu_ratio=chance.random(),
        memory_used_ratio=chance.random(),
        disk_used_ratio=chance.random(),
        temperature_celsius=chance.uniform(20, 80),
    )
