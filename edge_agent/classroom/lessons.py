"""Which lesson a class is in: pure questions to the timetable."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from protocols.roster import Lesson


@dataclass(frozen=True, slots=True)
class NowAndNext:
    """The lesson that runs and the one after it, of one class."""

    now: Lesson | None
    next: Lesson | None


class LessonPlan:
    """The timetable by class. Lessons of one class should not overlap; if they do, the later begun one runs."""

    def __init__(self, lessons: Iterable[Lesson]) -> None:
        by_class: dict[str, list[Lesson]] = {}
        for one in sorted(lessons, key=lambda lesson: (lesson.starts_at_ms, lesson.lesson)):
            by_class.setdefault(one.school_class, []).append(one)
        self._by_class = by_class
        self._starts = {key: [one.starts_at_ms for one in lessons] for key, lessons in by_class.items()}
        self._bells = sorted({bell for them in by_class.values() for one in them for bell in _bells(one)})

    def at(self, school_class: str, now_ms: int) -> NowAndNext:
        """Return the lesson of a class that runs at a moment (its end is exclusive) and the next to begin."""
        lessons = self._by_class.get(school_class, [])
        place = bisect_right(self._starts.get(school_class, []), now_ms)
        following = lessons[place] if place < len(lessons) else None
        current = lessons[place - 1] if place else None
        return NowAndNext(current if current is not None and now_ms < current.ends_at_ms else None, following)

    def next_bell_ms(self, now_ms: int) -> int | None:
        """Return when the next lesson of any class begins or ends."""
        place = bisect_right(self._bells, now_ms)
        return self._bells[place] if place < len(self._bells) else None


def _bells(lesson: Lesson) -> tuple[int, int]:
    return lesson.starts_at_ms, lesson.ends_at_ms
