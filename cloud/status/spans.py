"""What things were, as spans of time: what lesson-minutes, availability and excuses are all worked out from."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path

import psycopg

from cloud.db.queries import Queries
from cloud.status.models import StatusKind, StatusSpan, StatusWord, Thing

QUERIES = Queries(Path(__file__).with_name("spans.sql"))


async def spans(
    connection: psycopg.AsyncConnection,
    since: datetime,
    until: datetime,
    *,
    kinds: Collection[StatusKind] | None = None,
    keys: Collection[str] | None = None,
) -> list[StatusSpan]:
    """Return every span that overlaps `[since, until)`, whole, in order of thing and time.

    A flapping thing is told as what it was each while: up, degraded or down. Nothing is said of the time before a
    thing's first entry in the log. `kinds` and `keys` narrow the answer.
    """
    cursor = await connection.execute(
        QUERIES["spans"],
        {
            "since": since,
            "until": until,
            "kinds": [kind.value for kind in kinds] if kinds is not None else None,
            "keys": list(keys) if keys is not None else None,
        },
    )
    return [
        StatusSpan(
            thing=Thing(StatusKind(kind), key),
            status=StatusWord(status),
            since=begins_at,
            until=ends_at,
            reason=reason,
            root=Thing(StatusKind(root_kind), root_key) if root_kind is not None else None,
        )
        for kind, key, status, begins_at, ends_at, reason, root_kind, root_key in await cursor.fetchall()
    ]
