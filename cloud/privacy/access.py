"""Notes every look at a pupil's records, in the reader's own words and before anything is shown (PIPL art. 54)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import psycopg
from fastapi import Header, Request

from cloud.privacy.erasing import QUERIES

User = Annotated[
    str, Header(alias="X-Bellwether-User", max_length=100, description="Who asks, for the audit; default `operator`.")
]


async def note_access(request: Request, who: str, purpose: str, subjects: Sequence[str]) -> None:
    """Keep who looks at whose records and what for; a look that cannot be noted is not granted.

    Raises:
        psycopg.Error: nothing may be shown.
    """
    pool = request.app.state.rooms.pool
    async with pool.connection() as connection:
        await keep(connection, who, purpose, subjects, request.url.path)


async def keep(
    connection: psycopg.AsyncConnection, who: str, purpose: str, subjects: Sequence[str], route: str
) -> None:
    """Add one look to the log."""
    await connection.execute(
        QUERIES["note_access"], {"who": who, "purpose": purpose, "subjects": list(subjects), "route": route}
    )
