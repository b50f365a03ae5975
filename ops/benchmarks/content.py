"""How often a resource that a whole school reads crosses the school's line.

One gateway and several classroom agents behind it, each the real `bellwether agent run`, follow desired state over one
line that counts every byte that comes down it, documents, heads and all. They are told at once that they want a 50 MB
resource; when every agent has reported that it is there, 700 terminals read it by HTTP range from their classroom's
agent, each byte compared. `line_ratio` is what came down the line over the size of the resource; a school without
agents would carry it 700 times.

Scaled down: four classroom agents stand for some thirty, because a machine of two cores holds no more processes; each
terminal reads 40 ranges of 256 KiB, at places of its own that together cover the resource many times, not all 50 MB
(35 GB in all would take minutes on a slower machine); the line is as fast as the machine. No broker is there, as when
it is out of reach.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

import psutil

from ops.benchmarks.agent import listening
from ops.benchmarks.content_origin import Origin
from ops.benchmarks.lan_caller import LanCaller
from ops.benchmarks.report import BenchResult, Environment, Progress, environment
from ops.embedded.process import free_port
from ops.faults.line import LineProxy
from protocols.content import CHUNK_BYTES, Content, Manifest, Resource
from protocols.records import Part

SIZE_BYTES = 50_000_000
ROOMS = 4
TERMINALS = 700
READS = 40
READY_SECONDS = 90.0
MOST_LINE_RATIO = 1.05
BUDGET = f"line_ratio <= {MOST_LINE_RATIO}: the line carries a resource once, whoever reads it"


def run(progress: Progress) -> BenchResult:
    """Measure; takes about half a minute."""
    where = environment()
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-", ignore_cleanup_errors=True) as folder:
        return asyncio.run(_ContentBench(Path(folder), progress).run(where))


@dataclass(frozen=True, slots=True)
class _Running:
    """An agent's process and the port of its LAN API."""

    program: subprocess.Popen[bytes]
    port: int


class _ContentBench:
    def __init__(self, folder: Path, progress: Progress) -> None:
        self._folder = folder
        self._say = progress
        self._blob = random.Random(7).randbytes(SIZE_BYTES)
        self._sha256 = hashlib.sha256(self._blob).hexdigest()
        resource = Resource(resource="r-film", title="film", blob=Part(sha256=self._sha256, size_bytes=SIZE_BYTES))
        manifest = Manifest(manifest="m-1", token="0" * 32, title="lesson", resources=[resource])
        self._origin = Origin(Content(manifests=[manifest]), self._blob)
        self._wrong = 0
        self._read_bytes = 0
        self._waits: list[float] = []

    async def run(self, where: Environment) -> BenchResult:
        async with AsyncExitStack() as stack:
            line = LineProxy("127.0.0.1", await stack.enter_async_context(self._origin.serving()))
            await line.start()
            stack.push_async_callback(line.stop)
            began = time.perf_counter()
            gateway = await stack.enter_async_context(self._agent("s07-gw", "gateway", line.port, None))
            rooms = [
                await stack.enter_async_context(self._agent(f"s07-c{number:02}", "classroom", line.port, gateway.port))
                for number in range(1, ROOMS + 1)
            ]
            await self._ready({"s07-gw", *(f"s07-c{number:02}" for number in range(1, ROOMS + 1))})
            ready_seconds = time.perf_counter() - began
            self._say(f"a gateway and {ROOMS} rooms have it after {ready_seconds:.1f} s")
            began = time.perf_counter()
            await self._read([room.port for room in rooms])
            read_seconds = time.perf_counter() - began
            rss_bytes = max(psutil.Process(one.program.pid).memory_info().rss for one in (gateway, *rooms))
            line_bytes = line.bytes_down_total
        self._say(f"{len(self._waits)} ranges read by {TERMINALS} terminals in {read_seconds:.1f} s")
        return BenchResult(
            name="content",
            figures={
                "line_ratio": round(line_bytes / SIZE_BYTES, 4),
                "line_bytes": line_bytes,
                "blob_bytes_sent": self._origin.blob_bytes_sent,
                "ready_seconds": round(ready_seconds, 2),
                "agents": ROOMS + 1,
                "terminals": TERMINALS,
                "ranges_read": len(self._waits),
                "read_bytes_per_second": round(self._read_bytes / read_seconds),
            },
            limit={"line_ratio": MOST_LINE_RATIO, "line_bytes": SIZE_BYTES},
            ratio_to_limit=round(SIZE_BYTES / line_bytes, 4),
            lost=TERMINALS * READS - len(self._waits) + self._wrong,
            duplicated=0,
            environment=where,
            budget=BUDGET,
            rss_bytes=rss_bytes,
            p95_seconds=round(quantiles(self._waits, n=20)[-1], 4),
        )

    async def _ready(self, agents: set[str]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while self._origin.ready < agents:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{sorted(agents - self._origin.ready)} have no content after {READY_SECONDS:g} s")
            await asyncio.sleep(0.1)

    async def _read(self, ports: list[int]) -> None:
        async with asyncio.TaskGroup() as terminals:
            for number in range(TERMINALS):
                terminals.create_task(self._terminal(number, ports[number % len(ports)]))

    async def _terminal(self, number: int, port: int) -> None:
        caller = LanCaller(port)
        chunks = -(-SIZE_BYTES // CHUNK_BYTES)
        try:
            for turn in range(READS):
                first = (number * READS + turn) % chunks * CHUNK_BYTES
                began = time.perf_counter()
                end = min(first + CHUNK_BYTES, SIZE_BYTES)
                came = await caller.get_range(f"/v1/blobs/{self._sha256}", first, end)
                self._waits.append(time.perf_counter() - began)
                self._read_bytes += len(came)
                self._wrong += came != self._blob[first:end]
        finally:
            caller.close()

    @asynccontextmanager
    async def _agent(self, name: str, role: str, line_port: int, parent_port: int | None) -> AsyncIterator[_Running]:
        port = free_port()
        config = self._folder / f"{name}.toml"
        parent = "" if parent_port is None else f'parent = "http://127.0.0.1:{parent_port}"\n'
        config.write_text(
            f'[agent]\nid = "{name}"\nrole = "{role}"\ndata_dir = "{self._folder / name}"\n'
            f'[uplink]\nhost = "127.0.0.1"\nport = {free_port()}\n'
            f'[centre]\nurl = "http://127.0.0.1:{line_port}"\ntoken = {{ env = "BENCH_TOKEN" }}\n'
            f'public_key = "{self._origin.public_key}"\n'
            f"[content]\nfloor_bytes = 0\n{parent}"
            f'[lan]\nlisten = "127.0.0.1:{port}"\nmdns = false\n',
            encoding="utf-8",
        )
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "BENCH_TOKEN": "bench-word"}
        command = [sys.executable, "-m", "ops.cli.main", "agent", "run", "--config", str(config)]
        with (self._folder / f"{name}.log").open("wb") as log:
            program = subprocess.Popen(command, stdout=log, stderr=log, env=environ)  # noqa: ASYNC220
            try:
                await listening(port, program)
                yield _Running(program, port)
            finally:
                program.terminate()
                await asyncio.to_thread(program.wait, 60)
