"""A list of the API as a table: what it is called, and which of a row's fields stand under which heading."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from cloud.sheets.writing import Cell


@dataclass(frozen=True, slots=True)
class Table:
    """One list. `name` is the file's, `columns` are a row's fields (`links.down` reaches inside) with both headings.

    A field that has a twin with `_en` at its end is written from that one in English, where it says anything.
    """

    name: str
    chinese: str
    english: str
    columns: tuple[tuple[str, str, str], ...]

    def title(self, *, english: bool) -> str:
        """Return what the sheet is called."""
        return self.english if english else self.chinese

    def headings(self, *, english: bool) -> list[str]:
        """Return the first row."""
        return [en if english else zh for _, zh, en in self.columns]

    def cells(self, row: object, *, english: bool) -> list[Cell]:
        """Return one row, in the order of the headings. Raises AttributeError for a field that the row has not."""
        return [_cell(row, field, english=english) for field, _, _ in self.columns]


def _cell(row: object, field: str, *, english: bool) -> Cell:
    cell: Cell = attrgetter(field)(row)
    return getattr(row, f"{field}_en", None) or cell if english else cell
