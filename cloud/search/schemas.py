"""What a search finds, as the API shows it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from cloud.http.schemas import Document
from cloud.status.models import StatusWord


class FoundKind(StrEnum):
    """Kinds of thing that can be found, in the order in which equally good finds are listed."""

    SCHOOL = "school"
    LINK = "link"
    GATEWAY = "gateway"
    CLASSROOM = "classroom"
    CLASS = "class"
    DEVICE = "device"
    PORT = "port"
    TERMINAL = "terminal"


class Match(StrEnum):
    """How well a thing matches, best first."""

    EXACT = "exact"
    PREFIX = "prefix"
    INSIDE = "inside"
    AROUND = "around"


class Found(Document):
    """One thing that was found."""

    kind: FoundKind
    """What it is."""
    key: str = Field(examples=["s07-wan"])
    """Its key; a port's is its device's, a slash and its name."""
    name: str = Field(examples=["第七小学专线"])
    """Its name; empty when it has none."""
    name_en: str = Field(examples=["Primary School No. 7 line"])
    """Its English name; empty when it has none."""
    school: str | None = Field(default=None, examples=["s07"])
    """Id of its school; null for what belongs to none."""
    school_name: str | None = Field(default=None, examples=["第七小学"])
    """Its school's name; null likewise."""
    school_name_en: str | None = Field(default=None, examples=["Primary School No. 7"])
    """Its school's English name; null likewise."""
    match: Match
    """`exact` and `prefix` are of its key or a name, `inside` anywhere in them, `around` only together with its
    school's."""
    status: StatusWord | None = None
    """Its status; null for kinds that have none, and while nobody has judged it."""


class SearchResult(Document):
    """The best finds first."""

    q: str = Field(examples=["七小"])
    """What was searched for, without the blanks around it."""
    total: int = Field(examples=[12])
    """Things that match, of which the first are listed."""
    items: list[Found]
    """Best match first, then by kind and in district order."""
