"""Routes of homework: assignments, what was handed in, which judgement stands, what is still to do or to learn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, BackgroundTasks, Depends, Path, Query, Request, Response
from pydantic import AwareDatetime

from cloud.content.routes import DOWNLOADED, BlobHash, Transfer
from cloud.homework import overview, overview_schemas, pupil_schemas, reading, repository, schemas, service
from cloud.homework.access import (
    AssignmentKey,
    Classes,
    Person,
    RecordKey,
    note_assignment,
    note_classes,
    note_part,
    note_pupil,
)
from cloud.http import problems
from cloud.http.database import Reader, Writer
from cloud.http.paging import Limit, Offset
from cloud.http.problems import ProblemError
from cloud.http.token import operator_token
from cloud.privacy.access import User
from cloud.records.consuming import Consumer

router = APIRouter(prefix="/homework", tags=["homework"])

TO_DO_DAYS = 30


def _consumer(request: Request) -> Consumer:
    consumer: Consumer = request.app.state.rooms.consumers["homework"]
    return consumer


HomeworkConsumer = Annotated[Consumer, Depends(_consumer)]
Since = Annotated[
    AwareDatetime | None, Query(description=f"Deadlines from then on; default the last {TO_DO_DAYS} days.")
]


def _since(since: datetime | None) -> datetime:
    return since or datetime.now(UTC) - timedelta(days=TO_DO_DAYS)


_LISTED = "GET /api/v1/homework/assignments lists what was given."
_REFERENCE = "References of pupils are in the roster: GET /api/v1/roster/classes."


@router.get("/assignments", responses=problems.responses(422, 503))
async def homework_assignments(
    reader: Reader,
    school_class: Annotated[str | None, Query(max_length=63, description="Only what is for this class.")] = None,
    person: Annotated[str | None, Query(max_length=63, description="Only what is for this pupil.")] = None,
    since: Annotated[AwareDatetime | None, Query(description="Only with a deadline from then on.")] = None,
    withdrawn: Annotated[bool, Query(description="Withdrawn ones as well.")] = False,
    limit: Limit = 100,
    offset: Offset = 0,
) -> schemas.AssignmentList:
    """Assignments, the latest deadline first."""
    return await reading.assignments(
        reader, school_class=school_class, person=person, since=since, withdrawn=withdrawn, limit=limit, offset=offset
    )


@router.put(
    "/assignments/{assignment}",
    dependencies=[Depends(operator_token)],
    responses=problems.responses(401, 409, 422, 503),
)
async def give_homework(
    assignment: AssignmentKey,
    new: schemas.NewAssignment,
    writer: Writer,
    consumer: HomeworkConsumer,
    afterwards: BackgroundTasks,
) -> schemas.Assignment:
    """Give an assignment under a key of one's own, or change it; the change names the version that it saw.

    The same again changes nothing. What was handed in before the assignment was known is taken now.
    """
    try:
        if refused := await service.give(writer, assignment, new):
            afterwards.add_task(consumer.replay, refused)
    except repository.AssignmentRefused as refused:
        raise problems.invalid_input(refused.problems) from None
    except repository.AssignmentChanged:
        raise ProblemError(
            409,
            "assignment-changed",
            detail=f"assignment {assignment!r} is not at version {new.base_version}",
            hint="Read it again, repeat the change on what is there now, and send that version as base_version.",
        ) from None
    return await _whole(writer, assignment)


@router.get("/assignments/{assignment}", responses=problems.responses(404, 422, 503))
async def homework_assignment(assignment: AssignmentKey, reader: Reader) -> schemas.Assignment:
    """One assignment with its audience, and its questions with how they went."""
    return await _whole(reader, assignment)


async def _whole(connection: Reader, assignment: str) -> schemas.Assignment:
    found = await reading.assignment_whole(connection, assignment)
    if found is None:
        raise problems.not_found("assignment", assignment, hint=_LISTED)
    return found


@router.delete(
    "/assignments/{assignment}",
    dependencies=[Depends(operator_token)],
    responses=problems.responses(401, 404, 422, 503),
)
async def withdraw_homework(assignment: AssignmentKey, writer: Writer) -> schemas.Assignment:
    """Withdraw an assignment; what was handed in stays and can be read."""
    await repository.withdraw(writer, assignment)
    return await _whole(writer, assignment)


@router.get(
    "/assignments/{assignment}/papers",
    dependencies=[Depends(note_assignment)],
    responses=problems.responses(404, 422, 503),
)
async def homework_papers(assignment: AssignmentKey, reader: Reader) -> schemas.PaperList:
    """What came of an assignment: every pupil, every version, what counts, what excuses lateness, each judgement."""
    found = await reading.papers(reader, assignment)
    if found is None:
        raise problems.not_found("assignment", assignment, hint=_LISTED)
    return found


@router.post(
    "/grades/{record_id}/settlement",
    dependencies=[Depends(operator_token)],
    status_code=204,
    responses=problems.responses(401, 404, 409, 422, 503),
)
async def settle_grade(
    record_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="Id of the judgement in conflict.")],
    settling: schemas.Settling,
    writer: Writer,
    user: User = "operator",
) -> None:
    """Decide about a judgement in conflict: put it in force, or keep it aside. Nothing is deleted."""
    try:
        found = await repository.settle(writer, record_id, chosen=settling.chosen, who=user)
    except repository.NotInConflict:
        raise ProblemError(
            409,
            "not-in-conflict",
            detail=f"judgement {record_id} does not wait to be settled",
            hint="Read the papers of its assignment: `conflicts` lists those that do.",
        ) from None
    if not found:
        raise problems.not_found("judgement", record_id, hint="`conflicts` in the papers of an assignment lists them.")


@router.get("/pupils/{person}/todo", dependencies=[Depends(note_pupil)], responses=problems.responses(404, 422, 503))
async def pupil_to_do(person: Person, reader: Reader, since: Since = None) -> pupil_schemas.ToDoList:
    """A pupil's assignments: what is to do, what is here, what came back."""
    await _must_be_pupil(reader, person)
    return await reading.to_do(reader, person, _since(since))


