"""Reads terminals: by filters, in an order, a page or all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from cloud.db.queries import Queries
from cloud.desired import reading as desired
from cloud.desired.models import targets_of
from cloud.terminals.models import TerminalFilter, TerminalOrder
from cloud.terminals.schemas import TerminalList, TerminalRow, TerminalValues, ValueCount

QUERIES = Queries(Path(__file__).with_name("queries.sql"))

_COLUMNS: dict[TerminalOrder, tuple[str, ...]] = {
    TerminalOrder.POSITION: ("position",),
    TerminalOrder.TERMINAL: ("terminal",),
    TerminalOrder.SCHOOL: ("school_position",),
    TerminalOrder.CLASSROOM: ("school_position", "classroom"),
    TerminalOrder.OWNER: ("owner",),
    TerminalOrder.MODEL: ("model",),
    TerminalOrder.STATUS: ("status",),
    TerminalOrder.BATTERY: ("battery_ratio",),
    TerminalOrder.STORAGE: ("storage_free_bytes",),
    TerminalOrder.APP_VERSION: ("app_version",),
    TerminalOrder.SYNC: ("sync",),
    TerminalOrder.SEEN: ("seen_at",),
}


async def terminals(
    connection: psycopg.AsyncConnection, chosen: TerminalFilter, order: str, limit: int, offset: int
) -> TerminalList:
    """Return a page; `order` is one of `models.ORDERS`. What is not known stands last, whichever way."""
    statement = sql.SQL("{} ORDER BY {} LIMIT %(limit)s OFFSET %(offset)s").format(QUERIES["terminals"], _order(order))
    parameters = {**await _parameters(connection, chosen), "limit": limit, "offset": offset}
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement, parameters)
        rows = await cursor.fetchall()
        total = rows[0]["total"] if rows else 0
        if not rows and offset:
            await cursor.execute(statement, {**parameters, "limit": 1, "offset": 0})
            first = await cursor.fetchone()
            total = first["total"] if first is not None else 0
    return TerminalList(total=total, limit=limit, offset=offset, items=[_row(row) for row in rows])


async def terminal(connection: psycopg.AsyncConnection, key: str) -> TerminalRow | None:
    """Return one terminal; None when the inventory does not know it."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(QUERIES["terminals"], await _parameters(connection, TerminalFilter(), key))
        row = await cursor.fetchone()
    return None if row is None else _row(row)


async def every(connection: psycopg.AsyncConnection, chosen: TerminalFilter, order: str) -> AsyncIterator[TerminalRow]:
    """Yield every terminal that the filters keep."""
    statement = sql.SQL("{} ORDER BY {}").format(QUERIES["terminals"], _order(order))
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement, await _parameters(connection, chosen))
        async for row in cursor:
            yield _row(row)


async def values(connection: psycopg.AsyncConnection) -> TerminalValues:
    """Return the models and versions there are."""
    found: dict[str, list[ValueCount]] = {"model": [], "app_version": []}
    for what, value, number in await (await connection.execute(QUERIES["values"])).fetchall():
        found[what].append(ValueCount(value=value, terminals=number))
    return TerminalValues(models=found["model"], app_versions=found["app_version"])


def _order(order: str) -> sql.Composable:
    direction = sql.SQL("DESC NULLS LAST" if order.startswith("-") else "ASC NULLS LAST")
    columns = [*_COLUMNS[TerminalOrder(order.removeprefix("-"))]]
    ordered: list[sql.Composable] = [sql.SQL("{} {}").format(sql.Identifier(name), direction) for name in columns]
    return sql.SQL(", ").join([*ordered, sql.Identifier("position"), sql.Identifier("terminal")])


async def _parameters(
    connection: psycopg.AsyncConnection, chosen: TerminalFilter, terminal: str | None = None
) -> dict[str, Any]:
    schools = [school for (school,) in await (await connection.execute(QUERIES["schools"])).fetchall()]
    targets = await desired.targets(connection)
    wanted = [targets_of(school, targets) for school in schools]
    return {
        **asdict(chosen),
        "terminal": terminal,
        "schools": schools,
        "app_versions": [one.app_version for one in wanted],
        "configuration_tokens": [one.configuration_token for one in wanted],
    }


def _row(row: dict[str, Any]) -> TerminalRow:
    return TerminalRow(**{name: row[name] for name in TerminalRow.model_fields})
