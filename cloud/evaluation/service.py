"""Answers of evaluation: reads what is stored, works values out, and imports frameworks."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psycopg

from cloud.errors import CloudError
from cloud.evaluation import documents, evidence_schemas, framework_schemas, reading, repository, schemas
from cloud.evaluation.framework_file import FrameworkRefused, read_framework
from cloud.evaluation.models import Framework, Stage
from cloud.evaluation.periods import Period, framework_of, local_day, term_of
from cloud.evaluation.reading import Counted
from cloud.evaluation.years import Frame, Year, work_out
from cloud.records.consuming import QUERIES as CONSUMER_QUERIES

DEFAULT_FRAMEWORK = Path(__file__).with_name("framework") / "bellwether-302.json"
"""The framework that comes with Bellwether."""

_AT_ONCE = 50

OBJECTION = (
    "A value is information for people and decides nothing by itself. Whoever finds an item wrong asks the school; a"
    " person takes the item out (POST /api/v1/evaluation/evidence/{record_id}/exclusion) and the value changes at once."
)

__all__ = ["DEFAULT_FRAMEWORK", "FrameworkRefused", "FrameworkVersionTaken", "NoFramework"]


class FrameworkVersionTaken(CloudError):
    """Another content has this identifier and version."""

    hint = "Give CFDocument.version a new value: values stay addressed by the version they were worked out with."
    exit_code = 2


class NoFramework(CloudError):
    """There is no framework to read a year by."""

    hint = "Import one: `bellwether evaluation import --default`, or POST /api/v1/evaluation/frameworks."


class Asked(NamedTuple):
    """What a reader asks for; None: any year, the whole year, the framework of the year."""

    school_year: int | None = None
    term: int | None = None
    framework: str | None = None

    @property
    def period(self) -> Period:
        """The period asked for; without a year, the school year of today."""
        year = term_of(local_day(datetime.now(UTC))).school_year if self.school_year is None else self.school_year
        return Period(year, self.term)


async def import_framework(
    connection: psycopg.AsyncConnection, content: bytes, *, dry_run: bool = False
) -> framework_schemas.ImportedFramework:
    """Store a framework and make it the active one, inside the caller's transaction; a dry run only compares.

    Raises:
        FrameworkRefused: with every problem.
        FrameworkVersionTaken: this version is known with another content.
    """
    framework = await asyncio.to_thread(read_framework, content)
    await repository.lock_frameworks(connection)
    known = await repository.content(connection, framework.framework)
    text = content.decode()
    if known is not None and known != text:
        raise FrameworkVersionTaken(f"version {framework.version} is known with another content")
    activations = await reading.activations(connection)
    active = activations[-1].framework if activations else None
    before = None if active is None else await reading.stored_framework(connection, active)
    if not dry_run:
        if known is None:
            await repository.insert_framework(connection, framework, text)
        if active != framework.framework:
            await repository.activate(connection, framework.framework)
    now_in, then_in = framework.indicators, {} if before is None else before.indicators
    return framework_schemas.ImportedFramework(
        framework=framework.framework,
        dry_run=dry_run,
        stored=known is None,
        activated=active != framework.framework,
        replaces=active if active != framework.framework else None,
        dimensions=len(documents.dimensions_of(framework)),
        indicators=len(now_in),
        added=[code for code in now_in if code not in then_in],
        removed=[code for code in then_in if code not in now_in],
        changed=[code for code, one in now_in.items() if code in then_in and then_in[code].node != one.node],
    )


async def framework_content(connection: psycopg.AsyncConnection, framework: str | None) -> str | None:
    """Return the CASE document of a framework, or of the active one; None when there is none."""
    if framework is None:
        activations = await reading.activations(connection)
        if not activations:
            return None
        framework = activations[-1].framework
    return await repository.content(connection, framework)


async def profile(connection: psycopg.AsyncConnection, person: str, asked: Asked) -> schemas.Profile | None:
    """Return one pupil's years, oldest first; None when the reference is no pupil's."""
    if not await reading.is_pupil(connection, person):
        return None
    by_year: dict[tuple[int, Stage], list[Counted]] = defaultdict(list)
    for one in await reading.tallies(connection, [person], None, asked.term):
        by_year[one.school_year, one.stage].append(one)
    frames = _Frames(connection, asked)
    years: list[Year] = []
    order = list(Stage)
    for (school_year, stage), counted in sorted(by_year.items(), key=lambda one: (one[0][0], order.index(one[0][1]))):
        years.append(work_out(await frames.of(stage, Period(school_year, asked.term)), counted))
    told = [documents.year_document(year, earlier) for earlier, year in zip([None, *years], years, strict=False)]
    return schemas.Profile(
        person=person, years=[year for year in told if asked.school_year in (None, year.school_year)]
    )


async def explanation(
    connection: psycopg.AsyncConnection, person: str, code: str, asked: Asked
) -> schemas.Explanation | None:
    """Return how one value of a pupil came about; None when the pupil has no such indicator in that year."""
    period = asked.period
    counted = await reading.tallies(connection, [person], period.school_year, asked.term)
    frames = _Frames(connection, asked)
    for stage in reversed(Stage):
        of_stage = [one for one in counted if one.stage is stage]
        if not of_stage:
            continue
        frame = await frames.of(stage, period)
        indicator = next((one for one in frame.expected if one.node.code == code), None)
        if indicator is None:
            continue
        items = await reading.items(
            connection, person, keys=indicator.keys, stage=stage, school_year=period.school_year, term=asked.term
        )
        return schemas.Explanation(
            person=person,
            framework=frame.framework.framework,
            stage=stage,
            school_year=period.school_year,
            term=asked.term,
            indicator=documents.indicator_document(indicator),
            result=documents.indicator_value(work_out(frame, of_stage), indicator),
            steps=documents.steps_of(indicator, items),
            evidence=[documents.evidence_document(item) for item in items],
            objection=OBJECTION,
        )
    return None


async def evidence(
    connection: psycopg.AsyncConnection, person: str, school_year: int | None, limit: int, offset: int
) -> evidence_schemas.EvidenceList | None:
    """Return evidence and activities of a pupil; None when the reference is no pupil's."""
    if not await reading.is_pupil(connection, person):
        return None
    items = await reading.items(connection, person, school_year=school_year, limit=limit, offset=offset)
    return evidence_schemas.EvidenceList(
        total=await reading.count_items(connection, person, school_year),
        limit=limit,
        offset=offset,
        items=[documents.evidence_document(item) for item in items],
    )


