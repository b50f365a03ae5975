"""Records as xAPI 1.0.3 statements, sent as a batch to `{url}/statements`. Pure.

The statement's id is the record's, as a UUID, so a repeated record changes nothing at the receiver. `H` is the feed's
home page, under which everything of the district is named:

==============  =============================================  ==========================================
record          verb                                           object
==============  =============================================  ==========================================
answer          http://adlnet.gov/expapi/verbs/answered        H/questions/{question}
resource_view   http://adlnet.gov/expapi/verbs/experienced     H/resources/{resource}
attendance      http://adlnet.gov/expapi/verbs/attended        H/lessons/{lesson}, or of the class
                H/verbs/late, H/verbs/absent, H/verbs/excused  (present; else one of ours)
submission      http://activitystrea.ms/schema/1.0/submit      H/assignments/{assignment}
grade           http://adlnet.gov/expapi/verbs/scored          H/submissions/{submission}
evidence        H/verbs/evidenced                              H/indicators/{indicator}
activity        H/verbs/participated                           H/activities/{activity}
lesson_event    H/verbs/{step}                                 H/questions/{object} of a question's step,
                                                               else the lesson or the class
==============  =============================================  ==========================================

The actor is an account at H with the pseudonymous reference; what is about nobody has the terminal or the agent as
actor. The lesson is the context's `parent`, the class its `grouping`. What an agent takes as a statement it takes back:
answers, views, presence and activities say nothing that it refuses (it keeps no extension); what is left out of them
goes by webhook. What xAPI has no field for in other records is in extensions under H/extensions. A store that answers
409 to a statement sent alone has it already. A record that is erased here is voided there. Source: xAPI-Spec 1.0.3,
part 2 §2, part 3 §2.1.2.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid5

import msgspec

from cloud.feeds.models import Feed, Message
from cloud.records.consuming import StoredRecord
from protocols.records import (
    Activity,
    Answer,
    AnyFact,
    Attendance,
    Attended,
    Evidence,
    Grade,
    LessonEvent,
    LessonStep,
    ResourceView,
    Submission,
)

VERSION = "1.0.3"
ADL = "http://adlnet.gov/expapi/verbs"
_OF_QUESTIONS = frozenset({LessonStep.QUESTION_OPENED, LessonStep.QUESTION_CLOSED})


def message(feed: Feed, records: Sequence[StoredRecord]) -> Message:
    """Return the request that tells records."""
    return _posted(feed, [statement(record, feed.home_page) for record in records])


def erasure(feed: Feed, record_ids: Sequence[str]) -> Message:
    """Return the request that voids the statements of records, by statements whose ids are the same each time."""
    return _posted(feed, [_voiding(record_id, feed.home_page.rstrip("/")) for record_id in record_ids])


def _voiding(record_id: str, home: str) -> dict[str, Any]:
    voided = UUID(record_id)
    return {
        "id": str(uuid5(voided, "voided")),
        "actor": {"objectType": "Agent", "account": {"homePage": home, "name": "bellwether"}},
        "verb": {"id": f"{ADL}/voided", "display": {"en": "voided"}},
        "object": {"objectType": "StatementRef", "id": str(voided)},
    }


def _posted(feed: Feed, statements: list[dict[str, Any]]) -> Message:
    address, mark, query = feed.url.partition("?")
    return Message(
        f"{address.rstrip('/')}/statements{mark}{query}",
        {
            "content-type": "application/json",
            "x-experience-api-version": VERSION,
            "authorization": authority(feed.secret),
        },
        msgspec.json.encode(statements),
        known_status=HTTPStatus.CONFLICT if len(statements) == 1 else None,
    )


def authority(secret: str) -> str:
    """Return what authorises: of `user:password` Basic, of anything else a bearer token."""
    if ":" not in secret:
        return f"Bearer {secret}"
    return f"Basic {base64.b64encode(secret.encode()).decode()}"


def statement(record: StoredRecord, home_page: str) -> dict[str, Any]:
    """Return the statement that says a record."""
    home = home_page.rstrip("/")
    verb, thing, result = _meaning(record, home)
    return {
        "id": str(UUID(record.record_id)),
        "actor": {
            "objectType": "Agent",
            "account": {"homePage": home, "name": record.subject or record.terminal or record.agent},
        },
        "verb": {"id": verb, "display": {"en": verb.rsplit("/", 1)[-1]}},
        "object": _activity(thing),
        **({"result": result} if result else {}),
        "context": _context(record, home),
        "timestamp": record.made_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def _meaning(record: StoredRecord, home: str) -> tuple[str, str, dict[str, Any]]:
    """Return verb, object and result."""
    occasion = _occasion(record, home)
    result: dict[str, Any]
    more: dict[str, Any]
    fact: AnyFact = record.fact
    match fact:
        case Answer():
            result = {"response": fact.response, "success": fact.correct, "score": _score(fact.score, fact.max_score)}
            result |= {"duration": _duration(fact.duration_seconds)}
            return f"{ADL}/answered", f"{home}/questions/{fact.question}", _result(home, result, {})
        case ResourceView():
            result = {"duration": _duration(fact.duration_seconds)}
            return f"{ADL}/experienced", f"{home}/resources/{fact.resource}", _result(home, result, {})
        case Attendance():
            present = fact.state is Attended.PRESENT
            return f"{ADL}/attended" if present else f"{home}/verbs/{fact.state.value}", occasion, {}
        case Submission():
            more = {"version": fact.version, "parts": msgspec.to_builtins(fact.parts) or None}
            verb = "http://activitystrea.ms/schema/1.0/submit"
            return verb, f"{home}/assignments/{fact.assignment}", _result(home, {"response": fact.text or None}, more)
        case Grade():
            result = {"score": _score(fact.score, fact.max_score), "response": fact.comment or None}
            more = {"base_version": fact.base_version}
            return f"{ADL}/scored", f"{home}/submissions/{fact.submission}", _result(home, result, more)
        case Evidence():
            more = {"note": fact.note or None, "parts": msgspec.to_builtins(fact.parts) or None}
            result = {"score": {"raw": fact.value}}
            return f"{home}/verbs/evidenced", f"{home}/indicators/{fact.indicator}", _result(home, result, more)
        case Activity():
            result = {"duration": _duration(fact.duration_seconds)}
            return f"{home}/verbs/participated", f"{home}/activities/{fact.activity}", _result(home, result, {})
        case LessonEvent():
            asked = fact.step in _OF_QUESTIONS and fact.object is not None
            more = {} if asked else {"object": fact.object}
            thing = f"{home}/questions/{fact.object}" if asked else occasion
            return f"{home}/verbs/{fact.step.value}", thing, _result(home, {}, more)


def _occasion(record: StoredRecord, home: str) -> str:
    if record.lesson is not None:
        return f"{home}/lessons/{record.lesson}"
    if record.school_class is not None:
        return f"{home}/classes/{record.school_class}"
    return f"{home}/agents/{record.agent}"


def _result(home: str, result: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in result.items() if value is not None}
    extensions = {f"{home}/extensions/{name}": value for name, value in more.items() if value is not None}
    return known | ({"extensions": extensions} if extensions else {})


def _context(record: StoredRecord, home: str) -> dict[str, Any]:
    places = {
        "parent": record.lesson and f"{home}/lessons/{record.lesson}",
        "grouping": record.school_class and f"{home}/classes/{record.school_class}",
    }
    activities = {name: [_activity(iri)] for name, iri in places.items() if iri}
    return {"platform": "Bellwether", **({"contextActivities": activities} if activities else {})}


def _activity(iri: str) -> dict[str, str]:
    return {"objectType": "Activity", "id": iri}


def _score(raw: float | None, maximum: float | None) -> dict[str, float] | None:
    """Return a score; a maximum below it (a bonus) cannot be said, nor one that is no maximum."""
    if raw is None:
        return None
    if maximum is None or maximum <= 0 or abs(raw) > maximum:
        return {"raw": raw}
    return {"raw": raw, "max": maximum, "scaled": round(raw / maximum, 4)}


def _duration(seconds: float | None) -> str | None:
    return None if seconds is None else f"PT{seconds:.2f}".rstrip("0").rstrip(".") + "S"
