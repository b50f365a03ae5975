"""A table written as a file says what the table says, and runs nothing in a spreadsheet."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import UTC, date, datetime
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from cloud.sheets.writing import Cell, SheetFormat, write_table

ZONE = "Asia/Shanghai"
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def sheet_of(content: bytes) -> ElementTree.Element:
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        return ElementTree.fromstring(parts.read("xl/worksheets/sheet1.xml"))


@given(st.lists(st.tuples(texts, texts), max_size=5))
def test_no_text_is_a_formula_in_either_file(cells: list[tuple[str, str]]) -> None:
    for row in rows_of(write_table(SheetFormat.CSV, "t", ["a", "b"], cells, ZONE))[1:]:
        assert not any(cell[:1] in ("=", "+", "-", "@", "\t", "\r") for cell in row if cell)
    sheet = sheet_of(write_table(SheetFormat.XLSX, "t", ["a", "b"], cells, ZONE))
    assert sheet.findall(".//{*}f") == []


@given(st.lists(st.tuples(texts.filter(lambda text: text[:1] not in tuple("=+-@'")), st.integers(-9, 9)), max_size=5))
def test_what_is_harmless_comes_back_as_it_was(cells: list[tuple[str, int]]) -> None:
    found = rows_of(write_table(SheetFormat.CSV, "t", ["a", "b"], cells, ZONE))
    assert found == [["a", "b"], *([text, str(number)] for text, number in cells)]


def test_times_are_the_districts_and_what_is_missing_is_empty() -> None:
    row: list[Cell] = [datetime(2026, 11, 27, 0, 30, tzinfo=UTC), date(2026, 9, 1), True, None, -1.5]
    assert rows_of(write_table(SheetFormat.CSV, "t", list("abcde"), [row], ZONE))[1] == [
        "2026-11-27 08:30:00", "2026-09-01", "true", "", "-1.5",
    ]  # fmt: skip
    values = [cell.text for cell in sheet_of(write_table(SheetFormat.XLSX, "t", list("abcde"), [row], ZONE)).iter() if
              cell.tag.endswith("}v")]  # fmt: skip
    assert values[-3:] == ["46266", "1", "-1.5"]


def test_a_title_that_no_sheet_may_have_is_made_one() -> None:
    write_table(SheetFormat.XLSX, "a/b:[c]?*" * 9, ["x"], [], ZONE)
    write_table(SheetFormat.XLSX, "''", [], [], ZONE)
