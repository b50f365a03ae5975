"""CSV files from a zip or a folder, read with bounds into rows by column name, each with the line it came from."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time
from functools import partial
from pathlib import Path

from cloud.errors import InventoryRefused
from cloud.inventory.folder import decode
from cloud.inventory.models import Problem

MAX_FILE_BYTES = 128 * 1024 * 1024
MAX_TEXT = 400


class RosterProblems(InventoryRefused):
    """The files cannot be imported; `problems` holds everything found."""

    exit_code = 2

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        super().__init__(f"{source}: {len(problems)} problem{'s' if len(problems) != 1 else ''}")
        self.problems = list(problems)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file by column name; what the file has no column for is empty."""

    file: str
    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def problem(self, column: str, reason: str) -> Problem:
        """Return a problem of this line."""
        return Problem(self.file, self.line, column, reason)


class Files:
    """The files of a zip or folder by name, whatever folder of the zip they are in."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self._texts: dict[str, bytes] = {}

    def open(self) -> Files:
        """Read every CSV file.

        Raises:
            RosterProblems: nothing can be read there, or a file is larger than a district's could be.
        """
        try:
            for name, size, raw in _members(self.source):
                if size > MAX_FILE_BYTES:
                    raise RosterProblems(
                        str(self.source), [Problem(name, 0, "", f"is larger than {MAX_FILE_BYTES // 1024**2} MB")]
                    )
                if name in self._texts:
                    raise RosterProblems(str(self.source), [Problem(name, 0, "", "is there twice")])
                self._texts[name] = raw()
        except (
            OSError,
            zipfile.BadZipFile,
            RuntimeError,
        ) as error:  # RuntimeError: encrypted, or packed in a foreign way
            raise RosterProblems(
                str(self.source), [Problem(self.source.name, 0, "", f"cannot be read: {error}")]
            ) from error
        return self

    def __contains__(self, name: str) -> bool:
        return name in self._texts

    @property
    def names(self) -> list[str]:
        """Names of the files that are there."""
        return sorted(self._texts)

    def rows(self, name: str, needed: Sequence[str], problems: list[Problem]) -> list[Row]:
        """Return a file's rows; what is wrong with the file or a line is added to `problems`."""
        try:
            text = decode(self._texts[name])
        except ValueError as error:
            problems.append(Problem(name, 0, "", str(error)))
            return []
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        rows: list[Row] = []
        try:
            header = [cell.strip() for cell in next(reader, [])]
            if lacking := [column for column in needed if column not in header]:
                problems += [Problem(name, 1, column, "column is missing") for column in lacking]
                return []
            for cells in reader:
                if not any(cells):
                    continue
                if len(cells) != len(header):
                    problems.append(
                        Problem(name, reader.line_num, "", f"has {len(cells)} columns, the header has {len(header)}")
                    )
                    continue
                row = Row(name, reader.line_num, dict(zip(header, (cell.strip() for cell in cells), strict=True)))
                problems += _unfit(row)
                rows.append(row)
        except csv.Error as error:
            problems.append(Problem(name, reader.line_num, "", f"not CSV: {error}"))
        return rows


def _members(source: Path) -> Iterator[tuple[str, int, Callable[[], bytes]]]:
    if source.is_dir():
        for path in sorted(source.glob("*.csv")):
            yield path.name, path.stat().st_size, path.read_bytes
        return
    with zipfile.ZipFile(source) as archive:
        for member in archive.infolist():
            name = member.filename.rpartition("/")[2]
            if name.endswith(".csv"):
                # The size is what the member claims; reading stops there, whatever it holds.
                yield name, member.file_size, partial(archive.read, member)


def _unfit(row: Row) -> Iterator[Problem]:
    for column, text in row.cells.items():
        if "\0" in text or len(text) > MAX_TEXT:
            yield row.problem(column, f"holds a NUL character or more than {MAX_TEXT} characters")


def day(row: Row, column: str, problems: list[Problem], *, needed: bool = False) -> date | None:
    """Return a cell as a date (ISO 8601), or None when it is empty or wrong."""
    text = row[column]
    if not text:
        if needed:
            problems.append(row.problem(column, "must not be empty"))
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        problems.append(row.problem(column, f"{text!r} is not a date such as 2026-09-01"))
        return None


def clock(row: Row, column: str, problems: list[Problem]) -> time | None:
    """Return a cell as a time of day, or None when it is wrong."""
    try:
        return time.fromisoformat(row[column])
    except ValueError:
        problems.append(row.problem(column, f"{row[column]!r} is not a time of day such as 08:00"))
        return None


def whole(row: Row, column: str, low: int, high: int, problems: list[Problem], *, needed: bool = False) -> int | None:
    """Return a cell as a whole number, or None when it is empty or wrong."""
    text = row[column]
    if not text and not needed:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 9 or not low <= int(text) <= high:
        problems.append(row.problem(column, f"{text!r} is not a whole number between {low} and {high}"))
        return None
    return int(text)
