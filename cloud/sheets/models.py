"""What a CSV file holds: its columns, what may stand in them, what is wrong with it, and what an import changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, Self

Value = str | int | float | date | time | None
Row = tuple[Value, ...]

RETIRED_AT_LEAST = 5
"""Fewer rows than these may always be retired."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file; line 1 is the header, column is empty when the whole line or file is meant."""

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
    optional: bool = False
    """Whether a file may lack it; its values are then those of empty cells."""


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


@dataclass(slots=True)
class Sheet:
    """The rows of one file and the line each came from; `complete` is false when some could not be read."""

    table: Table
    rows: list[Row] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    complete: bool = True

    def records(self) -> list[tuple[int, dict[str, Any]]]:
        """Return the rows by column name, with their lines; for checks across columns."""
        names = self.table.column_names
        return [(line, dict(zip(names, row, strict=True))) for line, row in zip(self.lines, self.rows, strict=True)]


@dataclass(frozen=True, slots=True)
class TableChanges:
    """What an import changes in one table."""

    added: int = 0
    changed: int = 0
    retired: int = 0
    unchanged: int = 0

    @classmethod
    def sum(cls, changes: Iterable[Self]) -> Self:
        """Return the changes of several tables together."""
        rows = [(one.added, one.changed, one.retired, one.unchanged) for one in changes]
        return cls(*(sum(column) for column in zip(*rows, strict=True)))

    @property
    def before(self) -> int:
        """Rows that were there before, without the retired ones."""
        return self.changed + self.retired + self.unchanged

    def loses(self, ratio: float) -> bool:
        """Tell whether more than this share, and more than a few, would be retired.

        A file that does so is more likely incomplete than right.
        """
        return self.retired >= RETIRED_AT_LEAST and self.retired > ratio * self.before


def text(cell: str) -> Value:
    """Take any text."""
    return cell


def required(cell: str) -> Value:
    """Take any text but none."""
    if not cell:
        raise ValueError("must not be empty")
    return cell


def optional(cell: str) -> Value:
    """Take any text; an empty cell is None."""
    return cell or None


def one_of(*words: str, empty: bool = False) -> Callable[[str], Value]:
    """Return a parser that takes these words only; an empty cell is None where `empty` says so."""

    def parse(cell: str) -> Value:
        if empty and not cell:
            return None
        if cell not in words:
            raise ValueError(f"{cell!r} is not one of {', '.join(words)}")
        return cell

    return parse


def integer(low: int, high: int, *, required: bool = False) -> Callable[[str], Value]:
    """Return a parser of whole numbers; an empty cell is None unless `required`."""

    def parse(cell: str) -> Value:
        if not cell and not required:
            return None
        if not cell.isascii() or not cell.isdigit() or len(cell) > 18 or not low <= int(cell) <= high:
            raise ValueError(f"{cell!r} is not a whole number between {low} and {high}")
        return int(cell)

    return parse


def day(*, required: bool = False) -> Callable[[str], Value]:
    """Return a parser of days; an empty cell is None unless `required`."""

    def parse(cell: str) -> Value:
        if not cell and not required:
            return None
        try:
            if len(cell) != 10:
                raise ValueError
            return date.fromisoformat(cell)
        except ValueError:
            raise ValueError(f"{cell!r} is not a day such as 2026-09-01") from None

    return parse
