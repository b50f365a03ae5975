"""A lesson while everything breaks: pupils answer on the LAN, and at the centre each answer counts once."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from ops.embedded.process import free_port
from ops.faults.line import LineProxy
from tests.faults.harness import AgentProcess, Centre, eventually

pytestmark = [pytest.mark.faults, pytest.mark.broker, pytest.mark.db, pytest.mark.timeout(1800)]

PUPILS = 50
QUESTIONS = 4


class Pupil:
    """An app that keeps each answer until it is answered 2xx, as the protocol asks."""

    def __init__(self, lan: httpx.AsyncClient, number: int) -> None:
        self._lan = lan
        self._subject = f"p-{number:04d}"
        self.made: dict[str, str] = {}

    async def answer(self, question: str) -> None:
        """Answer a question; return when the agent has it on disk."""
        record_id, response = secrets.token_hex(16), secrets.choice("ABCD")
        record: dict[str, Any] = {
            "record_id": record_id,
            "observed_at_ms": 1_795_000_000_000,
            "subject": self._subject,
            "lesson": "s01-c01-3",
            "fact": {"type": "answer", "question": question, "response": response},
        }
        self.made[record_id] = response
        while True:
            try:
                if (await self._lan.post("/v1/records", json={"records": [record]})).status_code in (200, 201):
                    return
            except httpx.TransportError:
                pass  # the agent is dead or just dying: whether it took the answer cannot be known, so it goes again
            await asyncio.sleep(0.1)


def stored(centre: Centre) -> dict[str, str]:
    with psycopg.connect(centre.postgres.dsn) as connection:
        rows = connection.execute("SELECT record_id, fact ->> 'response' FROM records WHERE outcome = 'stored'")
        return dict(rows.fetchall())


def conflicts(centre: Centre) -> int:
    with psycopg.connect(centre.postgres.dsn) as connection:
        row = connection.execute("SELECT count(*) FROM records WHERE outcome = 'conflict'").fetchone()
    assert row is not None
    return int(row[0])


async def test_a_class_answers_while_the_line_is_cut_and_the_agent_is_killed_and_every_answer_counts_once(
    centre: Centre, tmp_path: Path, take_agent: Callable[[], str]
) -> None:
    line = LineProxy(centre.broker.host, centre.broker.port)
    await line.start()
    port = free_port()
    agent = AgentProcess(tmp_path, take_agent(), line.port, lan_port=port)
    await asyncio.to_thread(agent.start)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as lan:
        pupils = [Pupil(lan, number) for number in range(PUPILS)]
        await line.cut()
        for question in range(QUESTIONS):
            answering = asyncio.gather(*(pupil.answer(f"q-{question}") for pupil in pupils))
            if question % 2:
                await asyncio.to_thread(agent.kill)  # with answers under way
                await asyncio.to_thread(agent.start)
            await answering
    made = {record_id: response for pupil in pupils for record_id, response in pupil.made.items()}
    assert len(made) == PUPILS * QUESTIONS
    assert not stored(centre).keys() & made.keys()  # the line was dead all the time
    await line.heal()
    await eventually(lambda: stored(centre).keys() >= made.keys(), f"every answer arrives\n{agent.log[-2000:]}")
    assert {record_id: response for record_id, response in stored(centre).items() if record_id in made} == made
    assert conflicts(centre) == 0
    await asyncio.to_thread(agent.stop)
    await asyncio.to_thread(centre.close_books, agent)
    await line.stop()
