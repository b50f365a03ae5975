"""Works out homework from what is kept: who handed in what, what counts, which judgement is in force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
import psycopg
from psycopg.rows import class_row, dict_row

from cloud.content.reading import present
from cloud.homework.models import HandedIn, Judged, Pupil
from cloud.homework.pupil_schemas import ToDo, ToDoList, WrongQuestion, WrongQuestionList
from cloud.homework.rules import BEFORE_DEADLINE, Counted, Timeliness, counted, standing
from cloud.homework.schemas import (
    AskedQuestion,
    Assignment,
    AssignmentList,
    AssignmentRow,
    Audience,
    GradeRow,
    Group,
    OutageRow,
    Paper,
    PaperList,
    PartRow,
    SubmissionRow,
)
from cloud.homework.taking import QUERIES
from cloud.status.models import Outage
from cloud.status.repository import outages
from protocols.records import Part

Row = TypeVar("Row", HandedIn, Judged, Pupil)


async def _rows(connection: psycopg.AsyncConnection, query: str, **values: Any) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[query], values)
        return await cursor.fetchall()


async def _objects(connection: psycopg.AsyncConnection, kind: type[Row], query: str, **values: Any) -> list[Row]:
    async with connection.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(QUERIES[query], values)
        return await cursor.fetchall()


async def assignments(
    connection: psycopg.AsyncConnection,
    *,
    assignment: str | None = None,
    school_class: str | None = None,
    person: str | None = None,
    since: datetime | None = None,
    withdrawn: bool = False,
    limit: int = 1000,
    offset: int = 0,
) -> AssignmentList:
    """Return a page of assignments, the latest deadline first."""
    found = await _rows(
        connection, "assignments", assignment=assignment, school_class=school_class, person=person, since=since,
        withdrawn=withdrawn, limit=limit, offset=offset,
    )  # fmt: skip
    totals = [row.pop("total") for row in found]
    items = [AssignmentRow(**row) for row in found]
    return AssignmentList(total=totals[0] if totals else 0, limit=limit, offset=offset, items=items)


async def assignment_row(connection: psycopg.AsyncConnection, assignment: str) -> AssignmentRow | None:
    """Return one assignment, withdrawn or not; None when there is none of that key."""
    found = (await assignments(connection, assignment=assignment, withdrawn=True, limit=1)).items
    return found[0] if found else None


async def assignment_whole(connection: psycopg.AsyncConnection, assignment: str) -> Assignment | None:
    """Return one assignment with its audience and questions."""
    row = await assignment_row(connection, assignment)
    if row is None:
        return None
    questions = await _rows(connection, "questions", assignment=assignment)
    return Assignment(
        **row.model_dump(),
        audience=_audience(await _rows(connection, "audience", assignment=assignment)),
        questions=[AskedQuestion(**one) for one in questions],
    )


def _audience(rows: Iterable[Mapping[str, Any]]) -> Audience:
    classes: list[str] = []
    pupils: list[str] = []
    groups: dict[str, list[str]] = {}
    for row in rows:
        if row["school_class"] is not None:
            classes.append(row["school_class"])
        elif row["group_name"] is not None:
            groups.setdefault(row["group_name"], []).append(row["person"])
        else:
            pupils.append(row["person"])
    return Audience(
        classes=classes, pupils=pupils, groups=[Group(name=name, pupils=members) for name, members in groups.items()]
    )


async def papers(connection: psycopg.AsyncConnection, assignment: str) -> PaperList | None:
    """Return what came of an assignment, pupil by pupil; None when there is none of that key."""
    row = await assignment_row(connection, assignment)
    if row is None:
        return None
    items = (await papers_of(connection, [row]))[assignment]
    with_work = [one for one in items if one.state != "missing"]
    counting = [version for one in with_work for version in one.versions if version.counts]
    return PaperList(
        assignment=assignment,
        due_at=row.due_at,
        handed_in=sum(one.state == "handed_in" for one in items),
        incomplete=sum(one.state == "incomplete" for one in items),
        missing=len(items) - len(with_work),
        late=sum(one.timeliness is Timeliness.LATE for one in with_work),
        excused=sum(one.timeliness is Timeliness.EXCUSED for one in with_work),
        ungraded=sum(version.grade is None for version in counting),
        conflicts=sum(len(version.conflicts) for one in with_work for version in one.versions),
        items=items,
    )


async def to_do(connection: psycopg.AsyncConnection, person: str, since: datetime) -> ToDoList:
    """Return a pupil's assignments with a deadline after `since`."""
    rows = (await assignments(connection, person=person, since=since)).items
    found = await papers_of(connection, rows, person)
    return ToDoList(items=[_to_do(row, found[row.assignment][0]) for row in rows])


def _to_do(row: AssignmentRow, paper: Paper) -> ToDo:
    return ToDo(
        assignment=row.assignment,
        title=row.title,
        due_at=row.due_at,
        state=paper.state,
        timeliness=paper.timeliness,
        grade=next((version.grade for version in paper.versions if version.counts), None),
    )


