"""Rows of homework as they are stored. Times are aware, UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cloud.homework.rules import Judgement, Settlement, Version


@dataclass(frozen=True, slots=True)
class Judged:
    """A row of `homework_grades`."""

    record_id: str
    submission: str
    grader: str | None
    base_version: int
    score: float | None
    max_score: float | None
    comment: str
    made_at: datetime
    stored_at: datetime
    place: int
    chosen: bool | None
    settled_at: datetime | None
    forgotten: bool

    @property
    def judgement(self) -> Judgement:
        """What the rules need of it."""
        settlement = None
        if self.chosen is not None and self.settled_at is not None:
            settlement = Settlement(self.chosen, self.settled_at)
        return Judgement(self.record_id, self.base_version, self.stored_at, self.place, settlement)


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A row of `homework_submissions`; `parts` are files as `protocols.records.Part` says them."""

    record_id: str
    assignment: str
    person: str
    version: int
    body: str
    parts: list[dict[str, Any]]
    made_at: datetime
    received_at: datetime

    @property
    def as_version(self) -> Version:
        """What the rules need of it."""
        return Version(self.record_id, self.made_at)


@dataclass(frozen=True, slots=True)
class Pupil:
    """A pupil whom an assignment is for."""

    assignment: str
    person: str
    group_name: str | None
    school_class: str | None
    school: str | None
    number: int | None
