"""Whom a push is for: `class:s01-g3c1`, `grade:三年级`, `school:s01`, `all`. Pure.

The words are kept as they were said and resolved whenever a document is made, so that a class that joins a grade next
week gets what the grade needs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

FORMS = ["class:s01-g3c1", "grade:三年级", "school:s01", "all"]


class Scope(StrEnum):
    """What a word of an audience names."""

    CLASS = "class"
    GRADE = "grade"
    SCHOOL = "school"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Word:
    """One word of an audience; `key` is empty for all."""

    scope: Scope
    key: str

    def __str__(self) -> str:
        return f"{self.scope}:{self.key}" if self.key else str(self.scope)


@dataclass(frozen=True, slots=True)
class ClassPlace:
    """A class as far as an audience cares."""

    school_class: str
    school: str
    grade: str


def parse(text: str) -> Word:
    """Return the word that `text` says. Raises ValueError, for people."""
    scope, colon, key = text.strip().partition(":")
    key = key.strip()
    if scope == Scope.ALL and not colon:
        return Word(Scope.ALL, "")
    if scope not in (Scope.CLASS, Scope.GRADE, Scope.SCHOOL) or not key or len(key) > 100:
        raise ValueError(f"{text[:120]!r} names no audience")
    return Word(Scope(scope), key)


def normal(words: Iterable[Word]) -> list[Word]:
    """Return the same audience in one order, each word once; `all` stands alone."""
    kept = set(words)
    if any(word.scope is Scope.ALL for word in kept):
        return [Word(Scope.ALL, "")]
    return sorted(kept, key=str)


def classes_in(words: Collection[Word], school: str, classes: Iterable[ClassPlace]) -> list[str] | None:
    """Return the classes of a school that are meant: an empty list for all of them, None for no one there."""
    if any(word.scope is Scope.ALL or (word.scope is Scope.SCHOOL and word.key == school) for word in words):
        return []
    named = {word.key for word in words if word.scope is Scope.CLASS}
    grades = {word.key for word in words if word.scope is Scope.GRADE}
    found = sorted(
        one.school_class
        for one in classes
        if one.school == school and (one.school_class in named or one.grade in grades)
    )
    return found or None
