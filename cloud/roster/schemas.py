"""Classes, pupils and lessons as the API shows them. Names only where they were asked for."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from cloud.http.schemas import Document, Moment


class ClassRow(Document):
    """One class."""

    school_class: str = Field(examples=["s01-g3c1"])
    """Key of the class."""
    school: str = Field(examples=["s01"])
    """Id of its school."""
    title: str = Field(examples=["三年级1班"])
    """Its title."""
    title_en: str = Field(examples=["Grade 3 Class 1"])
    """Its English title; empty when there is none."""
    grade: str = Field(examples=["03"])
    """Its grade as the district writes it; empty when there is none."""
    classroom: str | None = Field(default=None, examples=["s01-c01"])
    """Its usual classroom; null when it has none."""
    term: str | None = Field(default=None, examples=["2026-autumn"])
    """The term that it learns in; null when the district does not say."""
    begins_on: date | None = Field(default=None, examples=["2026-09-01"])
    """First day of that term."""
    ends_on: date | None = Field(default=None, examples=["2027-01-22"])
    """Last day of that term."""
    pupils: int = Field(examples=[45])
    """Pupils who belong to it today."""
    teachers: int = Field(examples=[6])
    """Teachers who belong to it today."""


class ClassList(Document):
    """Classes in order of their key."""

    items: list[ClassRow]
    """One entry per class that matches."""


class TeacherRow(Document):
    """A teacher of a class."""

    person: str = Field(examples=["p3f9c0a1b2d4e5f60718a"])
    """Pseudonymous reference."""
    name: str | None = None
    """The name, when names were asked for; else null."""


class PupilRow(Document):
    """A pupil of a class."""

    person: str = Field(examples=["p81b2d4e5f607183f9c0a"])
    """Pseudonymous reference."""
    number: int | None = Field(default=None, examples=[7])
    """Number in the class; null when the district does not say."""
    row: int | None = Field(default=None, examples=[2])
    """Row of the seat, counted from the teacher's side; null when unknown."""
    column: int | None = Field(default=None, examples=[3])
    """Column of the seat, counted from the teacher's left; null when unknown."""
    terminal: str | None = Field(default=None, examples=["s01-c01-t07"])
    """The terminal that the pupil holds; null when there is none."""
    under_14: bool = Field(examples=[True])
    """Whether the pupil is under 14 today, so that everything about them is sensitive; true when the age is unknown."""
    name: str | None = None
    """The name, when names were asked for; else null."""


class ClassDetail(Document):
    """A class with who belongs to it today."""

    school_class: ClassRow
    """The class itself."""
    teachers: list[TeacherRow]
    """Its teachers, in order of their reference."""
    pupils: list[PupilRow]
    """Its pupils in order of their number, those without one last."""

    @property
    def people(self) -> list[str]:
        """Everybody in it, by reference."""
        return [*(teacher.person for teacher in self.teachers), *(pupil.person for pupil in self.pupils)]


class LessonRow(Document):
    """One lesson of one class on one day."""

    lesson: str = Field(examples=["s01-g3c1.20261127.p3"])
    """Key: class, day, period."""
    school: str = Field(examples=["s01"])
    """Id of its school."""
    school_class: str = Field(examples=["s01-g3c1"])
    """Key of the class."""
    classroom: str | None = Field(default=None, examples=["s01-c01"])
    """Where it is held; null when the district does not say."""
    topic: str = Field(examples=["数学"])
    """The subject taught."""
    teacher: str | None = Field(default=None, examples=["p3f9c0a1b2d4e5f60718a"])
    """Who teaches, as a pseudonymous reference; null when the district does not say."""
    day: date = Field(examples=["2026-11-27"])
    """The school day, in the district's time zone."""
    period: int = Field(examples=[3])
    """Its place in the day, counted from 1."""
    starts_at: Moment
    """When it begins."""
    ends_at: Moment
    """When it ends."""
    exam: bool = Field(examples=[False])
    """Whether the day is an exam day."""


class LessonList(Document):
    """Lessons in order of their beginning."""

    items: list[LessonRow]
    """One entry per lesson."""


class LessonsNow(Document):
    """Lessons that are running."""

    at: Moment
    """The moment that was looked at."""
    items: list[LessonRow]
    """One entry per lesson, by school and class."""
