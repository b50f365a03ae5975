"""Takes records that count towards indicators: evidence and activities, attendance, answers and submissions.

Evidence names an indicator and is judged by the framework of its school year; activities count for the indicators that
name their kind. Attendance, answers and submissions become measures that belong to no framework, so that a framework
imported later finds them. Facts that belong together come in any order: `precedence` says which of two about one
thing counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import psycopg

from cloud.evaluation import reading, repository
from cloud.evaluation.models import (
    Activation,
    Enrolment,
    Framework,
    Indicator,
    SourceType,
    Stage,
    activity_key,
    enrolment_on,
)
from cloud.evaluation.periods import framework_of, local_day, term_of
from cloud.evaluation.repository import Item
from cloud.records.consuming import Refusal, StoredRecord
from protocols.records import Activity, Answer, Attendance, Attended, Evidence, Part, Submission

_ATTEMPT_SHIFT = 42
"""Milliseconds since 1970 stay below 2^42 until 2109; attempts below 2^20, so both fit one bigint."""

_PRESENCE = {Attended.PRESENT: 1.0, Attended.LATE: 1.0, Attended.ABSENT: 0.0, Attended.EXCUSED: None}
_PUNCTUALITY = {Attended.PRESENT: 1.0, Attended.LATE: 0.0, Attended.ABSENT: None, Attended.EXCUSED: None}


class _Refused(Exception):
    """Why a record is not taken."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class _Mark(NamedTuple):
    """What one record says about one thing."""

    counts_for: str
    thing: str
    value: float | None
    precedence: int
    code: str | None = None


class EvaluationService:
    """The consumer `evaluation`."""

    name = "evaluation"
    types: Collection[str] = ("evidence", "activity", "attendance", "answer", "submission")

    async def take(self, connection: psycopg.AsyncConnection, records: Sequence[StoredRecord]) -> list[Refusal]:
        """Keep what counts; refuse what no indicator can count, each with its reason."""
        persons = {record.subject for record in records if record.subject is not None}
        batch = _Batch(
            await repository.known_pupils(connection, persons),
            await repository.enrolments(connection, persons),
            await reading.activations(connection),
        )
        items: list[Item] = []
        parts: list[tuple[str, Part]] = []
        refusals: list[Refusal] = []
        for record in records:
            try:
                await batch.load_framework(connection, record)
                items += list(batch.items(record))
            except _Refused as refused:
                refusals.append(Refusal(record.record_id, refused.reason, refused.detail))
            else:
                if isinstance(record.fact, Evidence):
                    parts += [(record.record_id, part) for part in record.fact.parts]
        await repository.insert_items(connection, items, parts)
        return refusals