async def wrong_questions(connection: psycopg.AsyncConnection, person: str, *, mastered: bool) -> WrongQuestionList:
    """Return the questions that a pupil got wrong and not right since, or with `mastered` also those right by now."""
    found = await _rows(connection, "wrong_questions", person=person, mastered=mastered)
    return WrongQuestionList(items=[WrongQuestion(**row) for row in found])


async def is_class(connection: psycopg.AsyncConnection, school_class: str) -> bool:
    """Return whether a class is or was in the roster."""
    return bool(await _rows(connection, "known_classes", classes=[school_class]))


async def is_pupil(connection: psycopg.AsyncConnection, person: str) -> bool:
    """Return whether a reference is a pupil's."""
    row = await (await connection.execute(QUERIES["pupil"], {"person": person})).fetchone()
    return row == (True,)


async def papers_of(
    connection: psycopg.AsyncConnection, rows: Sequence[AssignmentRow], person: str | None = None
) -> dict[str, list[Paper]]:
    """Return the work of every pupil, or of one, by assignment."""
    keys = [row.assignment for row in rows]
    given = {row.assignment: row for row in rows}
    pupils = await _objects(connection, Pupil, "pupils", assignments=keys, person=person)
    handed: defaultdict[tuple[str, str], list[HandedIn]] = defaultdict(list)
    for one in await _objects(connection, HandedIn, "submissions", assignments=keys, person=person):
        handed[one.assignment, one.person].append(one)
    everything = [one for versions in handed.values() for one in versions]
    judged: defaultdict[str, list[Judged]] = defaultdict(list)
    for grade in await _objects(connection, Judged, "grades", submissions=[one.record_id for one in everything]):
        judged[grade.submission].append(grade)
    arrived = await present(connection, {part["sha256"] for one in everything for part in one.parts})

    known_outages: dict[tuple[str, str], list[Outage]] = {}
    found: dict[str, list[Paper]] = {key: [] for key in keys}
    for pupil in pupils:
        deadline = given[pupil.assignment].due_at
        versions = handed[pupil.assignment, pupil.person]
        late = bool(versions) and all(one.made_at > deadline for one in versions)
        excuses: list[Outage] = []
        if late and pupil.school is not None:
            place = (pupil.assignment, pupil.school)
            if place not in known_outages:
                known_outages[place] = await outages(
                    connection, pupil.school, deadline - BEFORE_DEADLINE, datetime.now(UTC)
                )
            excuses = known_outages[place]
        result = counted([one.as_version for one in versions], deadline, excuses)
        submissions = [_submission(one, result, judged[one.record_id], arrived) for one in versions]
        found[pupil.assignment].append(_paper(given[pupil.assignment], pupil, result, submissions))
    return found


def _paper(given: AssignmentRow, pupil: Pupil, result: Counted | None, versions: list[SubmissionRow]) -> Paper:
    complete = any(one.counts and one.complete for one in versions)
    evidence = None
    if result is not None and (out := result.evidence) is not None:
        evidence = OutageRow(thing=out.thing, status=out.status, since=out.since, until=out.until)
    return Paper(
        person=pupil.person,
        number=pupil.number,
        school_class=pupil.school_class,
        group=pupil.group_name,
        state="missing" if result is None else "handed_in" if complete else "incomplete",
        timeliness=None if result is None else result.timeliness,
        accepted=result is not None and (result.timeliness is not Timeliness.LATE or given.late_accepted),
        evidence=evidence,
        versions=versions,
    )


def _submission(one: HandedIn, result: Counted | None, judged: Sequence[Judged], arrived: set[str]) -> SubmissionRow:
    parts = [
        PartRow(
            sha256=part.sha256,
            size_bytes=part.size_bytes,
            media_type=part.media_type,
            arrived=part.sha256 in arrived,
        )
        for part in msgspec.convert(one.parts, list[Part])
    ]
    stands = standing([grade.judgement for grade in judged])
    by_id = {grade.record_id: _grade(grade) for grade in judged if not grade.forgotten}
    return SubmissionRow(
        record_id=one.record_id,
        version=one.version,
        made_at=one.made_at,
        received_at=one.received_at,
        text=one.body,
        parts=parts,
        complete=all(part.arrived for part in parts),
        counts=result is not None and result.version.record_id == one.record_id,
        grade=by_id.get(stands.versions[-1]) if stands.versions else None,
        grade_version=len(stands.versions),
        conflicts=[by_id[key] for key in stands.conflicts if key in by_id],
        past_grades=[by_id[key] for key in (*stands.versions[:-1], *stands.dismissed) if key in by_id],
    )


def _grade(grade: Judged) -> GradeRow:
    return GradeRow(
        record_id=grade.record_id,
        grader=grade.grader,
        score=grade.score,
        max_score=grade.max_score,
        comment=grade.comment,
        made_at=grade.made_at,
    )
