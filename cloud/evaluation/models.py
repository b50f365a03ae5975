"""A framework of indicators as values: dimensions, sub-dimensions, indicators, and how each indicator is worked out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from protocols.records import Reference


class Stage(StrEnum):
    """A stage of schooling, in order."""

    PRIMARY = "primary"
    JUNIOR = "junior"
    SENIOR = "senior"


class Level(StrEnum):
    """Where a node stands in the tree."""

    DIMENSION = "dimension"
    SUBDIMENSION = "subdimension"
    INDICATOR = "indicator"


class Kind(StrEnum):
    """What an indicator's values are."""

    COUNT = "count"
    HOURS = "hours"
    LEVEL = "level"
    SCORE = "score"


class SourceType(StrEnum):
    """Which facts feed an indicator. `manual` is evidence that a person, not an app, judged and entered."""

    EVIDENCE = "evidence"
    MANUAL = "manual"
    ACTIVITY = "activity"
    ATTENDANCE = "attendance"
    ANSWER = "answer"
    SUBMISSION = "submission"


MEASURES: dict[SourceType, tuple[str, ...]] = {
    SourceType.EVIDENCE: (),
    SourceType.MANUAL: (),
    SourceType.ACTIVITY: ("hours", "count"),
    SourceType.ATTENDANCE: ("presence", "punctuality"),
    SourceType.ANSWER: ("correctness", "participation"),
    SourceType.SUBMISSION: ("handed_in",),
}
"""What can be taken from the facts of each source."""


class Direction(StrEnum):
    """Whether more or less is better."""

    HIGHER = "higher"
    LOWER = "lower"


class Aggregation(StrEnum):
    """How the values of one period become one. A `ratio` is the mean of parts of one."""

    SUM = "sum"
    MEAN = "mean"
    LAST = "last"
    MAX = "max"
    RATIO = "ratio"


class Frequency(StrEnum):
    """How often evidence is expected; an indicator of the `year` is not expected of a single term."""

    LESSON = "lesson"
    EVENT = "event"
    MONTH = "month"
    TERM = "term"
    YEAR = "year"


class Bounds(Struct, frozen=True, forbid_unknown_fields=True):
    """A closed range; `minimum` is below `maximum`."""

    minimum: float
    maximum: float

    def holds(self, value: float) -> bool:
        """Whether `value` lies within."""
        return self.minimum <= value <= self.maximum


class Source(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where an indicator's values come from. `activities` are kinds of activity: what stands before the first dot."""

    type: SourceType
    measure: str | None = None
    activities: list[Reference] = []


class Definition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an indicator is worked out. One item's value lies within `accepts`; a period's is scaled from `scale`."""

    stages: Annotated[list[Stage], Meta(min_length=1)]
    kind: Kind
    source: Source
    direction: Direction
    scale: Bounds
    accepts: Bounds
    aggregation: Aggregation
    frequency: Frequency
    formula_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A dimension, a sub-dimension or, with a `definition`, an indicator."""

    identifier: str
    code: str
    level: Level
    parent: str | None
    statement: str
    statement_en: str
    definition: Definition | None = None
    same_as: Sequence[str] = ()
    follows: Sequence[str] = ()
    valid_from: date | None = None
    valid_to: date | None = None

    def valid_on(self, day: date) -> bool:
        """Whether the node is in force on a day."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)

    def in_force(self, begins_on: date, ends_on: date) -> bool:
        """Whether the node is in force on some day of a period."""
        return (self.valid_from is None or self.valid_from <= ends_on) and (
            self.valid_to is None or begins_on <= self.valid_to
        )


class Indicator(NamedTuple):
    """An indicator with its place in the tree."""

    node: Node
    definition: Definition
    subdimension: str
    dimension: str

    @property
    def keys(self) -> tuple[str, ...]:
        """What items that feed it count for."""
        source = self.definition.source
        if source.type in (SourceType.EVIDENCE, SourceType.MANUAL):
            return (self.node.identifier, *self.node.same_as)
        if source.type is SourceType.ACTIVITY:
            return tuple(activity_key(str(source.measure), kind) for kind in source.activities)
        return (f"{source.type}.{source.measure}",)


def activity_key(measure: str, kind: str) -> str:
    """Return what an activity of a kind counts for."""
    return f"activity.{measure}.{kind}"


@dataclass(frozen=True)
class Framework:
    """A version of the framework. `nodes` are in the order of reading: each parent before its children."""

    framework: str
    title: str
    title_en: str
    version: str
    nodes: Sequence[Node] = field(repr=False)

    @cached_property
    def by_code(self) -> Mapping[str, Node]:
        """Every node by its code."""
        return {node.code: node for node in self.nodes}

    @cached_property
    def indicators(self) -> Mapping[str, Indicator]:
        """Every indicator by its code."""
        found = {}
        for node in self.nodes:
            if node.definition is not None and node.parent is not None:
                dimension = self.by_code[node.parent].parent or node.parent
                found[node.code] = Indicator(node, node.definition, node.parent, dimension)
        return found

    @cached_property
    def by_name(self) -> Mapping[str, Indicator]:
        """Every indicator by its code and by its identifier: what evidence may call it."""
        return {**{one.node.identifier: one for one in self.indicators.values()}, **self.indicators}

    def expected(self, stage: Stage, begins_on: date, ends_on: date, *, whole_year: bool) -> list[Indicator]:
        """Return the indicators that a pupil of a stage should have values of in a period."""
        return [
            one
            for one in self.indicators.values()
            if stage in one.definition.stages
            and one.node.in_force(begins_on, ends_on)
            and (whole_year or one.definition.frequency is not Frequency.YEAR)
        ]


class Activation(NamedTuple):
    """From when on a framework is the active one."""

    framework: str
    activated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """A class that a pupil is or was in; dates are inclusive, None when the district's files do not say."""

    person: str
    school_class: str
    stage: str
    begins_on: date | None
    ends_on: date | None
    term_begins_on: date | None
    term_ends_on: date | None
    retired: bool


def enrolment_on(enrolments: Sequence[Enrolment], day: date, school_class: str | None) -> Enrolment | None:
    """Return the class a pupil was in on a day; in holidays between two, the one before; None before the first.

    Of several, the class that a record names is meant, then one of the term of that day, then the newest.
    """

    def preference(one: Enrolment) -> tuple[bool, bool, bool, date, bool, str]:
        covers = one.ends_on is None or day <= one.ends_on
        in_term = (
            one.term_begins_on is not None
            and one.term_begins_on <= day
            and (one.term_ends_on is None or day <= one.term_ends_on)
        )
        begins_on = one.begins_on or one.term_begins_on or date.min
        return covers, one.school_class == school_class, in_term, begins_on, not one.retired, one.school_class

    begun = [one for one in enrolments if one.begins_on is None or one.begins_on <= day]
    return max(begun, key=preference, default=None)
