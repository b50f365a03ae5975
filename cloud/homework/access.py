"""Notes who looks at the homework of pupils, before the request takes its own connection."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request

from cloud.homework.taking import QUERIES
from cloud.privacy.access import User, keep, note_access

PURPOSE = "homework"

AssignmentKey = Annotated[
    str,
    Path(pattern="^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$", examples=["hw-0a1b"], description="Key of the assignment."),
]
Person = Annotated[str, Path(max_length=63, examples=["p-0a1b"], description="Pseudonymous reference of a pupil.")]


async def note_assignment(request: Request, assignment: AssignmentKey, user: User = "operator") -> None:
    """Keep that somebody looks at the pupils whom an assignment is for, and at whoever handed in."""
    async with request.app.state.rooms.pool.connection() as connection:
        cursor = await connection.execute(QUERIES["pupils_of"], {"assignment": assignment})
        if pupils := [person for (person,) in await cursor.fetchall()]:
            await keep(connection, user, PURPOSE, pupils, request.url.path)


async def note_pupil(request: Request, person: Person, user: User = "operator") -> None:
    """Keep that somebody looks at one pupil's homework."""
    await note_access(request, user, PURPOSE, [person])
