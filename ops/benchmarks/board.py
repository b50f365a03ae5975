"""How long an answer takes to the class board: from the start of the pupil's request until the stream shows it.

A class answers at once: 50 kept-alive connections that post one answer each in the same moment, against the real
`bellwether agent run`, while a page listens to the class's stream. Half of the questions are asked with the line to the
centre cut, half with it up, sending the answers of both. Afterwards every answer that was acknowledged must be on the
board and, once, at the centre.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles

import httpx

from ops.benchmarks.agent import AGENT, Receiving, listening
from ops.benchmarks.lan_caller import LanCaller
from ops.benchmarks.report import BenchResult, Environment, Progress, environment
from ops.embedded import EmbeddedMosquitto
from ops.embedded.process import free_port
from ops.faults.line import LineProxy

PUPILS = 50
QUESTIONS = 10
"""With the line cut, and again as many with it up."""
CLASS = "s07-g3c1"
BUDGET_SECONDS = 1.0
PATIENCE_SECONDS = 30.0
DRAIN_SECONDS = 120.0


def run(progress: Progress) -> BenchResult:
    """Measure; takes about half a minute."""
    where = environment()
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-", ignore_cleanup_errors=True) as text:
        folder = Path(text)
        folder.chmod(0o755)  # the broker may run as another user below it
        with EmbeddedMosquitto(folder / "broker") as broker:
            centre = Receiving(broker.host, broker.port)
            centre.start()
            try:
                return asyncio.run(
                    _BoardBench(folder, LineProxy(broker.host, broker.port), centre, progress).run(where)
                )
            finally:
                centre.stop()


class _Board:
    """A page that listens: when each pupil's answer to each question was first shown."""

    def __init__(self, lan: httpx.AsyncClient) -> None:
        self._lan = lan
        self.shown: dict[tuple[str, str], float] = {}
        self._news = asyncio.Event()

    async def listen(self) -> None:
        """Listen until cancelled."""
        async with self._lan.stream("GET", f"/v1/classes/{CLASS}/stream", timeout=None) as answer:
            name = ""
            async for line in answer.aiter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif name == "board" and line.startswith("data: "):
                    at, board = time.perf_counter(), json.loads(line.removeprefix("data: "))
                    for one in board["answers"]:
                        self.shown.setdefault((board["question"], one["person"]), at)
                    self._news.set()

    async def shows(self, question: str, pupils: int) -> int:
        """Wait until a question has so many answers; return how many it has after `PATIENCE_SECONDS` at most."""
        deadline = time.perf_counter() + PATIENCE_SECONDS
        while (found := sum(key[0] == question for key in self.shown)) < pupils and time.perf_counter() < deadline:
            self._news.clear()
            try:
                async with asyncio.timeout(1):
                    await self._news.wait()
            except TimeoutError:
                continue
        return found


