"""Evidence as the API tells it, and what a person decided about it."""

from __future__ import annotations

from pydantic import Field

from cloud.evaluation.models import Stage
from cloud.http.schemas import Document, Moment, Page


class EvidencePart(Document):
    """A file that an item declared."""

    sha256: str
    """SHA-256, hex."""
    size_bytes: int
    """Size as declared."""
    media_type: str
    """Media type as declared."""
    present: bool
    """Whether the whole file is at the centre."""


class EvidenceItem(Document):
    """One item that counts, or will, towards an indicator."""

    record_id: str
    """Id of the record it came with."""
    type: str = Field(examples=["evidence"])
    """Type of that record."""
    counts_for: str = Field(examples=["activity.hours.volunteer"])
    """Identifier of the indicator, or the measure it adds to."""
    indicator: str | None
    """Code of the indicator in the framework it was judged by; null for a measure."""
    framework: str | None
    """Framework it was judged by; null for a measure that belongs to none."""
    stage: Stage
    """Stage of the pupil then."""
    school_year: int
    """School year, by the calendar year in which it begins."""
    term: int
    """1 or 2."""
    school_class: str
    """Class of the pupil then."""
    value: float | None
    """Its value; null when the fact says nothing about this measure."""
    note: str
    """What was noted with it."""
    made_at: Moment
    """When the fact was made."""
    received_at: Moment
    """When the centre had it."""
    complete: bool
    """Whether every declared file has arrived; until then it does not count."""
    excluded_at: Moment | None
    """When a person took it out of every value; null when it counts."""
    exclusion_reason: str | None
    """Why a person took it out."""
    parts: list[EvidencePart]
    """The files it declared."""


class EvidenceList(Page):
    """Evidence and activities of one pupil."""

    items: list[EvidenceItem]
    """Newest first."""


class ExclusionRequest(Document):
    """Why a person takes a record out of every value."""

    reason: str = Field(min_length=1, max_length=200, examples=["entered for the wrong pupil"])
    """Kept with the record and shown in every explanation; without personal data."""


class ExclusionResult(Document):
    """What a person decided about a record."""

    record_id: str
    """The record."""
    excluded: bool
    """Whether it is now left out of every value."""
    items: int
    """Items that the record had fed."""