class _Batch:
    """What is looked up once for many records."""

    def __init__(
        self, pupils: Collection[str], enrolments: dict[str, list[Enrolment]], activations: Sequence[Activation]
    ) -> None:
        self._pupils = pupils
        self._enrolments = enrolments
        self._activations = activations
        self._frameworks: dict[str, Framework] = {}

    async def load_framework(self, connection: psycopg.AsyncConnection, record: StoredRecord) -> None:
        """Have the framework at hand that a record is judged by."""
        name = self._framework_name(record)
        if isinstance(record.fact, Evidence | Activity) and name is not None and name not in self._frameworks:
            self._frameworks[name] = await reading.stored_framework(connection, name)

    def items(self, record: StoredRecord) -> Iterator[Item]:
        """Yield what to keep of a record; raise _Refused when it cannot count."""
        person = record.subject
        if person is None or person not in self._pupils:
            raise _Refused("unknown_subject", "the subject is not a pupil of the roster")
        day = local_day(record.made_at)
        period = term_of(day)
        enrolment = enrolment_on(self._enrolments.get(person, ()), day, record.school_class)
        if enrolment is None:
            raise _Refused("no_enrolment", f"the pupil was in no class on {day}")
        judged_by = isinstance(record.fact, Evidence | Activity)
        for mark in self._marks(record, Stage(enrolment.stage)):
            yield Item(
                person=person,
                school_year=period.school_year,
                term=period.term or 1,
                counts_for=mark.counts_for,
                thing=mark.thing,
                record_id=record.record_id,
                type=record.type,
                stage=enrolment.stage,
                school_class=enrolment.school_class,
                value=mark.value,
                precedence=mark.precedence,
                made_at=record.made_at,
                received_at=record.received_at,
                framework=self._framework_name(record) if judged_by else None,
                code=mark.code,
                note=record.fact.note if isinstance(record.fact, Evidence | Activity) else "",
                parts=len({part.sha256 for part in record.fact.parts}) if isinstance(record.fact, Evidence) else 0,
            )

    def _framework_name(self, record: StoredRecord) -> str | None:
        return framework_of(self._activations, term_of(local_day(record.made_at)).school_year)

    def _framework(self, record: StoredRecord) -> Framework:
        name = self._framework_name(record)
        if name is None:
            raise _Refused("no_framework", "no framework of indicators has been imported")
        return self._frameworks[name]

    def _marks(self, record: StoredRecord, stage: Stage) -> Iterator[_Mark]:
        fact = record.fact
        if isinstance(fact, Evidence):
            yield self._evidence(record, fact, stage)
        elif isinstance(fact, Activity):
            yield from self._activity(record, fact, stage)
        else:
            yield from _measures(record)

    def _evidence(self, record: StoredRecord, fact: Evidence, stage: Stage) -> _Mark:
        indicator = self._framework(record).by_name.get(fact.indicator)
        if indicator is None:
            raise _Refused("unknown_indicator", f"the framework has no indicator {fact.indicator!r}")
        source = indicator.definition.source.type
        if source not in (SourceType.EVIDENCE, SourceType.MANUAL):
            raise _Refused("not_from_evidence", f"indicator {indicator.node.code} is worked out from {source} records")
        _check(indicator, record, stage)
        _check_value(indicator, fact.value)
        return _Mark(indicator.node.identifier, record.record_id, fact.value, 0, indicator.node.code)

    def _activity(self, record: StoredRecord, fact: Activity, stage: Stage) -> Iterator[_Mark]:
        kind = fact.activity.partition(".")[0]
        hours = fact.duration_seconds / 3600
        values: dict[str, float | None] = {activity_key("hours", kind): hours, activity_key("count", kind): 1.0}
        counting = [
            one for one in self._framework(record).indicators.values() if any(key in values for key in one.keys)
        ]
        if not counting:
            raise _Refused("unknown_activity", f"no indicator counts activities of kind {kind!r}")
        refused: list[_Refused] = []
        for indicator in counting:
            key = next(key for key in indicator.keys if key in values)
            try:
                _check(indicator, record, stage)
                _check_value(indicator, values[key])
            except _Refused as why:
                refused.append(why)
                if why.reason == "out_of_bounds":
                    values[key] = None
        if len(refused) == len(counting):
            raise refused[0]
        for key, value in values.items():
            if value is not None:
                yield _Mark(key, record.record_id, value, 0)


def _check(indicator: Indicator, record: StoredRecord, stage: Stage) -> None:
    code = indicator.node.code
    if stage not in indicator.definition.stages:
        raise _Refused("wrong_stage", f"indicator {code} is not one of stage {stage}")
    day = local_day(record.made_at)
    if not indicator.node.valid_on(day):
        raise _Refused("not_in_force", f"indicator {code} was not in force on {day}")


def _check_value(indicator: Indicator, value: float | None) -> None:
    accepts = indicator.definition.accepts
    if value is None or not accepts.holds(value):
        raise _Refused(
            "out_of_bounds",
            f"the value for indicator {indicator.node.code} is not within {accepts.minimum:g} to {accepts.maximum:g}",
        )


def _measures(record: StoredRecord) -> Iterator[_Mark]:
    """Yield what attendance (the newest counts), an answer (the first attempt counts) or a submission says."""
    fact = record.fact
    made_ms = round(record.made_at.timestamp() * 1000)
    if isinstance(fact, Attendance):
        if record.lesson is None:
            raise _Refused("no_lesson", "attendance without a lesson cannot be counted")
        yield _Mark("attendance.presence", record.lesson, _PRESENCE[fact.state], made_ms)
        yield _Mark("attendance.punctuality", record.lesson, _PUNCTUALITY[fact.state], made_ms)
    elif isinstance(fact, Answer):
        question = f"{record.lesson or ''}/{fact.question}"
        first = -(fact.attempt << _ATTEMPT_SHIFT) - made_ms
        yield _Mark("answer.correctness", question, _correctness(fact), first)
        yield _Mark("answer.participation", question, 1.0, first)
    elif isinstance(fact, Submission):
        yield _Mark("submission.handed_in", fact.assignment, 1.0, -made_ms)


def _correctness(fact: Answer) -> float | None:
    """Return the share of an answer that is right, 0 to 1; None when nobody has marked it."""
    if fact.score is not None and fact.max_score is not None and fact.max_score > 0:
        return min(max(fact.score / fact.max_score, 0.0), 1.0)
    return None if fact.correct is None else float(fact.correct)
