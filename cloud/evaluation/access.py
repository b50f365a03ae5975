"""Notes who looks at pupils' evaluation, before the request takes its own connection.

As dependencies of a route they run before its parameters' ones, so a look never waits for a second connection while it
holds the first.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request

from cloud.evaluation import reading
from cloud.privacy.access import User, keep, note_access

PURPOSE = "evaluation"

Person = Annotated[str, Path(max_length=63, examples=["p-0a1b"], description="Pseudonymous reference of a pupil.")]
ClassKey = Annotated[str, Path(max_length=63, examples=["s01-g3c1"], description="Class id.")]


async def note_pupil(request: Request, person: Person, user: User = "operator") -> None:
    """Keep that somebody looks at one pupil."""
    await note_access(request, user, PURPOSE, [person])


async def note_class(request: Request, school_class: ClassKey, user: User = "operator") -> None:
    """Keep that somebody looks at every pupil of a class; a class that is not there has none to note."""
    async with request.app.state.rooms.pool.connection() as connection:
        if pupils := await reading.class_pupils(connection, school_class):
            await keep(connection, user, PURPOSE, pupils, request.url.path)
