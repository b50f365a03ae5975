"""What an inventory folder holds: its files, their columns, and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Value = str | int | float | None
Row = tuple[Value, ...]

ID_PATTERN = re.compile(r"^[a-z0-9][a-z0-9-]{0,62}$")
RETIRED_RATIO = 0.1
RETIRED_AT_LEAST = 5
"""An import that would retire so many rows of a table, and more than that share of it, must be asked for by name."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a folder; line 1 is the header, column is empty when the whole line or file is meant."""

    file: str
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.column + ': ' if self.column else ''}{self.reason}"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `parse` returns the value or raises ValueError with the reason."""

    name: str
    parse: Callable[[str], Value]
    copy_type: str = "text"
    references: str | None = None
    """The table whose key this must be, when it is not empty."""


@dataclass(frozen=True, slots=True)
class Table:
    """One file and the table it fills, under one name."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def file(self) -> str:
        """The file's name in the folder."""
        return f"{self.name}.csv"

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in the order of the rows."""
        return [column.name for column in self.columns]

    def key_of(self, row: Row) -> Row:
        """Return the key of a row."""
        return row[: len(self.key)]


@dataclass(frozen=True, slots=True)
class TableChanges:
    """What an import changes in one table."""

    added: int = 0
    changed: int = 0
    retired: int = 0
    unchanged: int = 0

    @property
    def before(self) -> int:
        """Rows that were there before, without the retired ones."""
        return self.changed + self.retired + self.unchanged

    @property
    def shrinks(self) -> bool:
        """Whether so much would be retired that the folder is more likely incomplete than right."""
        return self.retired >= RETIRED_AT_LEAST and self.retired > RETIRED_RATIO * self.before


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
        return TableChanges(
            *(
                sum(getattr(change, name) for change in self.changes.values())
                for name in ("added", "changed", "retired", "unchanged")
            )
        )

    @property
    def shrinking(self) -> list[str]:
        """Names of the tables that would lose a large share of their rows."""
        return [name for name, change in self.changes.items() if change.shrinks]


@dataclass(slots=True)
class Folder:
    """The rows of every table, and the line each came from."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    lines: dict[str, list[int]] = field(default_factory=dict)


def _text(text: str) -> Value:
    return text


def _required(text: str) -> Value:
    if not text:
        raise ValueError("must not be empty")
    return text


def _optional(text: str) -> Value:
    return text or None


def _id(text: str) -> Value:
    if not ID_PATTERN.match(text):
        raise ValueError(f"{text!r} is not an id: lower-case letters, digits and hyphens, at most 63")
    return text


def _optional_id(text: str) -> Value:
    return _id(text) if text else None


def _one_of(*words: str) -> Callable[[str], Value]:
    def parse(text: str) -> Value:
        if text not in words:
            raise ValueError(f"{text!r} is not one of {', '.join(words)}")
        return text

    return parse


def _integer(low: int, high: int, *, required: bool = False) -> Callable[[str], Value]:
    def parse(text: str) -> Value:
        if not text and not required:
            return None
        if not text.isascii() or not text.isdigit() or len(text) > 18 or not low <= int(text) <= high:
            raise ValueError(f"{text!r} is not a whole number between {low} and {high}")
        return int(text)

    return parse


def _degrees(limit: float) -> Callable[[str], Value]:
    def parse(text: str) -> Value:
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            raise ValueError(f"{text!r} is not a number of degrees") from None
        if not -limit <= value <= limit:
            raise ValueError(f"{text!r} does not lie between -{limit:g} and {limit:g} degrees")
        return value

    return parse


def _key(name: str) -> Column:
    return Column(name, _id)


def _reference(name: str, table: str, *, required: bool = False) -> Column:
    return Column(name, _id if required else _optional_id, references=table)


_BPS = _integer(1, 10**13)

TABLES: tuple[Table, ...] = (
    Table(
        "schools",
        ("school",),
        (
            _key("school"),
            Column("name", _required),
            Column("name_en", _text),
            Column("stage", _one_of("primary", "junior", "senior")),
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
            Column("name", _required),
            Column("name_en", _text),
            Column("seats", _integer(0, 1_000), "int4"),
        ),
    ),
    Table(
        "agents",
        ("agent",),
        (
            _key("agent"),
            Column("role", _one_of("gateway", "classroom", "core")),
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
            Column("name", _text),
            Column("kind", _one_of("router", "switch", "ap", "core", "other")),
            Column("vendor", _text),
            Column("model", _text),
            Column("address", _text),
            _reference("agent", "agents"),
            _reference("parent", "devices"),
        ),
    ),
    Table(
        "links",
        ("link",),
        (
            _key("link"),
            _reference("school", "schools", required=True),
            Column("name", _required),
            Column("name_en", _text),
            Column("provider", _text),
            Column("contracted_bps", _integer(1, 10**13, required=True), "int8"),
            _reference("school_device", "devices"),
            Column("school_port", _optional),
            _reference("centre_device", "devices"),
            Column("centre_port", _optional),
        ),
    ),
    Table(
        "ports",
        ("device", "port"),
        (
            _reference("device", "devices", required=True),
            Column("port", _required),
            Column("alias", _text),
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
            Column("owner", _one_of("student", "teacher")),
            _reference("agent", "agents", required=True),
            Column("model", _text),
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
