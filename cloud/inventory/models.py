"""What an inventory folder holds: its files and their columns."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cloud.sheets.models import Column, Row, Table, TableChanges, Value, integer, one_of, optional, required, text

ID_PATTERN = re.compile(r"^[a-z0-9][a-z0-9-]{0,62}$")
RETIRED_RATIO = 0.1
"""An import that would retire a larger share of a table must be asked for by name."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The outcome of one import; with `dry_run` nothing of it was kept."""

    folder: str
    dry_run: bool
    changes: dict[str, TableChanges]
    claimed_things: int = 0
    replayed_segments: int = 0

    @property
    def total(self) -> TableChanges:
        """The sum over all tables."""
        return TableChanges.sum(self.changes.values())

    @property
    def shrinking(self) -> list[str]:
        """Names of the tables that would lose a large share of their rows."""
        return [name for name, change in self.changes.items() if change.loses(RETIRED_RATIO)]


@dataclass(slots=True)
class Folder:
    """The rows of every table, and the line each came from."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    lines: dict[str, list[int]] = field(default_factory=dict)


def _id(cell: str) -> Value:
    if not ID_PATTERN.match(cell):
        raise ValueError(f"{cell!r} is not an id: lower-case letters, digits and hyphens, at most 63")
    return cell


def _optional_id(cell: str) -> Value:
    return _id(cell) if cell else None


def _degrees(limit: float) -> Callable[[str], Value]:
    def parse(cell: str) -> Value:
        if not cell:
            return None
        try:
            value = float(cell)
        except ValueError:
            raise ValueError(f"{cell!r} is not a number of degrees") from None
        if not -limit <= value <= limit:
            raise ValueError(f"{cell!r} does not lie between -{limit:g} and {limit:g} degrees")
        return value

    return parse


def _key(name: str) -> Column:
    return Column(name, _id)


def _reference(name: str, table: str, *, required: bool = False) -> Column:
    return Column(name, _id if required else _optional_id, references=table)


_BPS = integer(1, 10**13)

TABLES: tuple[Table, ...] = (
    Table(
        "schools",
        ("school",),
        (
            _key("school"),
            Column("name", required),
            Column("name_en", text),
            Column("stage", one_of("primary", "junior", "senior")),
            Column("latitude", _degrees(90), "float8"),
            Column("longitude", _degrees(180), "float8"),
        ),
    ),
    Table(
        "classrooms",
        ("classroom",),
        (
            _key("classroom"),
            _reference("school", "schools", required=True),
            Column("name", required),
            Column("name_en", text),
            Column("seats", integer(0, 1_000), "int4"),
        ),
    ),
    Table(
        "agents",
        ("agent",),
        (
            _key("agent"),
            Column("role", one_of("gateway", "classroom", "core")),
            _reference("school", "schools"),
            _reference("classroom", "classrooms"),
        ),
    ),
    Table(
        "devices",
        ("device",),
        (
            _key("device"),
            _reference("school", "schools"),
            Column("name", text),
            Column("kind", one_of("router", "switch", "ap", "core", "other")),
            Column("vendor", text),
            Column("model", text),
            Column("address", text),
            _reference("agent", "agents"),
            _reference("parent", "devices"),
            Column("parent_port", optional, optional=True),
        ),
    ),
    Table(
        "links",
        ("link",),
        (
            _key("link"),
            _reference("school", "schools", required=True),
            Column("name", required),
            Column("name_en", text),
            Column("provider", text),
            Column("contracted_bps", integer(1, 10**13, required=True), "int8"),
            _reference("school_device", "devices"),
            Column("school_port", optional),
            _reference("centre_device", "devices"),
            Column("centre_port", optional),
        ),
    ),
    Table(
        "ports",
        ("device", "port"),
        (
            _reference("device", "devices", required=True),
            Column("port", required),
            Column("alias", text),
            Column("speed_bps", _BPS, "int8"),
        ),
    ),
    Table(
        "terminals",
        ("terminal",),
        (
            _key("terminal"),
            _reference("school", "schools", required=True),
            _reference("classroom", "classrooms"),
            Column("owner", one_of("student", "teacher")),
            _reference("agent", "agents", required=True),
            Column("model", text),
        ),
    ),
)
"""Every table, each after those it refers to."""

TABLE: dict[str, Table] = {table.name: table for table in TABLES}


def records(folder: Folder, name: str) -> list[tuple[int, dict[str, Any]]]:
    """Return the rows of a table by column name, with their lines; for the checks across columns."""
    names = TABLE[name].column_names
    return [
        (line, dict(zip(names, row, strict=True)))
        for line, row in zip(folder.lines.get(name, []), folder.rows.get(name, []), strict=True)
    ]
