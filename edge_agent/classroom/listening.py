"""What durable records say of live classes. Pure."""

from __future__ import annotations

from edge_agent.classroom.book import ClassBook
from edge_agent.classroom.school import School
from edge_agent.classroom.values import Answered, AttendanceTaken
from protocols.records import Answer, Attendance, Record

_MOST_RESPONSE = 200
"""As much of a response as a board can show; the record keeps all of it."""


def fact_of(record: Record, book: ClassBook, school: School) -> Answered | AttendanceTaken | None:
    """Return what a record means for a live class, or None when it means nothing."""
    fact, person = record.fact, record.subject
    if person is None:
        return None
    if isinstance(fact, Attendance):
        school_class = record.school_class or next(iter(school.classes_of.get(person, ())), "")
        if school_class not in school.classes and book.get(school_class) is None:
            return None
        return AttendanceTaken(
            school_class=school_class,
            lesson=record.lesson,
            person=person,
            state=fact.state,
            observed_at_ms=record.observed_at_ms,
        )
    if not isinstance(fact, Answer):
        return None
    asked_in = _asked_in(record, fact.question, person, book, school)
    if asked_in is None:
        return None
    return Answered(
        school_class=asked_in,
        question=fact.question,
        lesson=record.lesson,
        record_id=record.record_id,
        person=person,
        response=fact.response[:_MOST_RESPONSE],
        attempt=fact.attempt,
        observed_at_ms=record.observed_at_ms,
        accepted_at_ms=record.accepted_at_ms,
        correct=fact.correct,
    )


def _asked_in(record: Record, question: str, person: str, book: ClassBook, school: School) -> str | None:
    """Return the class whose question a record answers: the one it names, the person's, or the only one asked."""
    asked = [one.school_class for one in book if one.question(question) is not None]
    if record.school_class is not None:
        return record.school_class if record.school_class in asked else None
    of_person = [key for key in asked if key in school.classes_of.get(person, ())]
    if of_person:
        return of_person[0]
    return asked[0] if len(asked) == 1 else None
