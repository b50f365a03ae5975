"""The board of a question: counts over the last attempts. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from edge_agent.classroom.live import LiveQuestion
from edge_agent.classroom.values import LETTERS, Answered
from edge_agent.classroom.views import Board, BoardAnswer, BoardOption, Missing
from protocols.roster import Pupil


def board(
    school_class: str,
    question: LiveQuestion | None,
    pupils: Sequence[Pupil] | None,
    away: Collection[str],
    now_ms: int,
) -> Board:
    """Return the board; `pupils` is None without a roster, `away` are persons of whom no answer is expected."""
    expected = [one for one in pupils or () if one.person not in away]
    if question is None:
        return Board(at_ms=now_ms, school_class=school_class, total=None if pupils is None else len(expected))
    asked = question.asked
    numbers = {one.person: one.number for one in pupils or ()}
    answers = [_shown(one, question, numbers.get(one.person)) for one in question.counting()]
    answers.sort(key=lambda one: (one.number is None, one.number or 0, one.person))
    chosen = [_letter(one.response) for one in answers]
    options = [
        BoardOption(letter=letter, text=text, count=chosen.count(letter))
        for letter, text in zip(LETTERS, asked.options, strict=False)
    ]
    missing = [Missing(person=one.person, number=one.number) for one in expected if one.person not in question.attempts]
    judged = [one.correct for one in answers if one.correct is not None]
    return Board(
        at_ms=now_ms,
        school_class=school_class,
        question=asked.question,
        lesson=asked.lesson,
        prompt=asked.prompt,
        opened_at_ms=asked.opened_at_ms,
        closed_at_ms=question.closed_at_ms,
        options=options,
        other=len(answers) - sum(one.count for one in options),
        answered=len(answers),
        total=None if pupils is None else len(answers) + len(missing),
        correct=sum(judged) if judged or asked.correct is not None else None,
        correct_option=asked.correct,
        missing=missing,
        answers=answers,
    )


def _shown(answer: Answered, question: LiveQuestion, number: int | None) -> BoardAnswer:
    right = question.asked.correct
    return BoardAnswer(
        person=answer.person,
        number=number,
        response=answer.response,
        attempt=answer.attempt,
        attempts=len(question.attempts[answer.person]),
        accepted_at_ms=answer.accepted_at_ms,
        correct=answer.correct if right is None else _letter(answer.response) == right,
        late=question.closed_at_ms is not None and answer.accepted_at_ms > question.closed_at_ms,
    )


def _letter(response: str) -> str:
    return response.strip().upper()
