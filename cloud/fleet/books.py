"""The ledger's reading side: do the books of every agent close?

    produced = stored + held + thinned + damaged + quarantined + lost

The cloud knows stored and quarantined exactly. What the agent produced, thinned and still holds is known from its last
report, or exactly when its spool is at hand (`SpoolBooks`, read by whoever has the folder). By the report alone, loss
shows as items that the agent saw confirmed and the cloud does not have. Rows are counted in the tables against the
items stored: more is duplicated, fewer is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import Connection, IsolationLevel
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

from cloud.errors import DatabaseUnavailable
from cloud.fleet.ledger import QUERIES
from cloud.telemetry.tables import TABLES
from protocols.segments import Books


@dataclass(frozen=True, slots=True)
class SpoolBooks:
    """One epoch of a spool at one moment; `held` maps the seq of every held segment to its items."""

    agent: str
    epoch: str
    next_seq: int
    books: Books
    held: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """The books of one agent and epoch, in items; `conflicts` and `resent` are segments."""

    agent: str
    epoch: str
    produced: int
    stored: int
    held: int
    thinned: int
    damaged: int
    quarantined: int
    lost: int
    surplus: int
    conflicts: int
    resent: int
    exact: bool
    report_age_seconds: float | None


@dataclass(frozen=True, slots=True)
class RowCount:
    """Rows in the tables against items stored, of one agent; expired rows are counted as if they were there."""

    agent: str
    stored: int
    rows: int

    @property
    def duplicated(self) -> int:
        """Rows that stand more than once."""
        return max(0, self.rows - self.stored)

    @property
    def missing(self) -> int:
        """Items counted as stored whose rows are not there."""
        return max(0, self.stored - self.rows)


@dataclass(frozen=True, slots=True)
class LedgerTotal:
    """The sum over the lines of a report; the books close when `lost` and `duplicated` are 0."""

    produced: int
    stored: int
    held: int
    thinned: int
    damaged: int
    quarantined: int
    lost: int
    duplicated: int
    surplus: int
    conflicts: int
    resent: int


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """The ledger at a moment; `exact` when every line was closed against its spool."""

    at: datetime
    exact: bool
    total: LedgerTotal
    lines: tuple[LedgerLine, ...]
    row_differences: tuple[RowCount, ...]


def close_line(
    cloud: Mapping[str, Any], spool: SpoolBooks | None, *, taken: Sequence[int], stored_since: int, at: datetime
) -> LedgerLine:
    """Return the books of one epoch. Pure.

    `cloud` is a row of the ledger; `taken` are the seqs of held segments that the cloud has; `stored_since` counts
    items stored of segments sealed after the spool was read.
    """
    reported_at: datetime | None = cloud["reported_at"]
    age = None if reported_at is None else max((at - reported_at).total_seconds(), 0.0)
    if spool is None:
        books = {name: int(cloud[name]) for name in ("produced", "thinned", "damaged", "rejected")}
        stored = int(cloud["stored"])
    else:
        books = {
            "produced": spool.books.produced_items,
            "thinned": spool.books.thinned_items,
            "damaged": spool.books.damaged_items,
            "rejected": spool.books.rejected_items,
        }
        stored = int(cloud["stored"]) - stored_since
    # An undecodable segment's items are unknown here; its agent counted them when it was told.
    quarantined = max(int(cloud["quarantined"]), books["rejected"] - int(cloud["replayed"]))
    settled = stored + books["thinned"] + books["damaged"] + quarantined
    if spool is None and reported_at is None:
        # An agent the inventory does not know has no report, but what came from it was produced.
        books["produced"] = settled
    if spool is None:
        confirmed = int(cloud["confirmed"]) + int(cloud["rejected"])
        lost = max(0, confirmed - stored - quarantined)
        held = max(0, books["produced"] - settled - lost)
        surplus = 0  # what was stored after the report is no surplus, and nobody can tell it apart
    else:
        stored_seqs = set(taken)
        held = sum(items for seq, items in spool.held.items() if seq not in stored_seqs)
        lost = max(0, books["produced"] - settled - held)
        surplus = max(0, settled + held - books["produced"])
    return LedgerLine(
        agent=cloud["agent"],
        epoch=cloud["epoch"],
        produced=books["produced"],
        stored=stored,
        held=held,
        thinned=books["thinned"],
        damaged=books["damaged"],
        quarantined=quarantined,
        lost=lost,
        surplus=surplus,
        conflicts=int(cloud["conflict_segments"]),
        resent=int(cloud["duplicate_segments"]),
        exact=spool is not None,
        report_age_seconds=age,
    )


def read_ledger(
    dsn: str, spools: Sequence[SpoolBooks] = (), *, agent: str | None = None, count_rows: bool = True
) -> LedgerReport:
    """Close the books of every agent, or of one, from one snapshot of the database taken after the spools were read.

    Raises:
        DatabaseUnavailable: try again later.
    """
    try:
        with psycopg.connect(dsn, connect_timeout=10, row_factory=dict_row) as connection:
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            return _read(connection, spools, agent, count_rows)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(str(error).strip()) from error


def _read(
    connection: Connection[Any], spools: Sequence[SpoolBooks], agent: str | None, count_rows: bool
) -> LedgerReport:
    at = datetime.now(UTC)
    by_identity = {(spool.agent, spool.epoch): spool for spool in spools if agent in (None, spool.agent)}
    rows = [row for row in connection.execute(QUERIES["epochs"]).fetchall() if agent in (None, row["agent"])]
    known = {(row["agent"], row["epoch"]) for row in rows}
    rows += [_nothing_yet(spool) for identity, spool in by_identity.items() if identity not in known]
    lines = [_close(connection, row, by_identity.get((row["agent"], row["epoch"])), at) for row in rows]
    counts = [count for count in _count_rows(connection) if agent in (None, count.agent)] if count_rows else []
    names = ("produced", "stored", "held", "thinned", "damaged", "quarantined", "surplus", "conflicts", "resent")
    sums = {name: sum(getattr(line, name) for line in lines) for name in names}
    total = LedgerTotal(
        **sums,
        lost=sum(line.lost for line in lines) + sum(count.missing for count in counts),
        duplicated=sum(count.duplicated for count in counts),
    )
    return LedgerReport(
        at=at,
        exact=bool(lines) and all(line.exact for line in lines),
        total=total,
        lines=tuple(lines),
        row_differences=tuple(count for count in counts if count.rows != count.stored),
    )


def _close(connection: Connection[Any], row: Mapping[str, Any], spool: SpoolBooks | None, at: datetime) -> LedgerLine:
    taken: list[int] = []
    stored_since = 0
    if spool is not None:
        identity = {"agent": spool.agent, "epoch": spool.epoch}
        if spool.held:
            found = connection.execute(QUERIES["taken"], {**identity, "seqs": list(spool.held)}).fetchall()
            taken = [line["seq"] for line in found]
        since = connection.execute(QUERIES["stored_of"], {**identity, "seq": spool.next_seq}).fetchone()
        stored_since = int(since["items"]) if since is not None else 0
    return close_line(row, spool, taken=taken, stored_since=stored_since, at=at)


def _nothing_yet(spool: SpoolBooks) -> dict[str, Any]:
    counts = ("stored", "stored_segments", "duplicate_segments", "conflict_segments", "produced", "confirmed")
    more = ("rejected", "thinned", "damaged", "held", "quarantined", "replayed")
    return {"agent": spool.agent, "epoch": spool.epoch, "reported_at": None, **dict.fromkeys((*counts, *more), 0)}


def _count_rows(connection: Connection[Any]) -> list[RowCount]:
    stored: dict[str, int] = {}
    for row in connection.execute(QUERIES["epochs"]).fetchall():
        stored[row["agent"]] = stored.get(row["agent"], 0) + int(row["stored"])
    agents = {
        row["agent_id"]: row["agent"] for row in connection.execute("SELECT agent_id, agent FROM agents").fetchall()
    }
    rows = dict.fromkeys(stored, 0)
    for table in [*(tables.samples for tables in TABLES.values()), "events", "records"]:
        query = SQL("SELECT agent_id, count(*) AS rows FROM {} GROUP BY agent_id").format(Identifier(table))
        for row in connection.execute(query).fetchall():
            agent = agents[row["agent_id"]]
            rows[agent] = rows.get(agent, 0) + int(row["rows"])
    for row in connection.execute(QUERIES["expired"]).fetchall():
        rows[row["agent"]] = rows.get(row["agent"], 0) + int(row["items"])
    return [RowCount(agent, stored.get(agent, 0), count) for agent, count in sorted(rows.items())]
