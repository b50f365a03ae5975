"""Series of a link from its ends, or of any other thing: which table, which steps, and where the gaps are.

A point is the mean over one step. A step without a sample is null, unless the samples around it are no further apart
than their usual interval allows: then the next sample, a rate over the time before it, speaks for the step as well. The
usual interval is the median distance of the samples found. At most 2,000 points per series; asking for more is an error
that names the smallest step allowed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import ceil
from statistics import median_low
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from cloud.http.problems import invalid_input
from cloud.http.schemas import FieldProblem
from cloud.http.times import FORMATS, STEP_FORMATS, parse_moment, parse_step
from cloud.telemetry import catalogue
from cloud.telemetry.schemas import LinkSeries, MetricSeries, Series, SeriesSource, ThingSeries
from protocols.samples import Kind, Vantage

MAX_POINTS = 2000
_AUTO_POINTS = 720
_LADDER_SECONDS = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 604_800)
_DEFAULT_SPAN = timedelta(hours=1)
_LONGEST_SPAN = timedelta(days=3660)
_INTERVALS_WITHOUT_GAP = 1.75
"""Samples further apart than this many usual intervals have a gap between them; below it is jitter of the poll."""
_MARGIN = timedelta(minutes=2)
"""How far over both ends samples are read, for the steps at the ends."""
_BOTH = "both"


@dataclass(frozen=True, slots=True)
class SeriesRequest:
    """A request for series that can be answered. `start` lies on a step; the last step begins before `end`."""

    metrics: tuple[str, ...]
    vantages: tuple[Vantage, ...]
    start: datetime
    end: datetime
    step_seconds: int
    source: SeriesSource
    kind: Kind = Kind.LINK

    @property
    def steps(self) -> int:
        """Number of points of each series."""
        return ceil((self.end - self.start).total_seconds() / self.step_seconds)


def parse_request(
    metrics: Sequence[str],
    from_text: str | None,
    to_text: str | None,
    step_text: str | None,
    vantage_text: str | None,
    *,
    now: datetime,
    kind: Kind = Kind.LINK,
) -> SeriesRequest:
    """Read the query's texts. Raises ProblemError that names every wrong one with what is allowed."""
    errors: list[FieldProblem] = []
    names = _metrics(kind, metrics, errors)
    vantages = _vantages(vantage_text, errors)
    to = _moment("to", to_text, errors) or now
    start = _moment("from", from_text, errors) or to - _DEFAULT_SPAN
    if not errors and start >= to:
        errors.append(FieldProblem(field="from", detail="must be before `to`"))
    if not errors and to - start > _LONGEST_SPAN:
        errors.append(FieldProblem(field="from", detail="must be at most ten years before `to`"))
    step_seconds = _step(step_text, to - start, errors)
    if errors:
        raise invalid_input(errors)
    aligned = datetime.fromtimestamp(start.timestamp() // step_seconds * step_seconds, UTC)
    return SeriesRequest(tuple(names), vantages, aligned, to, step_seconds, _source(step_seconds), kind)


def _metrics(kind: Kind, given: Sequence[str], errors: list[FieldProblem]) -> list[str]:
    allowed = catalogue.charted(kind)
    names = list(dict.fromkeys(name.strip() for text in given for name in text.split(",")))
    errors.extend(
        FieldProblem(field="metric", detail=f"unknown metric {name!r}", allowed=allowed)
        for name in names
        if name not in allowed
    )
    return names


def _vantages(text: str | None, errors: list[FieldProblem]) -> tuple[Vantage, ...]:
    if text is None or text == _BOTH:
        return tuple(Vantage)
    if text in set(Vantage):
        return (Vantage(text),)
    allowed = [*(vantage.value for vantage in Vantage), _BOTH]
    errors.append(FieldProblem(field="vantage", detail=f"unknown vantage {text!r}", allowed=allowed))
    return ()


def _moment(field: str, text: str | None, errors: list[FieldProblem]) -> datetime | None:
    if text is None:
        return None
    try:
        return parse_moment(text)
    except ValueError as error:
        errors.append(FieldProblem(field=field, detail=str(error), allowed=FORMATS))
        return None


def _step(text: str | None, span: timedelta, errors: list[FieldProblem]) -> int:
    seconds = max(1.0, span.total_seconds())
    if text is None:
        return next((step for step in _LADDER_SECONDS if seconds / step <= _AUTO_POINTS + 1), _LADDER_SECONDS[-1])
    try:
        step = parse_step(text)
    except ValueError as error:
        errors.append(FieldProblem(field="step", detail=str(error), allowed=STEP_FORMATS))
        return 1
    if not errors and seconds / step > MAX_POINTS - 1:
        smallest = next((step for step in _LADDER_SECONDS if seconds / step <= MAX_POINTS - 1), _LADDER_SECONDS[-1])
        errors.append(
            FieldProblem(
                field="step",
                detail=f"{step} s over this span makes more than {MAX_POINTS} points",
                allowed=[f"{smallest}s or more"],
            )
        )
    return step


def _source(step_seconds: int) -> SeriesSource:
    if step_seconds % 3600 == 0:
        return SeriesSource.ONE_HOUR
    if step_seconds % 300 == 0:
        return SeriesSource.FIVE_MINUTES
    return SeriesSource.RAW


@dataclass(frozen=True, slots=True)
class Step:
    """What was measured of one metric within one step: the mean, and when the first and last sample were."""

    index: int
    value: float
    first_seconds: float
    last_seconds: float
    resolution_seconds: int


def fill(found: Sequence[Step], steps: int) -> list[float | None]:
    """Return one value per step, null in gaps.

    `found` is in order of index and may reach over both ends, so that the first and last steps know their neighbours.
    """
    values: list[float | None] = [None] * steps
    for step in found:
        if 0 <= step.index < steps:
            values[step.index] = step.value
    distances = [after.first_seconds - before.last_seconds for before, after in pairwise(found)]
    if not distances:
        return values
    usual_seconds = median_low(distances)
    for (before, after), distance in zip(pairwise(found), distances, strict=True):
        if distance <= _INTERVALS_WITHOUT_GAP * max(usual_seconds, after.resolution_seconds):
            for index in range(max(0, before.index + 1), min(steps, after.index)):
                values[index] = after.value
    return values


async def link_series(connection: psycopg.AsyncConnection, link: str, request: SeriesRequest) -> LinkSeries | None:
    """Return the series asked for; None when the inventory does not know the link."""
    known = await (
        await connection.execute(
            "SELECT things.thing_id FROM links LEFT JOIN things ON things.kind = 'link' AND things.key = links.link"
            " WHERE links.link = %s AND links.retired_at IS NULL",
            [link],
        )
    ).fetchone()
    if known is None:
        return None
    rows: list[dict[str, Any]] = []
    if known[0] is not None:
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query(request), parameters(known[0], request))
            rows = await cursor.fetchall()
    return LinkSeries(
        link=link,
        **{"from": request.start},
        to=request.end,
        step_seconds=request.step_seconds,
        source=request.source,
        series=[
            _series(request, metric, vantage, [row for row in rows if row["vantage"] == vantage.value])
            for vantage in request.vantages
            for metric in request.metrics
        ],
    )