async def class_coverage(
    connection: psycopg.AsyncConnection, school_class: str, asked: Asked
) -> schemas.ClassCoverage | None:
    """Return where evidence of a class is missing; None when there is no such class."""
    place = await reading.class_place(connection, school_class)
    if place is None:
        return None
    school, stage = place
    frame = await _Frames(connection, asked).of(stage, asked.period)
    years = await _years(connection, frame, await reading.class_pupils(connection, school_class))
    refused = await refusals(connection, school_class)
    not_arrived = await reading.not_arrived(connection, school)
    return documents.class_coverage(school_class, frame, years, refused, not_arrived)


async def refusals(connection: psycopg.AsyncConnection, school_class: str | None) -> list[schemas.RefusedRecords]:
    """Return how many records evaluation could not take, by reason, of a class or of all."""
    cursor = await connection.execute(
        CONSUMER_QUERIES["refusal_counts"], {"consumer": "evaluation", "school_class": school_class}
    )
    return [schemas.RefusedRecords(reason=row[0], records=row[1]) for row in await cursor.fetchall()]


async def school_summary(
    connection: psycopg.AsyncConnection, school: str, asked: Asked
) -> schemas.SchoolSummary | None:
    """Return a school's pupils as a group; None when there is no such school."""
    stage = await reading.school_stage(connection, school)
    if stage is None:
        return None
    frame = await _Frames(connection, asked).of(stage, asked.period)
    years = await _years(connection, frame, await reading.school_pupils(connection, school))
    not_arrived = await reading.not_arrived(connection, school)
    return await asyncio.to_thread(documents.school_summary, school, frame, list(years.values()), not_arrived)


async def _years(connection: psycopg.AsyncConnection, frame: Frame, persons: Sequence[str]) -> dict[str, Year]:
    """Work out the year of every pupil, those without items too, in the order given.

    A class's worth at a time and beside the loop, so that a large school does not hold up other requests.
    """
    years: dict[str, Year] = {}
    for start in range(0, len(persons), _AT_ONCE):
        some = persons[start : start + _AT_ONCE]
        counted = await reading.tallies(connection, some, frame.period.school_year, frame.period.term)
        years |= await asyncio.to_thread(_work_out, frame, some, counted)
    return years


def _work_out(frame: Frame, persons: Sequence[str], counted: Sequence[Counted]) -> dict[str, Year]:
    by_person: dict[str, list[Counted]] = {person: [] for person in persons}
    for one in counted:
        if one.stage is frame.stage:
            by_person[one.person].append(one)
    return {person: work_out(frame, found) for person, found in by_person.items()}


class _Frames:
    """Frameworks by the years that are read by them, each loaded once per request."""

    def __init__(self, connection: psycopg.AsyncConnection, asked: Asked) -> None:
        self._connection = connection
        self._asked = asked
        self._loaded: dict[str, Framework] = {}

    async def of(self, stage: Stage, period: Period) -> Frame:
        """Return what a stage's pupils should have in a period."""
        name = self._asked.framework
        if name is None:
            name = framework_of(await reading.activations(self._connection), period.school_year)
            if name is None:
                raise NoFramework("no framework of indicators has been imported")
        if name not in self._loaded:
            framework = await reading.find_framework(self._connection, name)
            if framework is None:
                raise NoFramework(f"there is no framework {name!r}")
            self._loaded[name] = framework
        return Frame.of(self._loaded[name], stage, period)
