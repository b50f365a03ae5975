"""Routes of the time machine: the district as of any moment of the last 90 days, and what changed between two."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from cloud.http import problems
from cloud.http.caching import Snapshot, answer
from cloud.http.database import Reader
from cloud.http.schemas import FieldProblem
from cloud.http.times import FORMATS, parse_moment
from cloud.overview.schemas import DistrictState
from cloud.timemachine import reading, service
from cloud.timemachine.models import KEPT, MomentOutside, kept_moment
from cloud.timemachine.schemas import Changes, IncidentsThen, LinksThen, OutsThen, OverviewThen, Ticks

router = APIRouter(prefix="/timemachine", tags=["time machine"])

_EXAMPLE = "2026-11-24T09:10:00+08:00"
_WORDS = f"Formats: {'; '.join(FORMATS)}."
_LONGEST_CHANGES = timedelta(days=1)

At = Annotated[str, Query(description=f"A moment of the last 90 days. {_WORDS}", examples=[_EXAMPLE])]
Since = Annotated[str, Query(description=f"Begin, a moment of the last 90 days. {_WORDS}", examples=[_EXAMPLE])]
Until = Annotated[str, Query(description=f"End, after `since`. {_WORDS}", examples=[_EXAMPLE])]


def _moments(texts: Mapping[str, str], now: datetime) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    wrong: list[FieldProblem] = []
    for name, text in texts.items():
        try:
            found[name] = kept_moment(parse_moment(text), now)
        except MomentOutside as error:
            allowed = [moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (error.oldest, error.newest)]
            wrong.append(FieldProblem(field=name, detail=str(error), allowed=allowed))
        except ValueError as error:
            wrong.append(FieldProblem(field=name, detail=str(error), allowed=FORMATS))
    if wrong:
        raise problems.invalid_input(wrong)
    return found


def _span(since: str, until: str, now: datetime, longest: timedelta) -> tuple[datetime, datetime]:
    found = _moments({"since": since, "until": until}, now)
    if not timedelta() < found["until"] - found["since"] <= longest:
        detail = f"must be after `since`, by at most {longest.days} days"
        raise problems.invalid_input([FieldProblem(field="until", detail=detail)])
    return found["since"], found["until"]


@router.get("/state", response_model=DistrictState, responses=problems.responses(422, 503))
async def state(request: Request, reader: Reader, at: At) -> Response:
    """Status of every link, gateway, classroom and terminal that existed at a moment: the document of `/state`."""
    moment = _moments({"at": at}, datetime.now(UTC))["at"]
    found = await reading.state(reader, moment)
    return answer(request, Snapshot.of(found.model_dump_json().encode()))


@router.get("/links", responses=problems.responses(422, 503))
async def links(reader: Reader, at: At) -> LinksThen:
    """Every link that existed at a moment: its status then, its root, and what it measured in the minute before."""
    return await reading.links(reader, _moments({"at": at}, datetime.now(UTC))["at"])


@router.get("/overview", responses=problems.responses(422, 503))
async def overview(reader: Reader, at: At) -> OverviewThen:
    """The district on one screen as it was at a moment: counts by status and the grid of links of then."""
    return await reading.overview(reader, _moments({"at": at}, datetime.now(UTC))["at"])


@router.get("/out", responses=problems.responses(422, 503))
async def out(reader: Reader, at: At) -> OutsThen:
    """What was not up at a moment: faults first, then what lay behind them with its root."""
    return await reading.outs(reader, _moments({"at": at}, datetime.now(UTC))["at"])


@router.get("/incidents", responses=problems.responses(422, 503))
async def incidents(reader: Reader, at: At) -> IncidentsThen:
    """The incidents that were open at a moment, with their severity of then."""
    return await reading.incidents(reader, _moments({"at": at}, datetime.now(UTC))["at"])


@router.get("/ticks", responses=problems.responses(422, 503))
async def ticks(reader: Reader, since: Since, until: Until) -> Ticks:
    """Bells and number of changes in a span of time, for a scrubber."""
    now = datetime.now(UTC)
    return await service.ticks(reader, *_span(since, until, now, KEPT), now)


@router.get("/changes", responses=problems.responses(422, 503))
async def changes(
    reader: Reader,
    since: Since,
    until: Until,
    limit: Annotated[int, Query(ge=1, le=10_000, description="Changes of status at most.")] = 2_000,
    terminals: Annotated[bool, Query(description="Whether to tell of terminals too.")] = False,
) -> Changes:
    """What makes the state of one moment out of that of another at most a day before, suppressed changes included."""
    span = _span(since, until, datetime.now(UTC), _LONGEST_CHANGES)
    return await service.changes(reader, *span, limit=limit, terminals=terminals)
