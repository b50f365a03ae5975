"""One class that really takes part: a teacher who asks, and a terminal client for every pupil, over real HTTP.

What the pupils make is counted at the source: each answer's id goes into a file when it is on the pupil's terminal, so
that afterwards the centre can be asked for exactly these (`ops.demo.answers`).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random

import httpx
import structlog

from edge_agent.terminal_client.client import TerminalClient
from edge_agent.terminals import CheckInBody
from ops.simulator.report import LessonBooks
from ops.simulator.roster_folder import ClassOf
from ops.simulator.tablets import Tablet

ASK_SECONDS = 12.0
"""A question is open for so long; then comes the next."""
THINK_SECONDS = (0.5, 8.0)
STOP_SECONDS = 20.0
RETRY_SECONDS = 1.0
LESSON = "lesson"
"""Folder of the home that the terminals of the lesson keep their files in."""
ANSWERS_FILE = "answers.txt"

_log = structlog.get_logger(__name__)


class SimulatedLesson:
    """A lesson of one class at the agent of its room. `run` goes on until cancelled, `finish` sends what waits."""

    def __init__(self, of: ClassOf, agent_url: str, folder: Path, random: Random) -> None:
        self.of = of
        self.agent_url = agent_url
        self._folder = folder
        self._random = random
        self._clients: list[TerminalClient] = []
        self._made = 0
        self._questions = 0
        self._answers = folder / ANSWERS_FILE

    @property
    def class_page(self) -> str:
        """Where the teacher's class page is."""
        return f"{self.agent_url}/class/{self.of.key}"

    @property
    def board(self) -> str:
        """Where the class board is."""
        return f"{self.agent_url}/board/{self.of.key}"

    def books(self) -> LessonBooks:
        """Return what was made at the source and what of it is on terminals alone."""
        waiting = [client.waiting() for client in self._clients]
        return LessonBooks(
            school_class=self.of.key,
            pupils=len(self._clients),
            questions=self._questions,
            made=self._made,
            unsent=sum(one.unsent for one in waiting),
            refused=sum(one.refused for one in waiting),
        )

    async def run(self, begins: Callable[[], None]) -> None:
        """Teach until cancelled; `begins` is called once the agent knows the class."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._answers.write_text("", "utf-8")
        async with self._http() as teacher, contextlib.AsyncExitStack() as stack:
            await self._class_known(teacher)
            begins()
            async with asyncio.TaskGroup() as tasks:
                for terminal in self.of.pupils:
                    lan = await stack.enter_async_context(self._http())
                    tablet = Tablet(terminal.terminal)
                    client = TerminalClient(
                        terminal.terminal,
                        self._folder / "terminals" / terminal.terminal,
                        lan,
                        app_version=tablet.app_version,
                        senses=partial(_senses, tablet),
                    )
                    self._clients.append(client)
                    tasks.create_task(client.run(), name=f"terminal {terminal.terminal}")
                    tasks.create_task(self._pupil(client), name=f"pupil {terminal.terminal}")
                tasks.create_task(self._teach(teacher), name="teacher")

    async def finish(self) -> None:
        """Send what is still on terminals, as far as the agent takes it, and close them."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                for client in self._clients:
                    with contextlib.suppress(httpx.HTTPError):
                        await client.flush()
        for client in self._clients:
            client.close()

    @asynccontextmanager
    async def _http(self) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(base_url=self.agent_url, timeout=15, trust_env=False) as client:
            yield client

    async def _class_known(self, teacher: httpx.AsyncClient) -> None:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                found = await teacher.get(f"/v1/classes/{self.of.key}")
                if found.is_success and found.json()["seats"]:
                    return
            await asyncio.sleep(RETRY_SECONDS)

    async def _teach(self, teacher: httpx.AsyncClient) -> None:
        while True:
            number = self._questions + 1
            asked = {
                "question": f"{self.of.key}-demo-q{number}",
                "prompt": f"第 {number} 题 / Question {number}",
                "options": ["3/4", "4/3", "1/2", "2/3"],
                "correct": self._random.choice("ABCD"),
            }
            try:
                answer = await teacher.post(f"/v1/classes/{self.of.key}/questions", json=asked)
                answer.raise_for_status()
            except httpx.HTTPError as error:
                _log.info("question_not_asked", reason=str(error) or type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._questions = number
            await asyncio.sleep(ASK_SECONDS)

    async def _pupil(self, client: TerminalClient) -> None:
        answered = set[str]()
        while True:
            await client.changed.wait()
            client.changed.clear()
            question = None if client.desired is None else client.desired.question
            if question is None or question.question in answered:
                continue
            answered.add(question.question)
            await asyncio.sleep(self._random.uniform(*THINK_SECONDS))
            record_id = await client.answer(question.question, self._random.choice("AAABBCD"))
            await asyncio.to_thread(self._note, record_id)

    def _note(self, record_id: str) -> None:
        self._made += 1
        with self._answers.open("a", encoding="utf-8") as file:
            file.write(f"{record_id}\n")


def _senses(tablet: Tablet) -> CheckInBody:
    return tablet.check_in(30.0 / 3600).body
