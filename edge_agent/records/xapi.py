"""xAPI 1.0.3 statements as records, for learning apps that speak it already. Pure.

A statement is taken when it says what a registered record type can say; anything else is refused with the field's name,
because a field without a purpose may not be kept. The verbs are those of the ADL vocabulary:

========================  ===============  ======================================================
verb (last part of IRI)   record           from
========================  ===============  ======================================================
`answered`                answer           object, result (response, success, score, duration)
`experienced`             resource_view    object, result.duration
`attended`                attendance       present
`participated`            activity         object, result.duration
========================  ===============  ======================================================

The actor is an account whose name is the pupil's pseudonymous reference; the first `parent` activity of the context is
the lesson, the first `grouping` the class. Of an IRI the last part counts. Source: xAPI-Spec 1.0.3, part 2 §2 and
part 3 §2.1.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

from protocols.records import Activity, Answer, AnyFact, Attendance, Attended, RecordBody, ResourceView

VERSION = "1.0.3"
MAX_STATEMENTS = 200

Iri = Annotated[str, Meta(min_length=1, max_length=500)]
LanguageMap = dict[str, str]


class _Struct(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class Account(_Struct, frozen=True, kw_only=True, rename="camel"):
    """Who, as a system knows them; `name` is the pseudonymous reference."""

    home_page: Iri
    name: Annotated[str, Meta(min_length=1, max_length=63)]


class Actor(_Struct, frozen=True, kw_only=True, rename="camel"):
    """The pupil. A name or mailbox has no place here."""

    account: Account
    object_type: Literal["Agent"] = "Agent"


class Verb(_Struct, frozen=True, kw_only=True):
    """What was done; the display is not kept."""

    id: Iri
    display: LanguageMap = {}


class Object(_Struct, frozen=True, kw_only=True, rename="camel"):
    """What it was done to; the definition is not kept."""

    id: Iri
    object_type: Literal["Activity"] = "Activity"
    definition: dict[str, Any] = {}


class Score(_Struct, frozen=True, kw_only=True):
    """A score, scaled to 1 or raw."""

    scaled: float | None = None
    raw: float | None = None
    min: float | None = None
    max: float | None = None


class Result(_Struct, frozen=True, kw_only=True):
    """How it went; `completion` says nothing that the verb does not."""

    score: Score | None = None
    success: bool | None = None
    completion: bool | None = None
    response: Annotated[str, Meta(max_length=4000)] = ""
    duration: Annotated[str, Meta(max_length=40)] | None = None


class ContextActivities(_Struct, frozen=True, kw_only=True):
    """The lesson (parent) and the class (grouping)."""

    parent: list[Object] = []
    grouping: list[Object] = []


class Context(_Struct, frozen=True, kw_only=True, rename="camel"):
    """Where it happened; `platform` names the app and is not kept."""

    context_activities: ContextActivities = ContextActivities()
    platform: str | None = None


class Statement(_Struct, frozen=True, kw_only=True):
    """A statement as far as it is taken."""

    actor: Actor
    verb: Verb
    object: Object
    id: str | None = None
    timestamp: str | None = None
    result: Result = Result()
    context: Context = Context()
    version: str | None = None


class NotTaken(ValueError):
    """A statement that no registered record type can say."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def as_record(statement: Statement, statement_id: UUID, now_ms: int) -> RecordBody:
    """Return the record that a statement says; one without a timestamp happened at `now_ms`.

    Raises:
        NotTaken: names the field that cannot be taken.
    """
    activities = statement.context.context_activities
    return RecordBody(
        record_id=statement_id.hex,
        observed_at_ms=now_ms if statement.timestamp is None else _milliseconds(statement.timestamp),
        subject=statement.actor.account.name,
        lesson=_key(activities.parent[0].id) if activities.parent else None,
        school_class=_key(activities.grouping[0].id) if activities.grouping else None,
        fact=_fact(statement),
    )


def identity(text: str) -> UUID:
    """Return a statement's id.

    Raises:
        NotTaken: it is no UUID.
    """
    try:
        return UUID(text)
    except ValueError:
        raise NotTaken("id", f"{text[:80]!r} is not a UUID") from None


def _fact(statement: Statement) -> AnyFact:
    verb, key, result = _key(statement.verb.id), _key(statement.object.id), statement.result
    match verb:
        case "answered":
            score = result.score or Score()
            raw = score.raw is not None
            return Answer(
                question=key,
                response=result.response,
                correct=result.success,
                score=score.raw if raw else score.scaled,
                max_score=score.max if raw else None if score.scaled is None else 1.0,
                duration_seconds=_seconds(result.duration),
            )
        case "experienced":
            return ResourceView(resource=key, duration_seconds=_seconds(result.duration) or 0.0)
        case "attended":
            return Attendance(state=Attended.PRESENT)
        case "participated":
            return Activity(activity=key, duration_seconds=_seconds(result.duration) or 0.0)
    raise NotTaken("verb.id", f"no record type says {verb!r}; known are answered, experienced, attended, participated")


def _key(iri: str) -> str:
    """Return the last part of an IRI, which is the key of a thing."""
    return re.split(r"[/#]", iri.rstrip("/#"))[-1]


def _milliseconds(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise NotTaken("timestamp", f"{text[:40]!r} is not an ISO 8601 time") from None
    if moment.tzinfo is None:
        raise NotTaken("timestamp", f"{text[:40]!r} has no time zone")
    if (milliseconds := round(moment.timestamp() * 1000)) < 0:
        raise NotTaken("timestamp", f"{text[:40]!r} lies before 1970")
    return milliseconds


_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def _seconds(text: str | None) -> float | None:
    """Return the length of an ISO 8601 duration of days and less; None for none."""
    if text is None:
        return None
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        raise NotTaken("result.duration", f"{text!r} is not a duration such as PT1M30S")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if total > 31_536_000:
        raise NotTaken("result.duration", f"{text!r} is longer than a year")
    return total