class _BoardBench:
    def __init__(self, folder: Path, line: LineProxy, centre: Receiving, progress: Progress) -> None:
        self._folder = folder
        self._line = line
        self._centre = centre
        self._say = progress
        self._acknowledged: set[str] = set()
        self._lost = 0

    async def run(self, where: Environment) -> BenchResult:
        await self._line.start()
        port = free_port()
        config = self._folder / "agent.toml"
        config.write_text(self._config(port), encoding="utf-8")
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        command = [sys.executable, "-m", "ops.cli.main", "agent", "run", "--config", str(config)]
        with (self._folder / "agent.log").open("wb") as log:
            agent = subprocess.Popen(command, stdout=log, stderr=log, env=environ)  # noqa: ASYNC220
            try:
                await listening(port, agent)
                down, up = await self._lesson(port)
                self._lost += await self._drained()
            finally:
                agent.terminate()
                await asyncio.to_thread(agent.wait, 60)
                await self._line.stop()
        p95_seconds = round(_p95([*down, *up]), 4)
        return BenchResult(
            name="board",
            figures={
                "p95_seconds": p95_seconds,
                "p95_line_cut_seconds": round(_p95(down), 4),
                "p95_line_up_seconds": round(_p95(up), 4),
                "slowest_seconds": round(max(*down, *up), 4),
                "answers": len(down) + len(up),
                "pupils": PUPILS,
            },
            limit={"p95_seconds": BUDGET_SECONDS},
            ratio_to_limit=round(BUDGET_SECONDS / p95_seconds, 3),
            lost=self._lost,
            duplicated=self._centre.twice,
            environment=where,
            budget=f"<= {BUDGET_SECONDS:g} s from the request's start to the stream, line cut or up",
            p95_seconds=p95_seconds,
        )

    async def _lesson(self, port: int) -> tuple[list[float], list[float]]:
        pupils = [LanCaller(port) for _ in range(PUPILS)]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as lan:
            (await lan.post(f"/v1/classes/{CLASS}/lesson", json={"topic": "benchmark"})).raise_for_status()
            board = _Board(lan)
            listening_page = asyncio.create_task(board.listen())
            try:
                await asyncio.gather(*(pupil.open() for pupil in pupils))
                await self._line.cut()
                down = [delay for number in range(QUESTIONS) for delay in await self._ask(lan, board, pupils, number)]
                await self._line.heal()
                await self._connected(lan)
                up = [
                    delay
                    for number in range(QUESTIONS, 2 * QUESTIONS)
                    for delay in await self._ask(lan, board, pupils, number)
                ]
            finally:
                listening_page.cancel()
                await asyncio.gather(listening_page, return_exceptions=True)
                for pupil in pupils:
                    pupil.close()
        return down, up

    async def _ask(self, lan: httpx.AsyncClient, board: _Board, pupils: list[LanCaller], number: int) -> list[float]:
        """Ask one question, have everybody answer at once and return how long each answer took to the stream."""
        question = f"q-{number}"
        asked = {"question": question, "options": ["", "", "", ""]}
        (await lan.post(f"/v1/classes/{CLASS}/questions", json=asked)).raise_for_status()
        began: dict[str, float] = {}

        async def answer(place: int, pupil: LanCaller) -> None:
            record_id, person = os.urandom(16).hex(), f"p{place:04}"
            record = {
                "record_id": record_id,
                "observed_at_ms": time.time_ns() // 1_000_000,
                "subject": person,
                "school_class": CLASS,
                "fact": {"type": "answer", "question": question, "response": "ABCD"[place % 4]},
            }
            body = json.dumps({"records": [record]}).encode()
            began[person] = time.perf_counter()
            await pupil.post("/v1/records", body)
            self._acknowledged.add(record_id)

        await asyncio.gather(*(answer(place, pupil) for place, pupil in enumerate(pupils)))
        found = await board.shows(question, len(pupils))
        self._lost += len(pupils) - found
        delays = [
            board.shown[question, person] - at for person, at in began.items() if (question, person) in board.shown
        ]
        self._say(
            f"question {number + 1} of {2 * QUESTIONS}: {found} answers shown, the slowest after {max(delays):.3f} s"
        )
        return delays

    async def _connected(self, lan: httpx.AsyncClient) -> None:
        """Return once the agent sends to the centre, with everything from the cut still to send."""
        for _ in range(round(PATIENCE_SECONDS / 0.05)):
            if (await lan.get("/v1/status")).json()["uplink"]["phase"] == "sending":
                return
            await asyncio.sleep(0.05)
        raise RuntimeError("the agent did not find its broker again")

    async def _drained(self) -> int:
        """Wait until the centre has every answer; return how many it has not got in the end."""

        def wait() -> int:
            deadline = time.monotonic() + DRAIN_SECONDS
            while (missing := len(self._acknowledged - self._centre.record_ids)) and time.monotonic() < deadline:
                time.sleep(0.5)
            return missing

        return await asyncio.to_thread(wait)

    def _config(self, lan_port: int) -> str:
        return (
            f'[agent]\nid = "{AGENT}"\nrole = "gateway"\ndata_dir = "{self._folder / "data"}"\n'
            f'[uplink]\nhost = "127.0.0.1"\nport = {self._line.port}\nreconnect_max_seconds = 1\n'
            f'[lan]\nlisten = "127.0.0.1:{lan_port}"\nmdns = false\n'
        )


def _p95(delays: list[float]) -> float:
    return quantiles(delays, n=20)[-1]
