"""Names and columns of the telemetry tables, derived from the metric catalogue.

What lives here: for each kind its tables (`link_samples`, `link_current`, `link_5m`, `link_1h`), the SQL type of every
metric and the columns of the rollups. The migrations hold the same columns as plain SQL; a test compares the two, so a
metric added to the catalogue fails until a migration adds its column. No I/O.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from protocols.blocks import metric_names
from protocols.samples import SAMPLE_TYPES, Celsius, Dbm, Kind, Quantity, Ratio, Vantage

KINDS: tuple[Kind, ...] = tuple(SAMPLE_TYPES)
"""Every kind, in the one order in which ingest writes their tables: one order everywhere keeps locks from crossing."""

Width = Literal["5m", "1h"]
BUCKET_SECONDS: dict[Width, int] = {"5m": 300, "1h": 3600}

_NARROW_FLOATS = (Ratio, Celsius, Dbm)


@dataclass(frozen=True, slots=True)
class MetricColumn:
    """One metric as a column; `copy_type` is what binary COPY calls its type."""

    name: str
    sql_type: str
    copy_type: str
    required: bool


@dataclass(frozen=True, slots=True)
class KindTables:
    """The tables of one kind of thing.

    `groups` are the groups of metrics that arrive as separate samples of one thing, each with its own time in the
    current table; empty where one sample carries all. `rollup_columns` are (name, SQL type, SQL expression).
    """

    kind: Kind
    metrics: tuple[MetricColumn, ...]
    groups: dict[str, tuple[str, ...]]
    current_key: tuple[str, ...]
    rollup_key: tuple[tuple[str, str], ...]
    rollup_columns: tuple[tuple[str, str, str], ...]

    @property
    def samples(self) -> str:
        """Name of the table of samples."""
        return f"{self.kind.value}_samples"

    @property
    def current(self) -> str:
        """Name of the table of current values."""
        return f"{self.kind.value}_current"

    def rollup(self, width: Width) -> str:
        """Return the name of the rollup of a bucket width."""
        return f"{self.kind.value}_{width}"


def _column(name: str, hint: Any) -> MetricColumn:
    required = True
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = [choice for choice in get_args(hint) if choice is not type(None)]
        required = False
    base = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if base is bool:
        sql_type, copy_type = "boolean", "bool"
    elif base is int:
        sql_type, copy_type = ("integer", "int4") if hint == Quantity else ("bigint", "int8")
    elif base is float:
        sql_type, copy_type = ("real", "float4") if hint in _NARROW_FLOATS else ("double precision", "float8")
    elif base is str or base is Vantage:
        sql_type, copy_type = "text", "text"
    else:
        raise TypeError(f"metric {name!r} has a type without a column: {hint!r}")
    return MetricColumn(name, sql_type, copy_type, required)


def _rollup_columns(column: MetricColumn) -> list[tuple[str, str, str]]:
    name = column.name
    if column.sql_type == "text":
        return []
    if column.sql_type == "boolean":
        return [(f"{name}_avg", "double precision", f"avg({name}::integer)::double precision")]
    if name.endswith("_total"):
        return [(f"{name}_max", column.sql_type, f"max({name})")]
    return [
        (f"{name}_avg", "double precision", f"avg({name})::double precision"),
        (f"{name}_min", column.sql_type, f"min({name})"),
        (f"{name}_max", column.sql_type, f"max({name})"),
    ]


def _tables(kind: Kind) -> KindTables:
    hints = get_type_hints(SAMPLE_TYPES[kind], include_extras=True)
    metrics = tuple(_column(name, hints[name]) for name in metric_names(kind))
    groups: dict[str, tuple[str, ...]] = {}
    key: tuple[tuple[str, str], ...] = (("thing_id", "integer"),)
    if kind is Kind.LINK:
        key += (("vantage", "text"),)
        probes = ("loss_ratio", "rtt_seconds", "jitter_seconds")
        counters = tuple(column.name for column in metrics if column.name not in (*probes, "vantage"))
        groups = {"counters": counters, "probes": probes}
    return KindTables(
        kind=kind,
        metrics=metrics,
        groups=groups,
        current_key=tuple(name for name, _ in key),
        rollup_key=key,
        rollup_columns=tuple(rollup for column in metrics for rollup in _rollup_columns(column)),
    )


TABLES: dict[Kind, KindTables] = {kind: _tables(kind) for kind in KINDS}
"""The tables of each kind."""