async def thing_series(connection: psycopg.AsyncConnection, key: str, request: SeriesRequest) -> ThingSeries:
    """Return the series asked for; a thing that was never measured has no value anywhere."""
    known = await (
        await connection.execute("SELECT thing_id FROM things WHERE kind = %s AND key = %s", [request.kind.value, key])
    ).fetchone()
    rows: list[dict[str, Any]] = []
    if known is not None:
        async with connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(query(request), parameters(known[0], request))
            rows = await cursor.fetchall()
    return ThingSeries(
        kind=request.kind,
        thing=key,
        **{"from": request.start},
        to=request.end,
        step_seconds=request.step_seconds,
        source=request.source,
        series=[
            MetricSeries(
                metric=metric,
                unit=catalogue.unit(request.kind, metric),
                points=_points(request, request.metrics.index(metric), rows),
            )
            for metric in request.metrics
        ],
    )


def _series(request: SeriesRequest, metric: str, vantage: Vantage, rows: Sequence[Mapping[str, Any]]) -> Series:
    return Series(
        metric=metric,
        unit=catalogue.unit(Kind.LINK, metric),
        vantage=vantage,
        points=_points(request, request.metrics.index(metric), rows),
    )


def _points(request: SeriesRequest, number: int, rows: Sequence[Mapping[str, Any]]) -> list[tuple[int, float | None]]:
    found = [
        Step(
            row["step"],
            float(row[f"value_{number}"]),
            row[f"first_{number}"],
            row[f"last_{number}"],
            row["resolution_seconds"],
        )
        for row in rows
        if row[f"value_{number}"] is not None
    ]
    begin_ms, step_ms = int(request.start.timestamp() * 1000), request.step_seconds * 1000
    return [(begin_ms + index * step_ms, value) for index, value in enumerate(fill(found, request.steps))]


