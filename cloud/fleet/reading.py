"""Reads agents for the API: presence, what they hold, their books, their machine, their events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.fleet.schemas import AgentDetail, AgentList, AgentRow, EpochLedger, EventList, EventRow, LaneHolding, Ledger
from cloud.status import repository as status
from cloud.status.models import StatusKind, StatusWord
from protocols.blocks import metric_names
from protocols.samples import Kind
from protocols.status import Presence, Role

QUERIES = Queries(Path(__file__).with_name("reading.sql"))

_SHOWN_CHANGES = 20
_EVERY_AGENT = 1_000_000


@dataclass(frozen=True, slots=True)
class AgentFilters:
    """What a list of agents keeps; None keeps all."""

    among: Sequence[str] | None = None
    pattern: str | None = None
    role: Role | None = None
    school: str | None = None
    presence: Presence | None = None
    status: StatusWord | None = None
    holding: bool = False

    def parameters(self) -> dict[str, Any]:
        """Return them as the queries name them."""
        return {
            "among": list(self.among) if self.among is not None else None,
            "pattern": self.pattern,
            "role": self.role.value if self.role is not None else None,
            "school": self.school,
            "presence": self.presence.value if self.presence is not None else None,
            "status": self.status.value if self.status is not None else None,
            "holding": self.holding,
        }


async def _rows(connection: psycopg.AsyncConnection, name: str, **parameters: Any) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES[name], parameters)
        return await cursor.fetchall()


async def agent_rows(
    connection: psycopg.AsyncConnection, filters: AgentFilters, limit: int = _EVERY_AGENT, offset: int = 0
) -> list[AgentRow]:
    """Return agents in order of their ids."""
    found = await _rows(connection, "agents", **filters.parameters(), limit=limit, offset=offset)
    return [AgentRow(**row) for row in found]


async def agent_row(connection: psycopg.AsyncConnection, agent: str) -> AgentRow | None:
    """Return one agent as a list shows it; None when the inventory does not know it."""
    found = await agent_rows(connection, AgentFilters(among=[agent]), limit=1)
    return found[0] if found else None


AgentMark = tuple[str | None, int | None, str | None]
"""Presence, session and status of an agent."""


async def agent_marks(connection: psycopg.AsyncConnection) -> dict[str, AgentMark]:
    """Return the mark of every agent."""
    cursor = await connection.execute(QUERIES["agent_marks"])
    return {agent: (presence, session, word) for agent, presence, session, word in await cursor.fetchall()}


async def agents(connection: psycopg.AsyncConnection, filters: AgentFilters, limit: int, offset: int) -> AgentList:
    """Return a page of agents."""
    row = await (await connection.execute(QUERIES["count_agents"], filters.parameters())).fetchone()
    return AgentList(
        total=row[0] if row is not None else 0,
        limit=limit,
        offset=offset,
        items=await agent_rows(connection, filters, limit, offset),
    )


async def epoch_ledgers(connection: psycopg.AsyncConnection, agent: str | None) -> list[EpochLedger]:
    """Return the books per epoch, of one agent or of all."""
    return [
        EpochLedger(
            epoch=row["epoch"],
            low_seq=row["low_seq"],
            high_seq=row["high_seq"],
            reported_at=row["reported_at"],
            ledger=Ledger(**{name: row[name] for name in Ledger.model_fields}),
        )
        for row in await _rows(connection, "ledger", agent=agent)
    ]


def total(ledgers: list[EpochLedger]) -> Ledger:
    """Return the sum of books."""
    return Ledger(**{name: sum(getattr(item.ledger, name) for item in ledgers) for name in Ledger.model_fields})


def ledger_sum() -> sql.Composed:
    """Return the statement that adds up everybody's books."""
    sums = sql.SQL(", ").join(
        sql.SQL("coalesce(sum({column}), 0)::bigint AS {column}").format(column=sql.Identifier(name))
        for name in Ledger.model_fields
    )
    return sql.SQL("SELECT {} FROM ({}) AS books").format(sums, QUERIES["ledger"])


async def district_ledger(connection: psycopg.AsyncConnection) -> Ledger:
    """Return the sum of everybody's books, added up in the database."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(ledger_sum(), {"agent": None})
        row = await cursor.fetchone()
    return Ledger(**(row or {}))


async def agent(connection: psycopg.AsyncConnection, key: str) -> AgentDetail | None:
    """Return one agent with its books, holdings and machine; None when the inventory does not know it."""
    row = await agent_row(connection, key)
    if row is None:
        return None
    process = await _rows(connection, "agent_process", agent=key)
    epochs = await epoch_ledgers(connection, key)
    measured = await _rows(connection, "agent_metrics", agent=key)
    changes = []
    if row.role is not Role.CORE:
        changes = await status.changes_of(
            connection, StatusKind(row.role.value), row.classroom or row.agent, _SHOWN_CHANGES
        )
    return AgentDetail(
        **dict(row),
        **(process[0] if process else {}),
        ledger=total(epochs),
        epochs=epochs,
        held=[LaneHolding(**lane) for lane in await _rows(connection, "agent_holdings", agent=key)],
        metrics={name: measured[0][name] if measured else None for name in metric_names(Kind.HOST)},
        metrics_observed_at=measured[0]["corrected_at"] if measured else None,
        status_changes=changes,
    )


async def agent_events(
    connection: psycopg.AsyncConnection, agent: str, event_type: str | None, limit: int, offset: int
) -> EventList | None:
    """Return a page of an agent's events, newest first; None when the inventory does not know the agent."""
    if await (await connection.execute(QUERIES["agent_exists"], {"agent": agent})).fetchone() is None:
        return None
    filters = {"agent": agent, "type": event_type}
    row = await (await connection.execute(QUERIES["count_agent_events"], filters)).fetchone()
    found = await _rows(connection, "agent_events", **filters, limit=limit, offset=offset)
    return EventList(
        total=row[0] if row is not None else 0,
        limit=limit,
        offset=offset,
        items=[EventRow(**event) for event in found],
    )
