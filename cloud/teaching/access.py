"""Notes who looks at the pupils of a lesson or class, before the request takes its own connection.

As dependencies of a route they run before its parameters' ones, so a look never waits for a second connection while it
holds the first.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request

from cloud.privacy.access import User, keep
from cloud.teaching.taking import QUERIES

PURPOSE = "teaching"

LessonKey = Annotated[str, Path(max_length=63, examples=["s01-k01.20261127.p3"], description="Key of the lesson.")]
ClassKey = Annotated[str, Path(max_length=63, examples=["s01-k01"], description="Key of the class.")]


async def note_lesson(request: Request, lesson: LessonKey, user: User = "operator") -> None:
    """Keep that somebody looks at the pupils of a lesson."""
    await _note(request, user, "pupils_of_lesson", {"lesson": lesson})


async def note_class(request: Request, school_class: ClassKey, user: User = "operator") -> None:
    """Keep that somebody looks at the pupils of a class."""
    await _note(request, user, "pupils_of_class", {"school_class": school_class})


async def _note(request: Request, user: str, query: str, values: dict[str, str]) -> None:
    async with request.app.state.rooms.pool.connection() as connection:
        cursor = await connection.execute(QUERIES[query], values)
        if pupils := [person for (person,) in await cursor.fetchall()]:
            await keep(connection, user, PURPOSE, pupils, request.url.path)
