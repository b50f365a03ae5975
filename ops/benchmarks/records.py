"""How fast an agent takes classroom records over HTTP, durably, beside the least server that promises the same.

A class answers: 50 kept-alive connections that each post one answer and wait for the 201 before the next, against the
real `bellwether agent run`, which sends on to a broker and a centre that receipts, and in alternating turns against
`records_limit` (same web server and decoder, bare SQLite behind it). Both are processes of their own. The ratio is
taken between neighbouring turns and the median over the rounds is reported. Afterwards every answer that was
acknowledged must have reached the centre once: `lost` and `duplicated` count ids.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median, quantiles

from ops.benchmarks.agent import AGENT, Receiving, listening
from ops.benchmarks.lan_caller import LanCaller
from ops.benchmarks.report import BenchResult, Environment, Progress, environment
from ops.embedded import EmbeddedMosquitto
from ops.embedded.process import free_port

CALLERS = 50
TURN_SECONDS = 2.0
ROUNDS = 9
"""One more than count: the first warms up."""
DRAIN_SECONDS = 120.0
BUDGET = "ratio >= 0.35: what identity, conflict, purpose, encryption and books may cost of the bare server's rate"


def run(progress: Progress) -> BenchResult:
    """Measure; takes about a minute."""
    where = environment()
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-", ignore_cleanup_errors=True) as text:
        folder = Path(text)
        folder.chmod(0o755)  # the broker may run as another user below it
        with EmbeddedMosquitto(folder / "broker") as broker:
            centre = Receiving(broker.host, broker.port)
            centre.start()
            try:
                return asyncio.run(_RecordsBench(folder, broker.port, centre, progress).run(where))
            finally:
                centre.stop()


class _Caller:
    """One pupil's app."""

    def __init__(self, port: int) -> None:
        self._lan = LanCaller(port)

    async def post(self, number: int) -> str:
        """Post one answer and return its id once it was acknowledged."""
        record_id = os.urandom(16).hex()
        body = (
            f'{{"records":[{{"record_id":"{record_id}","observed_at_ms":{time.time_ns() // 1_000_000},'
            f'"subject":"p{number:04}","school_class":"s07-g3c1","lesson":"s07-g3c1.20261127.p3",'
            f'"fact":{{"type":"answer","question":"q-1","response":"B","duration_seconds":12.5}}}}]}}'
        ).encode()
        await self._lan.post("/v1/records", body)
        return record_id

    def close(self) -> None:
        """Close the connection."""
        self._lan.close()


class _RecordsBench:
    def __init__(self, folder: Path, broker_port: int, centre: Receiving, progress: Progress) -> None:
        self._folder = folder
        self._broker_port = broker_port
        self._centre = centre
        self._say = progress
        self._acknowledged: set[str] = set()

    async def run(self, where: Environment) -> BenchResult:
        agent_port, limit_port = free_port(), free_port()
        config = self._folder / "agent.toml"
        config.write_text(self._config(agent_port), encoding="utf-8")
        limit = ("-m", "ops.benchmarks.records_limit", str(limit_port), str(self._folder / "limit.db"))
        async with (
            self._program("agent", agent_port, "-m", "ops.cli.main", "agent", "run", "--config", str(config)),
            self._program("limit", limit_port, *limit),
        ):
            rates = await self._compare(agent_port, limit_port)
            lost = await self._drained()
        ratios = [ours / bare for ours, bare in rates]
        low, middle, high = quantiles(ratios, n=4)
        return BenchResult(
            name="records",
            figures={
                "records_per_second": round(median(ours for ours, _ in rates)),
                "callers": CALLERS,
                "acknowledged": len(self._acknowledged),
                "ratio_lower_quartile": round(low, 3),
                "ratio_upper_quartile": round(high, 3),
            },
            limit={"records_per_second": round(median(bare for _, bare in rates))},
            ratio_to_limit=round(middle, 3),
            lost=lost,
            duplicated=self._centre.twice,
            environment=where,
            budget=BUDGET,
        )

    async def _compare(self, agent_port: int, limit_port: int) -> list[tuple[float, float]]:
        ours = [_Caller(agent_port) for _ in range(CALLERS)]
        bare = [_Caller(limit_port) for _ in range(CALLERS)]
        rates: list[tuple[float, float]] = []
        for number in range(ROUNDS):
            if number % 2:
                limit_rate = len(await self._turn(bare)) / TURN_SECONDS
            taken = await self._turn(ours)
            self._acknowledged |= taken
            if not number % 2:
                limit_rate = len(await self._turn(bare)) / TURN_SECONDS
            rates.append((len(taken) / TURN_SECONDS, limit_rate))
            self._say(f"round {number + 1} of {ROUNDS}: {rates[-1][0]:.0f} records/s, the limit {rates[-1][1]:.0f}")
        for caller in (*ours, *bare):
            caller.close()
        return rates[1:]

    @staticmethod
    async def _turn(callers: list[_Caller]) -> set[str]:
        ends = time.perf_counter() + TURN_SECONDS
        taken: set[str] = set()

        async def answer(number: int, caller: _Caller) -> None:
            while time.perf_counter() < ends:
                taken.add(await caller.post(number))

        await asyncio.gather(*(answer(number, caller) for number, caller in enumerate(callers)))
        return taken

    async def _drained(self) -> int:
        """Wait until the centre has every answer; return how many it has not got in the end."""

        def wait() -> int:
            deadline = time.monotonic() + DRAIN_SECONDS
            while (missing := len(self._acknowledged - self._centre.record_ids)) and time.monotonic() < deadline:
                time.sleep(0.5)
            return missing

        return await asyncio.to_thread(wait)

    @asynccontextmanager
    async def _program(self, name: str, port: int, *arguments: str) -> AsyncIterator[None]:
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        with (self._folder / f"{name}.log").open("wb") as log:
            program = subprocess.Popen([sys.executable, *arguments], stdout=log, stderr=log, env=environ)  # noqa: ASYNC220
            try:
                await listening(port, program)
                yield
            finally:
                program.terminate()
                await asyncio.to_thread(program.wait, 60)

    def _config(self, lan_port: int) -> str:
        return (
            f'[agent]\nid = "{AGENT}"\nrole = "gateway"\ndata_dir = "{self._folder / "data"}"\n'
            f'[uplink]\nhost = "127.0.0.1"\nport = {self._broker_port}\n'
            f'[lan]\nlisten = "127.0.0.1:{lan_port}"\nmdns = false\n'
        )
