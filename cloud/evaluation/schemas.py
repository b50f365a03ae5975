"""Values as the API tells them. Pupils are pseudonymous references; scaled values run from 0 to 100, 100 is best."""

from __future__ import annotations

from pydantic import Field

from cloud.evaluation.evidence_schemas import EvidenceItem
from cloud.evaluation.framework_schemas import IndicatorDefinition, Name
from cloud.evaluation.models import Stage
from cloud.http.schemas import Document, Moment


class IndicatorValue(Name):
    """One indicator of one pupil in one period."""

    value: float | None
    """As counted, in the indicator's own unit; null when there is no evidence: missing is not zero."""
    scaled: float | None
    """From 0 to 100, 100 is best; null when there is no evidence."""
    n: int
    """Items that the value rests on."""
    waiting: int
    """Items that do not count yet because files they declared have not arrived."""
    winsorised: bool
    """Whether the value was cut to the scale's bounds before scaling."""
    formula_version: int
    """Version of the formula that worked it out."""


class ChangeSince(Document):
    """A dimension against the pupil's own earlier period; never against other pupils."""

    school_year: int = Field(examples=[2025])
    """The earlier school year, by the calendar year it begins in."""
    stage: Stage
    """Stage of the pupil then."""
    compared: int
    """Indicators that have a value in both periods; only these are compared."""
    difference: float
    """Mean difference of their scaled values, later minus earlier."""
    band: float
    """Two standard errors: a difference smaller than this says nothing."""


class GroupResult(Name):
    """A dimension or sub-dimension of one pupil in one period."""

    expected: int
    """Indicators in force for the stage and period."""
    present: int
    """How many of them have a value."""
    coverage_ratio: float
    """Present over expected, 0 to 1."""
    sufficient: bool
    """Whether coverage is at least 0.6; below, no number is told."""
    value: float | None
    """Mean scaled value of the present indicators, 0 to 100; null when coverage is insufficient."""


class SubdimensionResult(GroupResult):
    """A sub-dimension with its indicators."""

    indicators: list[IndicatorValue]
    """Every expected indicator, in order."""


class DimensionResult(GroupResult):
    """A dimension with its sub-dimensions."""

    change: ChangeSince | None
    """Against the pupil's own year before; null when too little compares."""
    subdimensions: list[SubdimensionResult]
    """Its sub-dimensions, in order."""


class YearResult(Document):
    """One pupil's school year in one stage. There is no total over the dimensions."""

    school_year: int = Field(examples=[2026])
    """The school year, by the calendar year in which it begins."""
    term: int | None
    """1 or 2 when one term was asked for; null: the whole year."""
    stage: Stage
    """Stage of schooling."""
    framework: str
    """The framework that the year is read by."""
    dimensions: list[DimensionResult]
    """The dimensions, in order."""


class Profile(Document):
    """One pupil across primary, junior and senior."""

    person: str
    """Pseudonymous reference."""
    years: list[YearResult]
    """Every school year with any item, oldest first."""


class Step(Document):
    """One step of working out a value."""

    does: str = Field(examples=["sum of 3 values"])
    """What was done."""
    result: float
    """What it came to."""


class Explanation(Document):
    """How one value came about (Personal Information Protection Law, article 24), and what a person can do about it."""

    person: str
    """Pseudonymous reference."""
    framework: str
    """Framework by which it was worked out."""
    stage: Stage
    """Stage of the pupil in that year."""
    school_year: int
    """School year, by the calendar year in which it begins."""
    term: int | None
    """1 or 2 when one term was asked for; null: the whole year."""
    indicator: IndicatorDefinition
    """The indicator and everything that decides its value."""
    result: IndicatorValue
    """The value."""
    steps: list[Step]
    """How it was worked out, in order; empty when there is no evidence."""
    evidence: list[EvidenceItem]
    """All it rests on, and what does not count with the reason, newest first."""
    objection: str
    """How a person can have it changed."""


class RefusedRecords(Document):
    """Records that could not be taken, by reason."""

    reason: str = Field(examples=["out_of_bounds"])
    """Stable code of the reason."""
    records: int
    """How many; they are kept and can be tried again."""


class RefusalList(Document):
    """Records that evaluation could not take and has not taken since."""

    items: list[RefusedRecords]
    """By reason, most first."""


class ReplayResult(Document):
    """What trying refused records again came to."""

    tried: int
    """Refused records that were tried."""
    taken: int
    """How many of them count now."""


class NotArrived(Document):
    """What agents of the school may still have: as long as there is any, missing may mean not arrived."""

    held_records: int = Field(examples=[0])
    """Records that agents said they hold and have no receipt for."""
    oldest_held_at: Moment | None
    """When the oldest of them was taken; null when none is held."""
    agents_offline: int
    """Agents that are not heard now, which may hold more."""
    damaged_items: int
    """Items of any kind that agents' disks lost; counted, never silent."""


class CoverageOfGroup(Name):
    """How far a class's pupils are covered in one dimension."""

    expected: int
    """Indicators expected of each pupil."""
    coverage_ratio: float
    """Mean coverage over the pupils, 0 to 1."""
    sufficient_pupils: int
    """Pupils with at least 0.6."""


class CoverageOfIndicator(Name):
    """How many pupils of a class have a value of one indicator."""

    dimension: str
    """Code of its dimension."""
    pupils_with: int
    """Pupils with at least one item that counts."""
    pupils_waiting: int
    """Pupils with items whose files have not all arrived."""


class CoverageOfPupil(Document):
    """How far one pupil is covered."""

    person: str
    """Pseudonymous reference."""
    present: int
    """Indicators with a value, over all dimensions."""
    coverage_ratio: float
    """Present over expected, over all dimensions."""
    insufficient: list[str]
    """Codes of the dimensions below 0.6."""


class ClassCoverage(Document):
    """Where evidence of a class is missing; no values."""

    school_class: str
    """The class."""
    stage: Stage
    """Its stage."""
    school_year: int
    """School year, by the calendar year in which it begins."""
    term: int | None
    """1 or 2 when one term was asked for; null: the whole year."""
    framework: str
    """Framework that the year is read by."""
    pupils: int
    """Pupils in the class now."""
    expected: int
    """Indicators expected of each pupil."""
    not_arrived: NotArrived
    """What agents of its school may still have."""
    refused: list[RefusedRecords]
    """Records of this class that evaluation could not take."""
    dimensions: list[CoverageOfGroup]
    """The dimensions, in order."""
    indicators: list[CoverageOfIndicator]
    """Indicators, those that fewest pupils have first."""
    people: list[CoverageOfPupil]
    """Pupils, in the order of their number."""


class GroupMedian(Name):
    """A dimension or sub-dimension over a school's pupils."""

    pupils_with_value: int
    """Pupils whose own coverage suffices."""
    median: float | None
    """Median of their values; null with fewer than 30 pupils, for it would speak of individuals."""
    coverage_ratio: float
    """Mean coverage over all pupils of the school, 0 to 1."""


class SchoolSummary(Document):
    """A school's pupils as a group. No pupil, no rank."""

    school: str
    """The school."""
    stage: Stage
    """Its stage."""
    school_year: int
    """School year, by the calendar year in which it begins."""
    term: int | None
    """1 or 2 when one term was asked for; null: the whole year."""
    framework: str
    """Framework that the year is read by."""
    pupils: int
    """Pupils in the school now."""
    not_arrived: NotArrived
    """What agents of the school may still have."""
    groups: list[GroupMedian]
    """Dimensions and sub-dimensions, in order."""
