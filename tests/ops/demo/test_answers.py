"""The books of a lesson are those of the database: made, stored once, missing, twice."""

from __future__ import annotations

import secrets
from pathlib import Path

import psycopg
import pytest

from ops.demo import answers
from ops.demo.answers import AnswerBooks

pytestmark = pytest.mark.db


def store(dsn: str, record_id: str, outcome: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("INSERT INTO agents (agent, position, role) VALUES ('a', 0, 'core') ON CONFLICT DO NOTHING")
        connection.execute(
            "INSERT INTO records (record_id, agent_id, type, observed_at, accepted_at, corrected_at, received_at,"
            " outcome, fact) SELECT %s, agent_id, 'answer', now(), now(), now(), now(), %s, '{}' FROM agents",
            [record_id, outcome],
        )


async def test_answers_that_arrived_are_counted_once_and_others_are_missing(database: str, tmp_path: Path) -> None:
    there, again, missing = (secrets.token_hex(16) for _ in range(3))
    for record_id, outcome in ((there, "stored"), (again, "stored"), (again, "duplicate")):
        store(database, record_id, outcome)
    file = tmp_path / "answers.txt"
    file.write_text(f"{there}\n{again}\n{missing}\n", "utf-8")
    books = await answers.close(database, file, wait_seconds=0)
    assert books == AnswerBooks(made=3, stored=2, missing=1, twice=0)
    assert books.in_words() == ("ANSWERS: 3 made by pupils = 2 stored once at the centre + 1 missing; 0 counted twice")


async def test_a_demo_without_a_lesson_has_no_answers(database: str, tmp_path: Path) -> None:
    assert await answers.close(database, tmp_path / "answers.txt", wait_seconds=0) == AnswerBooks()
