"""The books of a lesson: every answer that was made at the source, looked up at the centre by its id."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import psycopg
from msgspec import Struct

ARRIVE_SECONDS = 30.0
"""How long the last answers may be on their way while the line is up."""


class AnswerBooks(Struct, frozen=True, kw_only=True):
    """Answers made on terminals, and what the centre has of them."""

    made: int = 0
    stored: int = 0
    missing: int = 0
    twice: int = 0

    def in_words(self, whose: str = "ANSWERS") -> str:
        """Return the books in one line."""
        return (
            f"{whose}: {self.made:,} made by pupils = {self.stored:,} stored once at the centre"
            f" + {self.missing:,} missing; {self.twice:,} counted twice"
        )


def made(file: Path) -> list[str]:
    """Return the ids of the answers made so far."""
    return file.read_text("utf-8").split() if file.is_file() else []


async def close(dsn: str, file: Path, *, wait_seconds: float = ARRIVE_SECONDS) -> AnswerBooks:
    """Return the books of the answers made up to now, once they have arrived or the wait is over."""
    ids = made(file)
    deadline = time.monotonic() + wait_seconds
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:
        while True:
            books = await _look(connection, ids)
            if books.missing == 0 or time.monotonic() >= deadline:
                return books
            await asyncio.sleep(0.5)


async def _look(connection: psycopg.AsyncConnection, ids: list[str]) -> AnswerBooks:
    cursor = await connection.execute(
        "SELECT count(*), count(DISTINCT record_id) FROM records WHERE outcome = 'stored' AND record_id = ANY(%s)",
        [ids],
    )
    row = await cursor.fetchone()
    assert row is not None
    rows, stored = row
    return AnswerBooks(made=len(ids), stored=stored, missing=len(set(ids)) - stored, twice=rows - stored)