def parameters(thing_id: int, request: SeriesRequest) -> dict[str, Any]:
    """Return the parameters of `query`."""
    return {
        "thing_id": thing_id,
        "first": request.start - _MARGIN,
        "start_seconds": request.start.timestamp(),
        "last": request.end + _MARGIN,
        "step": request.step_seconds,
        "vantages": [vantage.value for vantage in request.vantages],
    }


def query(request: SeriesRequest) -> sql.Composed:
    """Return the statement that reads the steps; names of columns come from the catalogue only."""
    raw = request.source is SeriesSource.RAW
    ended = request.kind is Kind.LINK
    columns: list[sql.Composable] = []
    for number, metric in enumerate(request.metrics):
        value = _raw_value(request.kind, metric) if raw else _rollup_value(metric)
        measured = sql.Identifier(metric if raw else _rollup_column(metric))
        columns.append(
            sql.SQL(
                "{value} AS {value_name},"
                " date_part('epoch', min({time}) FILTER (WHERE {measured} IS NOT NULL)) AS {first_name},"
                " date_part('epoch', max({time}) FILTER (WHERE {measured} IS NOT NULL)) AS {last_name}"
            ).format(
                value=value,
                measured=measured,
                time=sql.Identifier("corrected_at" if raw else "bucket"),
                value_name=sql.Identifier(f"value_{number}"),
                first_name=sql.Identifier(f"first_{number}"),
                last_name=sql.Identifier(f"last_{number}"),
            )
        )
    return sql.SQL(
        "SELECT {ends}"
        " floor((date_part('epoch', {time}) - %(start_seconds)s) / %(step)s)::int AS step,"
        " {resolution} AS resolution_seconds, {columns}"
        " FROM {table}"
        " WHERE thing_id = %(thing_id)s AND {time} >= %(first)s AND {time} < %(last)s{wanted_ends}"
        " GROUP BY {ends}step ORDER BY {ends}step"
    ).format(
        time=sql.Identifier("corrected_at" if raw else "bucket"),
        resolution=sql.SQL("max(resolution_seconds)") if raw else sql.SQL("0"),
        columns=sql.SQL(", ").join(columns),
        table=sql.Identifier(f"{request.kind.value}_{'samples' if raw else request.source.value}"),
        ends=sql.SQL("vantage, " if ended else ""),
        wanted_ends=sql.SQL(" AND vantage = ANY(%(vantages)s)" if ended else ""),
    )


def _raw_value(kind: Kind, metric: str) -> sql.Composable:
    if metric.endswith("_total"):
        return sql.SQL("max({})").format(sql.Identifier(metric))
    if catalogue.unit(kind, metric) == "bool":
        return sql.SQL("avg({}::int)").format(sql.Identifier(metric))
    return sql.SQL("avg({}::float8)").format(sql.Identifier(metric))


def _rollup_column(metric: str) -> str:
    return f"{metric}_max" if metric.endswith("_total") else f"{metric}_avg"


def _rollup_value(metric: str) -> sql.Composable:
    column = sql.Identifier(_rollup_column(metric))
    if metric.endswith("_total"):
        return sql.SQL("max({})").format(column)
    return sql.SQL("sum({column} * samples) / nullif(sum(samples) FILTER (WHERE {column} IS NOT NULL), 0)").format(
        column=column
    )
