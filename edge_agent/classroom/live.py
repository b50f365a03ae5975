"""The live state of one class, folded from facts. Pure: no clock, no I/O; any order of answers gives the same board.

Invariants:
- the last attempt of a pupil counts: the highest attempt number, then the newest by the app's clock, then the id;
- a record that comes twice changes nothing;
- the state is bounded: the newest `KEPT_QUESTIONS` questions, the newest `KEPT_ATTEMPTS` attempts of a pupil at each.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import structs

from edge_agent.classroom.values import (
    Answered,
    AnyFact,
    AttendanceTaken,
    LeaseEnded,
    LeaseHeld,
    LessonClosed,
    LessonOpened,
    QuestionClosed,
    QuestionOpened,
)

KEPT_QUESTIONS = 3
KEPT_ATTEMPTS = 10
MOST_ANSWERERS = 500
"""A class has fifty pupils; whoever invents people fills no memory."""


def _order(answer: Answered) -> tuple[int, int, str]:
    return answer.attempt, answer.observed_at_ms, answer.record_id


@dataclass(slots=True)
class LiveQuestion:
    """A question with its answers; attempts of a person lie in their order, the last one counts."""

    asked: QuestionOpened
    closed_at_ms: int | None = None
    attempts: dict[str, list[Answered]] = field(default_factory=dict)

    def take(self, answer: Answered) -> bool:
        """Add an attempt; return whether it changed anything."""
        attempts = self.attempts.get(answer.person)
        if attempts is None:
            if len(self.attempts) >= MOST_ANSWERERS:
                return False
            attempts = self.attempts[answer.person] = []
        elif any(one.record_id == answer.record_id for one in attempts):
            return False
        insort(attempts, answer, key=_order)
        dropped = attempts[:-KEPT_ATTEMPTS]
        del attempts[:-KEPT_ATTEMPTS]
        return answer not in dropped

    def counting(self) -> Iterator[Answered]:
        """Yield every pupil's last attempt."""
        for attempts in self.attempts.values():
            yield attempts[-1]


@dataclass(slots=True)
class LiveClass:
    """What is so in one class now. `questions` are in the order of their opening, the newest last."""

    school_class: str
    questions: list[LiveQuestion] = field(default_factory=list)
    lease: LeaseHeld | None = None
    opened: LessonOpened | None = None
    attendance: dict[str, AttendanceTaken] = field(default_factory=dict)

    def question(self, key: str) -> LiveQuestion | None:
        """Return a question that is still kept."""
        return next((one for one in reversed(self.questions) if one.asked.question == key), None)

    def open_question(self) -> LiveQuestion | None:
        """Return the question that takes answers."""
        newest = self.questions[-1] if self.questions else None
        return newest if newest is not None and newest.closed_at_ms is None else None

    def apply(self, fact: AnyFact) -> bool:
        """Take a fact; return whether it changed anything."""
        match fact:
            case Answered():
                question = self.question(fact.question)
                return question is not None and _same_lesson(question, fact) and question.take(fact)
            case AttendanceTaken():
                before = self.attendance.get(fact.person)
                if before is not None and before.observed_at_ms >= fact.observed_at_ms:
                    return False
                self.attendance[fact.person] = fact
            case QuestionOpened():
                self._ask(fact)
            case QuestionClosed():
                question = self.question(fact.question)
                if question is None or question.closed_at_ms is not None:
                    return False
                question.closed_at_ms = fact.closed_at_ms
            case LeaseHeld():
                self.lease = fact
            case LeaseEnded():
                if self.lease is None or self.lease.lease != fact.lease:
                    return False
                self.lease = None
            case LessonOpened():
                self.opened = fact
            case LessonClosed():
                if self.opened is None or self.opened.lesson != fact.lesson:
                    return False
                self.opened = None
        return True

    def facts(self) -> Iterator[AnyFact]:
        """Yield facts that this state would be folded from."""
        if self.opened is not None:
            yield self.opened
        yield from self.attendance.values()
        for question in self.questions:
            yield question.asked
            for attempts in question.attempts.values():
                yield from attempts
            if question.closed_at_ms is not None:
                yield QuestionClosed(
                    school_class=self.school_class,
                    question=question.asked.question,
                    closed_at_ms=question.closed_at_ms,
                )
        if self.lease is not None:
            yield self.lease

    def forget(self, before_ms: int) -> None:
        """Let go of what is older than a moment: yesterday's questions and attendance."""
        self.questions = [one for one in self.questions if one.asked.opened_at_ms >= before_ms]
        self.attendance = {key: one for key, one in self.attendance.items() if one.observed_at_ms >= before_ms}
        if self.opened is not None and self.opened.ends_at_ms < before_ms:
            self.opened = None

    def forget_person(self, person: str, records: frozenset[str]) -> bool:
        """Let go of a person, or of single records of theirs; return whether there was anything."""
        found = False
        for question in self.questions:
            attempts = question.attempts.get(person, [])
            kept = [one for one in attempts if records and one.record_id not in records]
            found = found or len(kept) < len(attempts)
            if kept:
                question.attempts[person] = kept
            else:
                question.attempts.pop(person, None)
        if not records:
            found = self.attendance.pop(person, None) is not None or found
        return found

    def _ask(self, fact: QuestionOpened) -> None:
        again = self.question(fact.question)
        answers = again.attempts if again is not None and again.asked.lesson == fact.lesson else {}
        if again is not None:
            self.questions.remove(again)
        for one in self.questions:
            if one.closed_at_ms is None:
                one.closed_at_ms = fact.opened_at_ms
        self.questions.append(LiveQuestion(structs.replace(fact), None, answers))
        del self.questions[:-KEPT_QUESTIONS]


def _same_lesson(question: LiveQuestion, answer: Answered) -> bool:
    """Tell whether an answer is to this asking; the same question in another lesson is another asking."""
    return answer.lesson is None or question.asked.lesson is None or answer.lesson == question.asked.lesson
