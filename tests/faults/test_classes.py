"""A question while the agent is killed: the board has every answer that was acknowledged, the lock ends no later."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.edge_agent.classroom.lesson import CLASS, agent_in_a_lesson, class_of, lesson_now

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

PUPILS = 50
LEASE_SECONDS = 600


async def answered(lan: httpx.AsyncClient, path: str) -> dict:
    """Ask until a living agent answers."""
    while True:
        try:
            answer = await lan.get(path)
            return answer.raise_for_status().json()
        except httpx.TransportError:
            await asyncio.sleep(0.1)


async def insist(lan: httpx.AsyncClient, number: int, response: str, attempt: int) -> None:
    """Send an answer until it is acknowledged, as the protocol asks of an app."""
    record = {
        "record_id": secrets.token_hex(16),
        "observed_at_ms": time.time_ns() // 1_000_000,
        "subject": f"p-{number:02}",
        "fact": {"type": "answer", "question": "q-1", "response": response, "attempt": attempt},
    }
    while True:
        try:
            if (await lan.post("/v1/records", json={"records": [record]})).status_code in (200, 201):
                return
        except httpx.TransportError:
            pass  # whether the dying agent took it cannot be known, so it goes again
        await asyncio.sleep(0.1)


async def test_an_agent_killed_in_mid_question_shows_every_answer_and_locks_no_longer(tmp_path: Path, rounds: int):
    agent, url = agent_in_a_lesson(tmp_path, class_of(PUPILS), lesson_now())
    await asyncio.to_thread(agent.start)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=httpx.Limits(max_connections=None)) as lan:
        await answered(lan, "/v1/health")
        asked = {"question": "q-1", "options": ["", "", "", ""], "correct": "C"}
        (await lan.post(f"/v1/classes/{CLASS}/questions", json=asked)).raise_for_status()
        lease = (await lan.post(f"/v1/classes/{CLASS}/lease", json={"kind": "lock", "seconds": LEASE_SECONDS})).json()
        last: dict[int, str] = {}
        for attempt in range(1, 3 + rounds):
            chosen = {number: random.choice("ABCD") for number in range(1, PUPILS + 1)}
            answering = asyncio.gather(*(insist(lan, number, one, attempt) for number, one in chosen.items()))
            await asyncio.sleep(random.uniform(0, 0.15))
            await asyncio.to_thread(agent.kill)  # with answers under way
            await asyncio.to_thread(agent.start)
            await answering
            last |= chosen
            board = await answered(lan, f"/v1/classes/{CLASS}/board")
            counts = Counter(last.values())
            assert {one["letter"]: one["count"] for one in board["options"]} == {key: counts[key] for key in "ABCD"}
            assert (board["answered"], board["missing"], board["correct"]) == (PUPILS, [], counts["C"])
            assert {one["attempt"] for one in board["answers"]} == {attempt}
            assert (await answered(lan, f"/v1/classes/{CLASS}"))["lease"] == lease
        before_ms = board["at_ms"]
        await asyncio.to_thread(agent.kill)
        await asyncio.to_thread(agent.start)
        assert await answered(lan, f"/v1/classes/{CLASS}/board") == board | {"at_ms": pytest.approx(before_ms, abs=6e4)}
    await asyncio.to_thread(agent.stop)


async def test_a_lock_ends_by_itself_at_its_time_although_the_agent_was_dead_for_part_of_it(tmp_path: Path):
    agent, url = agent_in_a_lesson(tmp_path, class_of(2), lesson_now())
    await asyncio.to_thread(agent.start)
    async with httpx.AsyncClient(base_url=url, timeout=60) as lan:
        await answered(lan, "/v1/health")
        held = (await lan.post(f"/v1/classes/{CLASS}/lease", json={"kind": "lock", "seconds": 8})).json()
        desired = await lan.get("/v1/terminals/t-01/desired")
        assert desired.json()["lease"] == held
        await asyncio.to_thread(agent.kill)
        await asyncio.to_thread(agent.start)
        state = await answered(lan, f"/v1/classes/{CLASS}")
        known = {"if-none-match": desired.headers["etag"]}
        while state["lease"] is not None:
            assert state["at_ms"] <= held["ends_at_ms"] + 500
            await lan.get("/v1/terminals/t-01/desired", params={"wait": 25}, headers=known)
            state = await answered(lan, f"/v1/classes/{CLASS}")
        assert (await lan.get("/v1/terminals/t-01/desired")).json()["lease"] is None
    await asyncio.to_thread(agent.stop)
