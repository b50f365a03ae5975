"""What a terminal reads of its agent's answers. Unknown fields are passed over, because agents are upgraded first."""

from __future__ import annotations

from msgspec import Struct

from protocols.content import Manifest


class Question(Struct, frozen=True, kw_only=True):
    """The question that takes answers; options are A, B, … in their order."""

    question: str
    lesson: str | None = None
    prompt: str = ""
    options: list[str] = []
    opened_at_ms: int


class Lease(Struct, frozen=True, kw_only=True):
    """`lock` or `attention`, in force until `ends_at_ms` by the agent's clock, in reach of the agent or not."""

    lease: str
    kind: str
    ends_at_ms: int


class Lesson(Struct, frozen=True, kw_only=True):
    """The lesson in session."""

    lesson: str
    topic: str = ""
    ends_at_ms: int


class WantedContent(Struct, frozen=True, kw_only=True):
    """The token to report once all of the class's content is held, and where to read what that is."""

    token: str | None = None
    manifests_url: str = ""


class Desired(Struct, frozen=True, kw_only=True):
    """Everything a terminal should have and show."""

    at_ms: int
    person: str | None = None
    school_class: str | None = None
    lesson: Lesson | None = None
    question: Question | None = None
    lease: Lease | None = None
    roster_token: str | None = None
    content: WantedContent = WantedContent()
    app_version: str | None = None
    configuration: dict[str, str | int | float | bool] = {}
    configuration_token: str | None = None


class Manifests(Struct, frozen=True, kw_only=True):
    """The class's content as its agent lists it."""

    content_token: str | None = None
    manifests: list[Manifest] = []
