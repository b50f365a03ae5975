"""Routes of series and of the metric catalogue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request

from cloud.http import problems
from cloud.http.database import Reader
from cloud.http.times import FORMATS, STEP_FORMATS
from cloud.telemetry import catalogue, outlook, series
from cloud.telemetry.outlook_schemas import LinkOutlook, Sparklines
from cloud.telemetry.schemas import LinkSeries, MetricCatalogue, ThingSeries
from protocols.samples import Kind

router = APIRouter(tags=["telemetry"])


@router.get("/catalogue")
async def metrics() -> MetricCatalogue:
    """Every metric with its unit and physical range."""
    return MetricCatalogue(items=catalogue.descriptions())


@router.get("/links/{link}/series", responses=problems.responses(404, 422, 503))
async def link_series(
    reader: Reader,
    link: Annotated[str, Path(max_length=160, examples=["s07-wan"], description="Link id.")],
    metric: Annotated[
        list[str],
        Query(
            max_length=len(catalogue.charted(Kind.LINK)),
            description="Metrics of the catalogue for kind `link`; may be repeated or separated by commas.",
            examples=[["in_bps", "out_bps"]],
        ),
    ] = ["in_bps", "out_bps"],  # noqa: B006 -- FastAPI copies defaults
    from_: Annotated[
        str | None,
        Query(alias="from", description=f"Start; default one hour before `to`. Formats: {'; '.join(FORMATS)}."),
    ] = None,
    to: Annotated[str | None, Query(description="End; default now. Formats as `from`.")] = None,
    step: Annotated[
        str | None,
        Query(description=f"Width of a step; default by span. Formats: {'; '.join(STEP_FORMATS)}."),
    ] = None,
    vantage: Annotated[
        str | None, Query(description="`school`, `centre` or `both`; default both.", examples=["school"])
    ] = None,
) -> LinkSeries:
    """Series of a link's metrics from one or both ends, at most 2,000 points each; null where nothing was measured.

    Raw samples, 5-minute or 1-hour rollups are chosen by span and step; `source` says which.
    """
    request = series.parse_request(metric, from_, to, step, vantage, now=datetime.now(UTC))
    found = await series.link_series(reader, link, request)
    if found is None:
        raise problems.not_found("link", link, hint="GET /api/v1/links lists every link.")
    return found


@router.get("/links/{link}/outlook", responses=problems.responses(404, 422, 503))
async def link_outlook(
    request: Request,
    reader: Reader,
    link: Annotated[str, Path(max_length=160, examples=["s07-wan"], description="Link id.")],
) -> LinkOutlook:
    """95th percentiles, when the link will be full, its usual week, and how good a call over it would be."""
    time_zone: str = request.app.state.rooms.settings.district.time_zone
    found = await outlook.link_outlook(reader, link, datetime.now(UTC), time_zone)
    if found is None:
        raise problems.not_found("link", link, hint="GET /api/v1/links lists every link.")
    return found


@router.get("/series/{kind}/{thing:path}", responses=problems.responses(404, 422, 503))
async def thing_series(
    reader: Reader,
    kind: Annotated[
        Literal["port", "device", "probe", "host", "terminal", "classroom"],
        Path(description="Kind of thing; a link's series have routes of their own.", examples=["device"]),
    ],
    thing: Annotated[str, Path(max_length=320, examples=["s07-sw01"], description="Key of the thing.")],
    metric: Annotated[
        list[str],
        Query(max_length=40, description="Metrics of the catalogue for this kind.", examples=[["cpu_ratio"]]),
    ],
    from_: Annotated[str | None, Query(alias="from", description="Start; default one hour before `to`.")] = None,
    to: Annotated[str | None, Query(description=f"End; default now. Formats: {'; '.join(FORMATS)}.")] = None,
    step: Annotated[str | None, Query(description="Width of a step; default by span.")] = None,
) -> ThingSeries:
    """Series of any thing's metrics, at most 2,000 points each; null where nothing was measured."""
    request = series.parse_request(metric, from_, to, step, None, now=datetime.now(UTC), kind=Kind(kind))
    return await series.thing_series(reader, thing, request)


@router.get("/sparklines/links", responses=problems.responses(422, 503))
async def sparklines(
    reader: Reader, hours: Annotated[int, Query(ge=1, le=168, description="Hours looked back.")] = 24
) -> Sparklines:
    """Traffic of every link over the last hours, in forty-eight steps."""
    return await outlook.sparklines(reader, datetime.now(UTC), hours)