@router.get(
    "/pupils/{person}/wrong-questions", dependencies=[Depends(note_pupil)], responses=problems.responses(404, 422, 503)
)
async def pupil_wrong_questions(
    person: Person,
    reader: Reader,
    mastered: Annotated[bool, Query(description="Those that the pupil got right since as well.")] = False,
) -> pupil_schemas.WrongQuestionList:
    """Questions that a pupil has not got right yet, each with its solution and the resource that explains it."""
    await _must_be_pupil(reader, person)
    return await reading.wrong_questions(reader, person, mastered=mastered)


@router.get("/todo", dependencies=[Depends(note_classes)], responses=problems.responses(422, 503))
async def teacher_to_do(classes: Classes, reader: Reader, since: Since = None) -> overview_schemas.TeacherToDo:
    """What waits for a teacher: work to grade, conflicts to settle, files on their way, records not taken."""
    return await overview.teacher_to_do(reader, classes, _since(since))


@router.get("/classes/{school_class}/summary", responses=problems.responses(404, 422, 503))
async def class_summary(
    school_class: Annotated[str, Path(max_length=63, examples=["s01-g3c1"], description="Class id.")],
    reader: Reader,
    since: Since = None,
) -> overview_schemas.ClassSummary:
    """How a class stands with each assignment, as a group."""
    if not await reading.is_class(reader, school_class):
        raise problems.not_found("class", school_class, hint="GET /api/v1/roster/classes lists every class.")
    return await overview.class_summary(reader, school_class, _since(since))


@router.get(
    "/submissions/{record_id}/parts/{sha256}",
    dependencies=[Depends(note_part)],
    responses=DOWNLOADED,
    response_class=Response,
)
async def part_of_work(record_id: RecordKey, sha256: BlobHash, request: Request, transfer: Transfer) -> Response:
    """A file of a version that was handed in, or one `Range` of it; the look at its pupil is noted."""
    return await transfer.send(request, sha256)


async def _must_be_pupil(reader: Reader, person: str) -> None:
    if not await reading.is_pupil(reader, person):
        raise problems.not_found("pupil", person, hint=_REFERENCE)
