"""Finds things by key and name in one pass over the inventory.

No index helps a search for any part of a name, except trigrams, which the embedded PostgreSQL does not carry; a pass
over a district of 29,269 terminals costs tens of milliseconds (`bellwether bench search`), and needs nothing kept.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.search.schemas import Found, Match, SearchResult

QUERIES = Queries(Path(__file__).with_name("queries.sql"))

_MATCHES = tuple(Match)


def parameters(q: str, limit: int) -> dict[str, object]:
    """Return what the statement is asked with: the text as a whole and word by word, taken literally. Pure."""
    whole = q.replace("\x00", "").strip().lower()
    return {
        "whole": whole,
        "prefix": f"{_literal(whole)}%",
        "patterns": [f"%{_literal(word)}%" for word in whole.split()],
        "limit": limit,
    }


async def search(connection: psycopg.AsyncConnection, q: str, limit: int) -> SearchResult:
    """Return the best `limit` finds; nothing for a text without a word."""
    asked = parameters(q, limit)
    rows = []
    if asked["patterns"]:
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(QUERIES["search"], asked)
            rows = await cursor.fetchall()
    total = rows[0]["total"] if rows else 0
    items = [Found(match=_MATCHES[row.pop("rank")], **{k: v for k, v in row.items() if k != "total"}) for row in rows]
    return SearchResult(q=str(asked["whole"]), total=total, items=items)


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
