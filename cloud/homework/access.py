"""Notes who looks at the homework of pupils, before the request takes its own connection."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from cloud.content.routes import BlobHash
from cloud.homework.taking import QUERIES
from cloud.http.problems import invalid_input, not_found
from cloud.http.schemas import FieldProblem
from cloud.privacy.access import User, keep, note_access

PURPOSE = "homework"

AssignmentKey = Annotated[
    str,
    Path(pattern="^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$", examples=["hw-0a1b"], description="Key of the assignment."),
]
Person = Annotated[str, Path(max_length=63, examples=["p-0a1b"], description="Pseudonymous reference of a pupil.")]
RecordKey = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="Id of the record.")]


async def note_assignment(request: Request, assignment: AssignmentKey, user: User = "operator") -> None:
    """Keep that somebody looks at the pupils whom an assignment is for, and at whoever handed in."""
    async with request.app.state.rooms.pool.connection() as connection:
        cursor = await connection.execute(QUERIES["pupils_of"], {"assignment": assignment})
        if pupils := [person for (person,) in await cursor.fetchall()]:
            await keep(connection, user, PURPOSE, pupils, request.url.path)


async def classes_meant(
    request: Request,
    school_class: Annotated[str | None, Query(max_length=63, description="This class.")] = None,
    teacher: Annotated[str | None, Query(max_length=63, description="Every class that this teacher teaches.")] = None,
) -> list[str]:
    """Return the classes that a request names, by themselves or by their teacher.

    Raises:
        ProblemError: 422 unless one of the two is named, and known.
    """
    if (school_class is None) == (teacher is None):
        detail = "name either school_class or teacher"
        raise invalid_input([FieldProblem(field="school_class", detail=detail)])
    async with request.app.state.rooms.pool.connection() as connection:
        if teacher is not None:
            cursor = await connection.execute(QUERIES["classes_taught"], {"person": teacher})
            problem = FieldProblem(field="teacher", detail=f"{teacher!r} teaches no class of the roster")
        else:
            cursor = await connection.execute(QUERIES["known_classes"], {"classes": [school_class]})
            problem = FieldProblem(field="school_class", detail=f"{school_class!r} is no class of the roster")
        classes = [key for (key,) in await cursor.fetchall()]
    if not classes:
        raise invalid_input([problem])
    return classes


Classes = Annotated[list[str], Depends(classes_meant)]


async def note_classes(request: Request, classes: Classes, user: User = "operator") -> None:
    """Keep that somebody looks at every pupil of some classes."""
    async with request.app.state.rooms.pool.connection() as connection:
        cursor = await connection.execute(QUERIES["class_pupils"], {"classes": classes})
        if pupils := [person for (person,) in await cursor.fetchall()]:
            await keep(connection, user, PURPOSE, pupils, request.url.path)


async def note_part(request: Request, record_id: RecordKey, sha256: BlobHash, user: User = "operator") -> None:
    """Keep that somebody looks at a file of a pupil's work.

    Raises:
        ProblemError: 404 when the version is not there or declares no such file.
    """
    async with request.app.state.rooms.pool.connection() as connection:
        cursor = await connection.execute(QUERIES["whose_part"], {"record_id": record_id, "hash": sha256})
        row = await cursor.fetchone()
        if row is None:
            hint = "`parts` in the papers of an assignment lists the files of every version."
            raise not_found("file", f"{record_id}/{sha256}", hint=hint)
        await keep(connection, user, PURPOSE, [row[0]], request.url.path)


async def note_pupil(request: Request, person: Person, user: User = "operator") -> None:
    """Keep that somebody looks at one pupil's homework."""
    await note_access(request, user, PURPOSE, [person])
