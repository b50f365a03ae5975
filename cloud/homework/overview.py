"""Works out what waits for a teacher, and how a class stands, from the papers of its assignments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import psycopg

import cloud.records.reading
from cloud.homework import reading
from cloud.homework.overview_schemas import (
    AssignmentStanding,
    AssignmentToDo,
    ClassSummary,
    ConflictRow,
    IncompleteRow,
    TeacherToDo,
    WorkRow,
)
from cloud.homework.rules import Timeliness
from cloud.homework.schemas import AssignmentRow, GradeRow, Paper, SubmissionRow


async def teacher_to_do(connection: psycopg.AsyncConnection, classes: Sequence[str], since: datetime) -> TeacherToDo:
    """Return what waits in assignments of some classes with a deadline after `since`."""
    items = [_to_do(row, papers) for row, papers in await _papers(connection, classes, since)]
    refusals = [
        one
        for school_class in classes
        for one in (await cloud.records.reading.refusals(connection, "homework", school_class)).items
    ]
    return TeacherToDo(
        classes=list(classes),
        to_grade=sum(len(one.to_grade) for one in items),
        conflicts=sum(len(one.conflicts) for one in items),
        incomplete=sum(len(one.incomplete) for one in items),
        refused=sum(one.records for one in refusals),
        refusals=refusals,
        items=[one for one in items if one.to_grade or one.conflicts or one.incomplete],
    )


async def class_summary(connection: psycopg.AsyncConnection, school_class: str, since: datetime) -> ClassSummary:
    """Return how a class stands with its assignments with a deadline after `since`."""
    found = await _papers(connection, [school_class], since)
    return ClassSummary(school_class=school_class, items=[_standing(row, papers) for row, papers in found])


async def _papers(
    connection: psycopg.AsyncConnection, classes: Sequence[str], since: datetime
) -> list[tuple[AssignmentRow, list[Paper]]]:
    """Return assignments of classes, the latest deadline first, each with the papers of these classes."""
    rows: dict[str, AssignmentRow] = {}
    for school_class in classes:
        page = await reading.assignments(connection, school_class=school_class, since=since)
        rows |= {row.assignment: row for row in page.items}
    papers = await reading.papers_of(connection, list(rows.values()))
    return [
        (row, [paper for paper in papers[row.assignment] if paper.school_class in classes])
        for row in sorted(rows.values(), key=lambda row: (row.due_at, row.assignment), reverse=True)
    ]


def _counting(paper: Paper) -> SubmissionRow | None:
    return next((version for version in paper.versions if version.counts), None)


def _to_do(row: AssignmentRow, papers: Sequence[Paper]) -> AssignmentToDo:
    to_grade: list[WorkRow] = []
    incomplete: list[IncompleteRow] = []
    conflicts: list[ConflictRow] = []
    for paper in papers:
        for version in paper.versions:
            conflicts += [
                ConflictRow(person=paper.person, submission=version.record_id, kept=version.grade, other=other)
                for other in version.conflicts
            ]
        if (work := _counting(paper)) is None:
            continue
        said = WorkRow(
            person=paper.person, school_class=paper.school_class, record_id=work.record_id, made_at=work.made_at
        )
        if not work.complete:
            missing = sorted({part.sha256 for part in work.parts if not part.arrived})
            incomplete.append(IncompleteRow(**said.model_dump(), missing=missing))
        elif paper.accepted and work.grade is None and not work.conflicts:
            to_grade.append(said)
    return AssignmentToDo(
        assignment=row.assignment,
        title=row.title,
        due_at=row.due_at,
        to_grade=sorted(to_grade, key=lambda one: (one.made_at, one.person)),
        conflicts=conflicts,
        incomplete=incomplete,
    )


def _standing(row: AssignmentRow, papers: Sequence[Paper]) -> AssignmentStanding:
    works = [work for paper in papers if (work := _counting(paper)) is not None]
    grades = [work.grade for work in works if work.grade is not None]
    ratios = [ratio for grade in grades if (ratio := _ratio(grade, row.max_score)) is not None]
    states = [paper.state for paper in papers]
    return AssignmentStanding(
        assignment=row.assignment,
        title=row.title,
        due_at=row.due_at,
        pupils=len(papers),
        handed_in=states.count("handed_in"),
        incomplete=states.count("incomplete"),
        missing=states.count("missing"),
        late=sum(paper.timeliness is Timeliness.LATE for paper in papers),
        excused=sum(paper.timeliness is Timeliness.EXCUSED for paper in papers),
        graded=len(grades),
        conflicts=sum(len(version.conflicts) for paper in papers for version in paper.versions),
        mean_score_ratio=sum(ratios) / len(ratios) if ratios else None,
    )


def _ratio(grade: GradeRow, max_score: float | None) -> float | None:
    """Return score over highest score, 0 to 1; the judgement's own highest score goes before the assignment's."""
    most = grade.max_score or max_score
    return None if grade.score is None or not most else min(grade.score / most, 1.0)
