"""Reads the district as it was at a moment: what existed, what was said of it, which incidents were open."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.incidents.following import TROUBLE
from cloud.incidents.models import IncidentKind
from cloud.inventory.schemas import LinkEnd
from cloud.lessons import impact
from cloud.lessons import reading as lessons
from cloud.lessons.models import Blast
from cloud.overview.reading import CODES, LETTERS
from cloud.overview.schemas import AgentTerminals, DistrictSize, DistrictState, ThingStates
from cloud.status.models import StatusKind, StatusSpan, StatusWord, Thing
from cloud.status.rules import FRESH
from cloud.status.schemas import StatusCounts
from cloud.timemachine.schemas import (
    IncidentsThen,
    IncidentThen,
    LinksThen,
    LinkThen,
    OutsThen,
    OutThen,
    OverviewThen,
)

QUERIES = Queries(Path(__file__).with_name("queries.sql"))

UNKNOWN = LETTERS[StatusWord.UNKNOWN]


async def rows(connection: psycopg.AsyncConnection, name: str, **parameters: Any) -> list[dict[str, Any]]:
    """Return the rows of a statement of this domain, by column name."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[name], parameters)
        return await cursor.fetchall()


async def state(connection: psycopg.AsyncConnection, at: datetime) -> DistrictState:
    """Return the status of everything that existed at a moment, in letters.

    Terminals of an agent of which nothing had been noted yet are unknown.
    """
    agents = await (await connection.execute(QUERIES["state_letters"], {"at": at})).fetchall()
    silent = [agent for agent, _, terminals, _ in agents if terminals is None]
    unknown: dict[str, list[str]] = {}
    if silent:
        found = await connection.execute(QUERIES["silent_terminals"], {"at": at, "agents": silent})
        unknown = dict(await found.fetchall())
    told = [
        (agent, school, terminals, letters)
        if terminals is not None
        else (agent, school, unknown.get(agent, []), UNKNOWN * len(unknown.get(agent, [])))
        for agent, school, terminals, letters in agents
    ]
    return DistrictState.model_construct(
        at=at,
        codes=CODES,
        links=await _states(connection, at, "link", StatusKind.LINK),
        gateways=await _states(connection, at, "agent", StatusKind.GATEWAY),
        classrooms=await _states(connection, at, "agent", StatusKind.CLASSROOM),
        terminals=[
            AgentTerminals.model_construct(agent=agent, school=school, terminals=terminals, status=letters)
            for agent, school, terminals, letters in told
            if terminals
        ],
    )


async def _states(connection: psycopg.AsyncConnection, at: datetime, kind: str, status_kind: StatusKind) -> ThingStates:
    role = status_kind.value if kind == "agent" else None
    parameters = {"at": at, "kind": kind, "status_kind": status_kind.value, "role": role}
    found = await (await connection.execute(QUERIES["state_things"], parameters)).fetchall()
    return ThingStates(things=[key for key, _ in found], status="".join(LETTERS[status] for _, status in found))


async def links(connection: psycopg.AsyncConnection, at: datetime) -> LinksThen:
    """Return every link of a moment with its status, and its rates as measured in the minute before."""
    found = await rows(connection, "links", at=at, fresh=FRESH)
    return LinksThen(at=at, items=[_link(row) for row in found])


def _link(row: dict[str, Any]) -> LinkThen:
    school_end = LinkEnd(device=row.pop("school_device"), port=row.pop("school_port"))
    centre_end = LinkEnd(device=row.pop("centre_device"), port=row.pop("centre_port"))
    rates = [rate for rate in (row["in_bps"], row["out_bps"]) if rate is not None]
    contracted_bps = row["contracted_bps"]
    utilisation_ratio = round(max(rates) / contracted_bps, 6) if rates and contracted_bps else None
    return LinkThen(**row, utilisation_ratio=utilisation_ratio, school_end=school_end, centre_end=centre_end)


async def outs(connection: psycopg.AsyncConnection, at: datetime) -> OutsThen:
    """Return what was not up at a moment, faults before what lay behind them."""
    return OutsThen(at=at, items=[OutThen(**row) for row in await rows(connection, "out", at=at)])


async def overview(connection: psycopg.AsyncConnection, at: datetime) -> OverviewThen:
    """Return the district of a moment on one screen."""
    then = await state(connection, at)
    (district,) = await rows(connection, "district", at=at)
    return OverviewThen(
        at=at,
        district=DistrictSize(**district),
        links=_counts(then.links.status),
        gateways=_counts(then.gateways.status),
        classrooms=_counts(then.classrooms.status),
        terminals=_counts("".join(row.status for row in then.terminals)),
        grid=(await links(connection, at)).items,
    )


def _counts(letters: str) -> StatusCounts:
    return StatusCounts(**{CODES[letter].value: number for letter, number in Counter(letters).items()})


async def incidents(connection: psycopg.AsyncConnection, at: datetime) -> IncidentsThen:
    """Return the incidents that were open at a moment, with their severity and reach of then."""
    found = await rows(connection, "incidents", at=at)
    reached = await _reach(connection, at) if found else {}
    items = []
    for row in found:
        blast = reached.get(Thing(StatusKind(row["root_kind"]), row["root_key"]), Blast())
        items.append(
            IncidentThen(
                **row,
                kind=TROUBLE.get(StatusWord(row["status"]), IncidentKind.OUTAGE),
                lessons_now=blast.lessons_now,
                students_now=blast.students_now,
                exams_now=blast.exams_now,
                lessons_next=blast.lessons_next,
                students_next=blast.students_next,
                next_at=blast.next_at,
            )
        )
    return IncidentsThen(at=at, items=items)


async def _reach(connection: psycopg.AsyncConnection, at: datetime) -> dict[Thing, Blast]:
    slots = await lessons.slots(connection, at, at + impact.AHEAD)
    things = sorted(lessons.things_of(slots))
    asked = {"at": at, "kinds": [thing.kind.value for thing in things], "keys": [thing.key for thing in things]}
    spans = {
        Thing(StatusKind(row["kind"]), row["key"]): [_span(row)] for row in await rows(connection, "statuses", **asked)
    }
    return impact.blasts(slots, spans, at)


def _span(row: dict[str, Any]) -> StatusSpan:
    return StatusSpan(
        thing=Thing(StatusKind(row["kind"]), row["key"]),
        status=StatusWord(row["status"]),
        since=row["changed_at"],
        until=None,
        reason=row["reason"],
        root=Thing(StatusKind(row["root_kind"]), row["root_key"]) if row["root_key"] is not None else None,
    )
