"""`bellwether homework`, as a process against a real centre."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from subprocess import CompletedProcess
from typing import Any

import pytest

from cloud.api.server import ApiServer
from protocols.records import Answer
from tests.cloud.homework.conftest import CLASS, Ground, grade, submission
from tests.cloud.records.storing import record_of
from tests.ops.cli.test_centre import bellwether

pytestmark = pytest.mark.db


async def test_the_command_tells_what_the_api_tells(ground: Ground, api_server: ApiServer) -> None:
    due = datetime.now(UTC) + timedelta(hours=1)
    await ground.give(due_at=due.isoformat())
    works = [submission(person, due - timedelta(hours=2)) for person in ("p-1", "p-2")]
    wrong = record_of(Answer(question="q-1", response="A"), subject="p-1", at=due - timedelta(hours=2))
    await ground.tell(*works, grade(works[0], 80), grade(works[0], 90), wrong)

    async def run(*arguments: str) -> CompletedProcess[str]:
        return await asyncio.to_thread(bellwether, "homework", *arguments, "--url", api_server.url)

    async def told(*arguments: str) -> Any:
        done = await run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert [one["assignment"] for one in (await told("assignments", "--class", CLASS))["items"]] == ["hw-1"]
    assert (await told("submissions", "hw-1"))["handed_in"] == 2
    assert (await told("todo", "--class", CLASS))["conflicts"] == 1
    assert [one["question"] for one in (await told("wrong-questions", "p-1"))["items"]] == ["q-1"]
    for arguments, words in (
        (["assignments"], ["hw-1", "分数的加减"]),
        (["submissions", "hw-1"], ["p-2", "handed_in", "missing"]),
        (["todo", "--teacher", "t-1"], ["to_grade", "hw-1"]),
        (["wrong-questions", "p-1", "--mastered"], ["q-1"]),
    ):
        done = await run(*arguments)
        assert done.returncode == 0, done.stderr
        assert all(word in done.stdout for word in words), done.stdout
    unknown = await run("submissions", "hw/9")
    assert unknown.returncode == 1
    assert "hint: " in unknown.stderr
    assert (await run("todo")).returncode == 2
