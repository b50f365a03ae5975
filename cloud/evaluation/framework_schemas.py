"""Frameworks and indicators as the API tells them."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from cloud.evaluation.models import Aggregation, Direction, Frequency, Kind, Level, SourceType, Stage
from cloud.http.schemas import Document, Moment


class FrameworkSummary(Document):
    """A version of the framework of indicators."""

    framework: str = Field(examples=["a2bb119d-2026.1"])
    """Its id: the beginning of the CASE document's identifier, and its version."""
    title: str
    """What it is called, in Chinese."""
    title_en: str
    """What it is called, in English."""
    version: str = Field(examples=["2026.1"])
    """Version of the CASE document."""
    imported_at: Moment
    """When it was imported."""
    activated_at: Moment | None
    """When it last became the active one."""
    active: bool
    """Whether new evidence of this school year is judged by it."""
    dimensions: int = Field(examples=[5])
    """Number of dimensions."""
    indicators: int = Field(examples=[302])
    """Number of indicators."""


class FrameworkList(Document):
    """Every framework."""

    items: list[FrameworkSummary]
    """Newest import first."""


class ImportedFramework(Document):
    """What an import of a framework came to."""

    framework: str = Field(examples=["a2bb119d-2026.1"])
    """Its id."""
    dry_run: bool
    """True: nothing was changed."""
    stored: bool
    """Whether it is new; false when the same content was there already."""
    activated: bool
    """Whether it became the active one; false when it was that already."""
    replaces: str | None
    """The framework that was active before; null without one."""
    dimensions: int
    """Number of dimensions."""
    indicators: int = Field(examples=[302])
    """Number of indicators."""
    added: list[str]
    """Codes of indicators that the one before does not have."""
    removed: list[str]
    """Codes of indicators that only the one before has; their values stay, under that framework."""
    changed: list[str]
    """Codes of indicators that both have with another text or definition."""


class Name(Document):
    """A dimension, sub-dimension or indicator by name."""

    code: str = Field(examples=["M1-01"])
    """Its code in the framework."""
    statement: str
    """What it says, in Chinese."""
    statement_en: str
    """What it says, in English."""


class Range(Document):
    """A closed range."""

    minimum: float
    """Smallest value in it."""
    maximum: float
    """Largest value in it."""


class IndicatorDefinition(Name):
    """An indicator with everything that decides its value."""

    identifier: str
    """Its CASE identifier, the same in every version of the framework that has it."""
    dimension: str = Field(examples=["M"])
    """Code of its dimension."""
    subdimension: str = Field(examples=["M1"])
    """Code of its sub-dimension."""
    stages: list[Stage]
    """Stages of schooling it is asked of."""
    kind: Kind
    """What its values are."""
    source: SourceType
    """Which facts feed it; manual: evidence that a person judged."""
    measure: str | None
    """What is taken from those facts; null for evidence, whose value is taken."""
    activities: list[str]
    """Kinds of activity that count, when activities feed it."""
    direction: Direction
    """Whether more or less is better; with lower, the scale is read from its other end."""
    scale: Range
    """What becomes 0 and 100; a value beyond is cut to it."""
    accepts: Range
    """What one piece of evidence may say; anything else is refused."""
    aggregation: Aggregation
    """How the values of a period become one."""
    frequency: Frequency
    """How often evidence is expected."""
    formula_version: int
    """Version of the formula that works it out."""
    valid_from: date | None
    """First day in force; null: always."""
    valid_to: date | None
    """Last day in force; null: without end."""
    same_as: list[str]
    """Identifiers in other frameworks whose evidence counts here."""
    follows: list[str]
    """Codes of the earlier stage that it goes on from."""


class GroupName(Name):
    """A dimension or sub-dimension."""

    level: Level
    """Dimension or sub-dimension."""
    parent: str | None
    """Code of the dimension that a sub-dimension is part of; null for a dimension."""


class IndicatorList(Document):
    """Indicators of a framework."""

    framework: str
    """The framework's id."""
    groups: list[GroupName]
    """Its dimensions and sub-dimensions, in order."""
    items: list[IndicatorDefinition]
    """Those indicators that were asked for, in order."""
