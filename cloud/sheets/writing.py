"""Writes any table as CSV or as an Excel workbook, for people who go on working with it in a spreadsheet.

CSV is RFC 4180 in UTF-8 with a byte order mark, without which Excel takes Chinese for something else. A text that a
spreadsheet would run as a formula (it begins with `=`, `+`, `-`, `@`, a tab or a carriage return) gets an apostrophe
before it, as OWASP's "CSV Injection" advises: names in the inventory come from many hands. In a workbook every text is
written as text, which needs no such mark. Times are written in the district's zone, without an offset, because a
spreadsheet knows none.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import assert_never
from zoneinfo import ZoneInfo

from xlsxwriter import Workbook

Cell = str | int | float | bool | date | datetime | None

_RUN_BY_SPREADSHEETS = ("=", "+", "-", "@", "\t", "\r")
_WIDEST = 60
_TITLE_LIMIT = 31
_TITLE_FORBIDDEN = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


class SheetFormat(StrEnum):
    """How a table is written."""

    CSV = "csv"
    XLSX = "xlsx"

    @property
    def media_type(self) -> str:
        """What the file is called on the wire."""
        match self:
            case SheetFormat.CSV:
                return "text/csv; charset=utf-8"
            case SheetFormat.XLSX:
                return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            case _:
                assert_never(self)


def write_table(
    form: SheetFormat, title: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]], time_zone: str
) -> bytes:
    """Return a table as a file's bytes; `title` names the sheet of a workbook, `time_zone` is an IANA name.

    It works for as long as the table is large: call it in a thread.
    """
    zone = ZoneInfo(time_zone)
    return _csv(headings, rows, zone) if form is SheetFormat.CSV else _xlsx(title, headings, rows, zone)


def _csv(headings: Sequence[str], rows: Iterable[Sequence[Cell]], zone: ZoneInfo) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([harmless(heading) for heading in headings])
    writer.writerows([_csv_cell(cell, zone) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def harmless(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_RUN_BY_SPREADSHEETS) else text


def _csv_cell(cell: Cell, zone: ZoneInfo) -> str | int | float | None:
    if isinstance(cell, str):
        return harmless(cell)
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, datetime):
        return _local(cell, zone).isoformat(" ", "seconds")
    return cell.isoformat() if isinstance(cell, date) else cell


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _xlsx(title: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]], zone: ZoneInfo) -> bytes:
    file = io.BytesIO()
    # Row by row to the disk: thirty thousand rows would else stand in memory as cells.
    with Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet(title.translate(_TITLE_FORBIDDEN)[:_TITLE_LIMIT].strip() or "Sheet1")
        bold = book.add_format({"bold": True, "bottom": 1})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for column, heading in enumerate(headings):
            sheet.set_column(column, column, min(_WIDEST, max(12, 2 * len(heading))))
        sheet.freeze_panes(1, 0)
        for column, heading in enumerate(headings):
            sheet.write_string(0, column, heading, bold)
        last = 0
        for last, row in enumerate(rows, start=1):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(last, column, cell)
                elif isinstance(cell, bool):
                    sheet.write_boolean(last, column, cell)
                elif isinstance(cell, int | float):
                    sheet.write_number(last, column, cell)
                elif isinstance(cell, datetime):
                    sheet.write_datetime(last, column, _local(cell, zone), moment)
                elif cell is not None:
                    sheet.write_datetime(last, column, datetime(cell.year, cell.month, cell.day), day)  # noqa: DTZ001 -- a day has no zone
        if headings:
            sheet.autofilter(0, 0, last, len(headings) - 1)
    return file.getvalue()
