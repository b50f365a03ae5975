"""What the mirrored documents say of this school's classes, indexed once per change: who is where, what is wanted."""

from __future__ import annotations

from typing import Protocol

from edge_agent.classroom.lessons import LessonPlan
from edge_agent.classroom.seats import Wanted
from protocols.content import Content
from protocols.desired import Body, DocumentKind, TerminalTargets, content_token
from protocols.roster import Pupil, Roster, SchoolClass, Timetable


class Mirror(Protocol):
    """Desired state as the agent holds it; see `edge_agent.downlink.Documents`."""

    def body(self, kind: DocumentKind) -> Body | None:
        """Return what is desired, or None when the centre never said."""
        ...

    def token(self, kind: DocumentKind) -> str | None:
        """Return the token of the document held."""
        ...


class NothingMirrored:
    """The mirror of an agent that follows no centre."""

    def body(self, kind: DocumentKind) -> Body | None:
        """Return nothing."""

    def token(self, kind: DocumentKind) -> str | None:
        """Return nothing."""


class School:
    """The classes of one agent. Made anew whenever a document changes; `has_roster` is whether one ever arrived."""

    def __init__(self, mirror: Mirror) -> None:
        roster, timetable = mirror.body(DocumentKind.ROSTER), mirror.body(DocumentKind.TIMETABLE)
        content, targets = mirror.body(DocumentKind.CONTENT), mirror.body(DocumentKind.TERMINALS)
        self.has_roster = isinstance(roster, Roster)
        self.roster_token = mirror.token(DocumentKind.ROSTER)
        self.timetable_token = mirror.token(DocumentKind.TIMETABLE)
        self.targets = targets if isinstance(targets, TerminalTargets) else TerminalTargets()
        self.plan = LessonPlan(timetable.lessons if isinstance(timetable, Timetable) else ())
        self.classes: dict[str, SchoolClass] = {}
        self.classes_of: dict[str, list[str]] = {}
        """The classes of a person."""
        self.pupil_at: dict[str, tuple[str, Pupil]] = {}
        """The class and pupil that a terminal is meant for."""
        for one in roster.classes if isinstance(roster, Roster) else ():
            self.classes[one.school_class] = one
            for pupil in one.pupils:
                self.classes_of.setdefault(pupil.person, []).append(one.school_class)
                if pupil.terminal is not None:
                    self.pupil_at.setdefault(pupil.terminal, (one.school_class, pupil))
        self._content = content if isinstance(content, Content) else None
        self._wanted: dict[str, Wanted] = {}

    def pupils(self, school_class: str) -> list[Pupil] | None:
        """Return the pupils of a class; None for one that no roster names."""
        known = self.classes.get(school_class)
        return None if known is None else known.pupils

    def wanted(self, school_class: str | None) -> Wanted:
        """Return what devices of a class, or of none, should have."""
        key = school_class or ""
        known = self._wanted.get(key)
        if known is None:
            known = self._wanted[key] = Wanted(
                content_token=self._content_token(school_class),
                roster_token=self.roster_token,
                app_version=self.targets.app_version,
                configuration_token=self.targets.configuration_token,
            )
        return known

    def _content_token(self, school_class: str | None) -> str | None:
        if self._content is None:
            return None
        tokens = [one.token for one in self._content.manifests if not one.classes or school_class in one.classes]
        return content_token(tokens) if tokens else None
