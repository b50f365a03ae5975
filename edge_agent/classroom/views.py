"""What is shown of a class: the bodies of the class API, to the teacher's pages, to apps and to terminals.

Every time is the agent's wall clock in milliseconds; each body says in `at_ms` when it was made, so that whoever shows
an age needs no right clock.
"""

from __future__ import annotations

from msgspec import Struct

from edge_agent.classroom.seats import SeatState, Wanted
from edge_agent.classroom.values import LeaseKind


class LessonView(Struct, frozen=True, kw_only=True):
    """A lesson. `opened_here` is one that the teacher opened without a timetable."""

    lesson: str
    topic: str
    starts_at_ms: int
    ends_at_ms: int
    period: int | None = None
    exam: bool = False
    opened_here: bool = False


class LeaseView(Struct, frozen=True, kw_only=True):
    """A lease in force; it ends by itself at `ends_at_ms`."""

    lease: str
    kind: LeaseKind
    granted_at_ms: int
    ends_at_ms: int


class QuestionView(Struct, frozen=True, kw_only=True):
    """The question that takes answers, as a pupil may see it: options are A, B, … in their order."""

    question: str
    lesson: str | None
    prompt: str
    options: list[str]
    opened_at_ms: int


class ClassSummary(Struct, frozen=True, kw_only=True):
    """A class with what is taught now and next."""

    school_class: str
    title: str
    title_en: str
    pupils: int
    now: LessonView | None
    next: LessonView | None
    question_open: bool
    lease: LeaseView | None


class Taught(Struct, frozen=True, kw_only=True):
    """Every class of this agent, those in a lesson first. Without a roster only classes that were opened here."""

    at_ms: int
    roster_token: str | None
    timetable_token: str | None
    classes: list[ClassSummary]


class ClassState(Struct, frozen=True, kw_only=True):
    """One class now. `not_safe` devices hold unsent work for certain; of `not_known` nobody can say."""

    at_ms: int
    school_class: str
    title: str
    title_en: str
    lesson: LessonView | None
    next: LessonView | None
    seats: list[SeatState]
    not_safe: int
    not_known: int
    question: QuestionView | None
    lease: LeaseView | None
    wanted: Wanted
    timetable_token: str | None


class BoardOption(Struct, frozen=True, kw_only=True):
    """One option and how many last attempts chose it."""

    letter: str
    text: str
    count: int


class BoardAnswer(Struct, frozen=True, kw_only=True):
    """A pupil's attempt that counts. `attempts` are kept here; `late` came after the question was closed."""

    person: str
    number: int | None
    response: str
    attempt: int
    attempts: int
    accepted_at_ms: int
    correct: bool | None
    late: bool


class Missing(Struct, frozen=True, kw_only=True):
    """A pupil who has not answered."""

    person: str
    number: int | None


class Board(Struct, frozen=True, kw_only=True):
    """The newest question of a class, open or just closed, and what the class says to it.

    `total` are the pupils who are not marked absent, and whoever else answered; null without a roster. `other` counts
    responses that are no option. `correct` counts right answers, null when nobody said what is right.
    """

    at_ms: int
    school_class: str
    question: str | None = None
    lesson: str | None = None
    prompt: str = ""
    opened_at_ms: int | None = None
    closed_at_ms: int | None = None
    options: list[BoardOption] = []
    other: int = 0
    answered: int = 0
    total: int | None = None
    correct: int | None = None
    correct_option: str | None = None
    missing: list[Missing] = []
    answers: list[BoardAnswer] = []


class WantedContent(Struct, frozen=True, kw_only=True):
    """The content of the class: what to report once all of it is held, and where its manifests are."""

    token: str | None
    manifests_url: str


class TerminalDesired(Struct, frozen=True, kw_only=True):
    """What a terminal should have and show now. It asks again at once with the ETag that it got, for ever.

    `person` is who holds it, by its last check-in or by the roster. A lease that is here is in force until
    `ends_at_ms`, told by the clock of `at_ms`; the terminal ends it by itself then, in reach of the agent or not.
    """

    at_ms: int
    terminal: str
    person: str | None
    school_class: str | None
    lesson: LessonView | None
    question: QuestionView | None
    lease: LeaseView | None
    roster_token: str | None
    content: WantedContent
    app_version: str | None
    configuration: dict[str, str | int | float | bool]
    configuration_token: str | None
