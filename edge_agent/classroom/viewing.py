"""Puts together what is shown: live class, school and terminals into the bodies of `views`. Reads, changes nothing."""

from __future__ import annotations

from typing import Protocol

from edge_agent.classroom.boards import board
from edge_agent.classroom.live import LiveClass
from edge_agent.classroom.seats import SeatState, seat
from edge_agent.classroom.service import Classrooms
from edge_agent.classroom.values import LessonOpened
from edge_agent.classroom.views import (
    Board,
    ClassState,
    ClassSummary,
    LeaseView,
    LessonView,
    QuestionView,
    Taught,
    TerminalDesired,
    WantedContent,
)
from protocols.desired import ReportedTerminal
from protocols.records import Attended
from protocols.roster import Lesson, Pupil

MANIFESTS_URL = "/v1/content?school_class="
EARLY_MS = 30 * 60 * 1000
"""Attendance without a lesson's name counts for the lesson when it was taken this long before it, or later."""
_DRIFT_MS = 2000


class SaidByTerminals(Protocol):
    """What terminals last said; see `edge_agent.terminals.Terminals`."""

    def said(self, terminal: str) -> tuple[ReportedTerminal, bool | None] | None:
        """Return a terminal's last word and whether it charges."""
        ...


class Viewing:
    """The views of one agent's classes."""

    def __init__(self, classrooms: Classrooms, terminals: SaidByTerminals) -> None:
        self._rooms = classrooms
        self._terminals = terminals

    def taught(self) -> Taught:
        """Return every class, those in a lesson first, then by key."""
        school = self._rooms.school
        keys = {*school.classes, *(one.school_class for one in self._rooms.book)}
        classes = [self._summary(key) for key in keys]
        return Taught(
            at_ms=self._rooms.now_ms(),
            roster_token=school.roster_token,
            timetable_token=school.timetable_token,
            classes=sorted(classes, key=lambda one: (one.now is None, one.school_class)),
        )

    def state(self, school_class: str) -> ClassState:
        """Return one class.

        Raises:
            UnknownClass.
        """
        live = self._rooms.live(school_class)
        school = self._rooms.school
        now_ms = self._rooms.now_ms()
        attendance = self._attendance(live)
        seats = [
            self._seat(school_class, pupil, attendance.get(pupil.person), now_ms)
            for pupil in school.pupils(school_class) or self._strangers(live)
        ]
        summary = self._summary(school_class)
        return ClassState(
            at_ms=now_ms,
            school_class=school_class,
            title=summary.title,
            title_en=summary.title_en,
            lesson=summary.now,
            next=summary.next,
            seats=seats,
            not_safe=sum(one.safe is False for one in seats),
            not_known=sum(one.safe is None for one in seats),
            question=self._question(live),
            lease=summary.lease,
            wanted=school.wanted(school_class),
            timetable_token=school.timetable_token,
        )

    def board(self, school_class: str) -> Board:
        """Return the board of the newest question.

        Raises:
            UnknownClass.
        """
        live = self._rooms.live(school_class)
        attendance = self._attendance(live)
        newest = live.questions[-1] if live.questions else None
        away = {person for person, state in attendance.items() if state in (Attended.ABSENT, Attended.EXCUSED)}
        return board(school_class, newest, self._rooms.school.pupils(school_class), away, self._rooms.now_ms())

    def desired(self, terminal: str) -> TerminalDesired:
        """Return what a terminal should have and show. Cheap: a few dictionary entries, no loop over anything."""
        school = self._rooms.school
        person, school_class = self.whereabouts(terminal)
        live = self._rooms.book.get(school_class) if school_class is not None else None
        wanted = school.wanted(school_class)
        away = (
            live is not None
            and person is not None
            and self._attendance_of(live, person) in (Attended.ABSENT, Attended.EXCUSED)
        )
        return TerminalDesired(
            at_ms=self._rooms.now_ms(),
            terminal=terminal,
            person=person,
            school_class=school_class,
            lesson=None if school_class is None else self._lesson(school_class),
            question=None if live is None else self._question(live),
            lease=None if school_class is None or person is None or away else self._lease(school_class),
            roster_token=wanted.roster_token,
            content=WantedContent(token=wanted.content_token, manifests_url=f"{MANIFESTS_URL}{school_class or ''}"),
            app_version=wanted.app_version,
            configuration=school.targets.configuration,
            configuration_token=wanted.configuration_token,
        )

    def whereabouts(self, terminal: str) -> tuple[str | None, str | None]:
        """Return who holds a terminal and in which class: of several the one that has a lesson now."""
        school = self._rooms.school
        person = self._rooms.holders.person_at(terminal)
        if person is not None:
            classes = school.classes_of.get(person, [])
            in_lesson = (key for key in classes if self._rooms.lesson(key) is not None)
            return person, next(in_lesson, classes[0] if classes else None)
        meant = school.pupil_at.get(terminal)
        return (None, None) if meant is None else (meant[1].person, meant[0])

    def _summary(self, school_class: str) -> ClassSummary:
        known = self._rooms.school.classes.get(school_class)
        live = self._rooms.live(school_class)
        following = self._rooms.school.plan.at(school_class, self._rooms.now_ms()).next
        return ClassSummary(
            school_class=school_class,
            title=school_class if known is None else known.title,
            title_en="" if known is None else known.title_en,
            pupils=0 if known is None else len(known.pupils),
            now=self._lesson(school_class),
            next=None if following is None else _planned(following),
            question_open=live.open_question() is not None,
            lease=self._lease(school_class),
        )

    def _seat(self, school_class: str, pupil: Pupil, attendance: Attended | None, now_ms: int) -> SeatState:
        terminal = self._terminal_of(pupil)
        said = None if terminal is None else self._terminals.said(terminal)
        return seat(
            pupil,
            None if said is None else said[0],
            self._rooms.school.wanted(school_class),
            now_ms=now_ms,
            terminal=terminal,
            charging=None if said is None else said[1],
            attendance=attendance,
        )

    def _terminal_of(self, pupil: Pupil) -> str | None:
        """Return the device that the pupil says to hold, else the one meant for them unless somebody else has it."""
        held = self._rooms.holders.terminal_of(pupil.person)
        if held is not None or pupil.terminal is None:
            return held
        holder = self._rooms.holders.person_at(pupil.terminal)
        return pupil.terminal if holder in (None, pupil.person) else None

    def _attendance(self, live: LiveClass) -> dict[str, Attended]:
        found = ((person, self._attendance_of(live, person)) for person in live.attendance)
        return {person: state for person, state in found if state is not None}

    def _attendance_of(self, live: LiveClass, person: str) -> Attended | None:
        taken = live.attendance.get(person)
        lesson = self._rooms.lesson(live.school_class)
        if taken is None:
            return None
        if lesson is None:
            return taken.state if taken.lesson is None else None
        if taken.lesson is None:
            return taken.state if taken.observed_at_ms >= lesson.starts_at_ms - EARLY_MS else None
        return taken.state if taken.lesson == lesson.lesson else None

    def _strangers(self, live: LiveClass) -> list[Pupil]:
        """Return, without a roster, whoever answered: the page is then at least about them."""
        persons = {person for question in live.questions for person in question.attempts}
        return [Pupil(person=person) for person in sorted(persons)]

    def _lesson(self, school_class: str) -> LessonView | None:
        lesson = self._rooms.lesson(school_class)
        return _planned(lesson) if isinstance(lesson, Lesson) else None if lesson is None else _opened(lesson)

    def _lease(self, school_class: str) -> LeaseView | None:
        lease = self._rooms.lease(school_class)
        if lease is None:
            return None
        ends_at_ms = self._rooms.now_ms() + self._rooms.lease_remaining_ms(lease)
        # The stored moment, unless a clock was set since: what is shown stays the same from one asking to the next.
        same = abs(ends_at_ms - lease.ends_at_ms) < _DRIFT_MS
        return LeaseView(
            lease=lease.lease,
            kind=lease.kind,
            granted_at_ms=lease.granted_at_ms,
            ends_at_ms=lease.ends_at_ms if same else ends_at_ms,
        )

    def _question(self, live: LiveClass) -> QuestionView | None:
        asked = live.open_question()
        if asked is None:
            return None
        return QuestionView(
            question=asked.asked.question,
            lesson=asked.asked.lesson,
            prompt=asked.asked.prompt,
            options=asked.asked.options,
            opened_at_ms=asked.asked.opened_at_ms,
        )


def _planned(lesson: Lesson) -> LessonView:
    return LessonView(
        lesson=lesson.lesson,
        topic=lesson.topic,
        starts_at_ms=lesson.starts_at_ms,
        ends_at_ms=lesson.ends_at_ms,
        period=lesson.period,
        exam=lesson.exam,
    )


def _opened(lesson: LessonOpened) -> LessonView:
    return LessonView(
        lesson=lesson.lesson,
        topic=lesson.topic,
        starts_at_ms=lesson.starts_at_ms,
        ends_at_ms=lesson.ends_at_ms,
        opened_here=True,
    )
