"""Terminals against a real agent process: nothing that a pupil made is lost, doubled or shown as safe before it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from edge_agent.terminal_client.client import TerminalClient, own_clock_ms
from tests.edge_agent.classroom.lesson import CLASS, agent_in_a_lesson, class_of, lesson_now
from tests.faults.harness import AgentProcess

PUPILS = 12
HOURS_MS = 3 * 3_600_000


class Room:
    """A class's agent and the way to it."""

    def __init__(self, agent: AgentProcess, url: str, folder: Path) -> None:
        self.agent = agent
        self.url = url
        self._folder = folder
        self.teacher = httpx.AsyncClient(base_url=url, timeout=60)

    @asynccontextmanager
    async def terminal(
        self, number: int = 1, *, clock_ms: Callable[[], int] = own_clock_ms
    ) -> AsyncIterator[TerminalClient]:
        """A running terminal, its folder kept from one run to the next."""
        name = f"t-{number:02}"
        async with httpx.AsyncClient(base_url=self.url, timeout=10) as lan:
            client = TerminalClient(name, self._folder / name, lan, clock_ms=clock_ms)
            running = asyncio.create_task(client.run())
            try:
                yield client
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                client.close()

    async def ask(self, question: str = "q-1") -> None:
        """Put a question to the class."""
        body = {"question": question, "prompt": "?", "options": ["", "", "", ""]}
        (await self.teacher.post(f"/v1/classes/{CLASS}/questions", json=body)).raise_for_status()

    async def board(self) -> dict:
        """Return the board."""
        return (await self.teacher.get(f"/v1/classes/{CLASS}/board")).raise_for_status().json()

    async def seat(self, number: int) -> dict:
        """Return what the class page says of a pupil."""
        state = (await self.teacher.get(f"/v1/classes/{CLASS}")).raise_for_status().json()
        return next(seat for seat in state["seats"] if seat["number"] == number)


async def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.05)


def sees(client: TerminalClient, question: str) -> Callable[[], bool]:
    return lambda: (
        client.desired is not None
        and client.desired.question is not None
        and client.desired.question.question == question
    )


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    agent, url = agent_in_a_lesson(tmp_path, class_of(PUPILS), lesson_now())
    room = Room(agent, url, tmp_path / "terminals")
    await asyncio.to_thread(agent.start)
    async with room.teacher:
        await answers(room)
        yield room
    await asyncio.to_thread(agent.stop)


async def answers(room: Room) -> None:
    while True:
        try:
            await room.teacher.get("/v1/health")
            return
        except httpx.TransportError:
            await asyncio.sleep(0.1)


async def test_a_terminal_sees_the_question_and_its_answer_is_on_the_board(room: Room) -> None:
    async with room.terminal(3) as terminal:
        await until(lambda: terminal.desired is not None, "the terminal hears of its class")
        assert terminal.desired is not None
        assert (terminal.person, terminal.desired.school_class) == ("p-03", CLASS)
        await room.ask()
        await until(sees(terminal, "q-1"), "the question reaches the terminal")
        await terminal.answer("q-1", "B")
        await until(lambda: terminal.waiting().unsent == 0, "the answer is safe")
        board = await room.board()
        assert [(one["person"], one["response"]) for one in board["answers"]] == [("p-03", "B")]


async def test_a_whole_class_answers_while_the_agent_is_killed_and_each_answer_counts_once(room: Room) -> None:
    async with asyncio.timeout(240):
        terminals = [room.terminal(number) for number in range(1, PUPILS + 1)]
        clients = [await one.__aenter__() for one in terminals]
        await room.ask()
        for client in clients:
            await until(sees(client, "q-1"), "the question reaches everybody")
        sending = asyncio.gather(*(client.answer("q-1", "ABCD"[number % 4]) for number, client in enumerate(clients)))
        await asyncio.to_thread(room.agent.kill)
        await sending  # on the terminals' own disks, agent or not
        await asyncio.to_thread(room.agent.start)
        await until(lambda: all(client.waiting().unsent == 0 for client in clients), "every answer is safe in the end")
        board = await room.board()
        assert (board["answered"], board["missing"]) == (PUPILS, [])
        assert {one["attempts"] for one in board["answers"]} == {1}
        for one in terminals:
            await one.__aexit__(None, None, None)


async def test_answers_made_out_of_reach_survive_the_terminal_s_own_restart(room: Room) -> None:
    await room.ask()
    async with room.terminal() as terminal:
        await until(sees(terminal, "q-1"), "the question is there")
    await asyncio.to_thread(room.agent.kill)
    async with room.terminal() as terminal:
        assert terminal.person == "p-01"  # it remembers who holds it, and the question
        await terminal.answer("q-1", "C")
    async with room.terminal() as terminal:
        assert terminal.waiting().unsent == 1
    await asyncio.to_thread(room.agent.start)
    async with room.terminal() as terminal:
        await until(lambda: terminal.waiting().unsent == 0, "the answer is safe in the end")
    await answers(room)
    assert [one["response"] for one in (await room.board())["answers"]] == ["C"]


async def test_a_record_that_is_refused_for_good_is_set_aside_and_holds_up_nobody(room: Room) -> None:
    async with room.terminal() as terminal:
        await until(lambda: terminal.desired is not None, "the terminal hears of its class")
        terminal.desired = None
        nobodys = await terminal.answer("q-1", "A")
        await until(lambda: terminal.waiting().refused == 1, "a record about nobody is refused")
        assert [one.record.record_id for one in terminal.outbox.refused()] == [nobodys]
        assert "subject" in terminal.outbox.refused()[0].reason
    async with room.terminal() as terminal:
        await terminal.answer("q-1", "D")
        await until(lambda: terminal.waiting().unsent == 0, "the next one is taken")
        assert terminal.waiting().refused == 1


async def test_a_terminal_whose_clock_is_three_hours_wrong_makes_records_in_the_agent_s_time(room: Room) -> None:
    async with room.terminal(clock_ms=lambda: own_clock_ms() + HOURS_MS) as terminal:
        await until(lambda: terminal.desired is not None, "it has heard the agent's clock")
        await room.ask()
        await until(sees(terminal, "q-1"), "the question is there")
        assert abs(terminal.now_ms - own_clock_ms()) < 60_000
        body = {"kind": "lock", "seconds": 2}
        (await room.teacher.post(f"/v1/classes/{CLASS}/lease", json=body)).raise_for_status()
        await until(lambda: terminal.locked, "the lock arrives")
        await asyncio.to_thread(room.agent.kill)
        await until(lambda: not terminal.locked, "it ends by itself out of reach of the agent")


async def test_the_class_page_knows_what_is_not_safe(room: Room) -> None:
    async with room.terminal(2) as terminal:
        await until(lambda: terminal.desired is not None, "the terminal hears of its class")
        said = terminal.report()
        assert (said.holder, said.unsent, said.missing_bytes) == ("p-02", 0, 0)
        async with asyncio.timeout(90):
            while (await room.seat(2))["safe"] is not True:
                await asyncio.sleep(0.1)
    assert (await room.seat(4))["safe"] is None  # never heard of: unknown, not good
