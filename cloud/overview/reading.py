"""Reads the overview and the district's state: a handful of sums, each one statement."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.fleet import reading as fleet
from cloud.inventory.schemas import GridRow, LinkRow
from cloud.overview.schemas import (
    AgentTerminals,
    Backlog,
    DistrictSize,
    DistrictState,
    Freshness,
    Overview,
    QuarantineCount,
    ThingStates,
)
from cloud.overview.throughput import Throughput
from cloud.status.models import StatusWord
from cloud.status.schemas import StatusCounts

QUERIES = Queries(Path(__file__).with_name("queries.sql"))

CODES: dict[str, StatusWord] = {
    "u": StatusWord.UP,
    "g": StatusWord.DEGRADED,
    "d": StatusWord.DOWN,
    "r": StatusWord.UNREACHABLE,
    "n": StatusWord.UNKNOWN,
    "m": StatusWord.MAINTENANCE,
    "f": StatusWord.FLAPPING,
}
"""Letters of the district's state; the query of terminals writes the same."""
_TERMINALS_SECONDS = 3.0
LETTERS = {word.value: letter for letter, word in CODES.items()}


async def _row(connection: psycopg.AsyncConnection, name: str) -> dict[str, Any]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[name])
        row = await cursor.fetchone()
    return row or {}


class TerminalCounts:
    """Terminals per status, counted anew when an agent's status changed and otherwise every three seconds.

    Counting 29,269 terminals is most of an overview's work, and their presence reaches the cloud minutes apart.
    """

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._agents: dict[str, dict[str, int]] = {}
        self._counted_at = -math.inf

    async def read(
        self, connection: psycopg.AsyncConnection, agents: dict[str, dict[str, int]], monotonic_seconds: float
    ) -> dict[str, int]:
        """Return the counts, given the present ones of the agents that terminals stand behind."""
        if agents != self._agents or monotonic_seconds - self._counted_at >= _TERMINALS_SECONDS:
            self._counts = dict(await (await connection.execute(QUERIES["terminal_statuses"])).fetchall())
            self._agents, self._counted_at = agents, monotonic_seconds
        return self._counts


async def overview(
    connection: psycopg.AsyncConnection,
    links: list[LinkRow],
    throughput: Throughput,
    terminals: TerminalCounts,
    monotonic_seconds: float,
) -> Overview:
    """Return the overview around link rows already read."""
    counts: dict[str, dict[str, int]] = {"links": {}, "gateways": {}, "classrooms": {}}
    for things, status, number in await (await connection.execute(QUERIES["statuses"])).fetchall():
        counts[things][status] = number
    behind = {"gateways": counts["gateways"], "classrooms": counts["classrooms"]}
    fresh = await _row(connection, "freshness")
    rates = throughput.observe(monotonic_seconds, fresh.pop("stored_segments"), fresh.pop("stored_items"))
    at: datetime = fresh.pop("at")
    newest: datetime | None = fresh["newest_sample_at"]
    return Overview(
        at=at,
        district=DistrictSize(**await _row(connection, "district")),
        links=StatusCounts(**counts["links"]),
        gateways=StatusCounts(**counts["gateways"]),
        classrooms=StatusCounts(**counts["classrooms"]),
        terminals=StatusCounts(**await terminals.read(connection, behind, monotonic_seconds)),
        grid=[GridRow(**{name: getattr(link, name) for name in GridRow.model_fields}) for link in links],
        freshness=Freshness(
            **fresh,
            age_seconds=round(max(0.0, (at - newest).total_seconds()), 3) if newest is not None else None,
            segments_per_second=rates.segments_per_second,
            rows_per_second=rates.rows_per_second,
        ),
        backlog=Backlog(**await _row(connection, "backlog")),
        quarantine=QuarantineCount(**await _row(connection, "quarantine")),
        ledger=await fleet.district_ledger(connection),
    )


async def state(connection: psycopg.AsyncConnection, at: datetime) -> DistrictState:
    """Return the status of everything, in letters."""
    terminals = await (await connection.execute(QUERIES["state_terminals"])).fetchall()
    return DistrictState.model_construct(
        at=at,
        codes=CODES,
        links=await _states(connection, "state_links", {}),
        gateways=await _states(connection, "state_agents", {"role": "gateway"}),
        classrooms=await _states(connection, "state_agents", {"role": "classroom"}),
        terminals=[
            AgentTerminals.model_construct(agent=agent, school=school, terminals=keys, status=letters)
            for agent, school, keys, letters in terminals
        ],
    )


async def _states(connection: psycopg.AsyncConnection, name: str, parameters: dict[str, Any]) -> ThingStates:
    rows = await (await connection.execute(QUERIES[name], parameters)).fetchall()
    return ThingStates(things=[key for key, _ in rows], status="".join(LETTERS[status] for _, status in rows))
