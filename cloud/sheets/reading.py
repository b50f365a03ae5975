"""Reads one CSV file and reports everything that is wrong with it, by line and column.

Encodings: UTF-8, with or without a byte order mark, and GB18030, which spreadsheets write on Chinese machines. GB18030
accepts nearly any bytes, so a file is taken for it only when all it holds beyond ASCII are Chinese characters and their
punctuation; anything else is refused with the reason. CSV as in RFC 4180; empty lines are skipped.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping

from cloud.sheets.models import Problem, Sheet, Table, Value

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_TEXT = 200


def decode(raw: bytes) -> str:
    """Return the text of a file.

    Raises:
        ValueError: the encoding is neither UTF-8 nor GB18030; the message says so to the operator.
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("is UTF-16; save it as CSV UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        utf8_error = error
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        text = ""
    foreign = next((character for character in text if not _plausible(character)), None)
    if not text or foreign is not None:
        raise ValueError(
            f"is neither UTF-8 (byte {utf8_error.start} is 0x{raw[utf8_error.start]:02x}) nor GB18030;"
            " save it as CSV UTF-8"
        )
    return text


def _plausible(character: str) -> bool:
    code = ord(character)
    return (
        0x20 <= code < 0x7F
        or character in "\r\n\t·—‘’“”…"
        or 0x3000 <= code <= 0x303F  # CJK symbols and punctuation
        or 0x4E00 <= code <= 0x9FFF  # CJK unified ideographs
        or 0x3400 <= code <= 0x4DBF
        or 0xFF00 <= code <= 0xFFEF  # full-width forms
        or 0x20000 <= code <= 0x2FA1F
        or 0x2460 <= code <= 0x249B  # enclosed numbers
        or 0x2160 <= code <= 0x217F  # Roman numerals
    )


def read_sheet(
    table: Table,
    text: str,
    problems: list[Problem],
    *,
    others: bool = False,
    headers: Mapping[str, str] | None = None,
) -> Sheet:
    """Return the rows of a file, and add what is wrong with it to `problems`; a wrong cell becomes None.

    `others` lets further columns stand in the file; `headers` says under which other name a column stands there.
    """
    sheet = Sheet(table)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    names = [(headers or {}).get(name, name) for name in table.column_names]
    try:
        header = next(reader, None)
        positions = _positions(table, names, header, problems, others=others)
        if positions is None:
            sheet.complete = False
            return sheet
        for cells in reader:
            if any(cells):
                _read_row(sheet, reader.line_num, cells, len(header or ()), names, positions, problems)
    except csv.Error as error:
        problems.append(Problem(table.file, reader.line_num, "", f"not CSV: {error}"))
        sheet.complete = False
    return sheet


def duplicates(sheet: Sheet) -> Iterator[Problem]:
    """Yield a problem for every line whose key stands in a line before; a key that is not whole is no key."""
    table = sheet.table
    seen: dict[tuple[Value, ...], int] = {}
    for line, row in sheet.records():
        key = tuple(row[name] for name in table.key)
        if None not in key and seen.setdefault(key, line) != line:
            name = "/".join(map(str, key))
            yield Problem(table.file, line, table.key[-1], f"{name!r} stands already in line {seen[key]}")


def _positions(
    table: Table, wanted: list[str], header: list[str] | None, problems: list[Problem], *, others: bool
) -> list[int | None] | None:
    """Return where each column stands in the file (None: not there), or None after reporting why it cannot be told."""
    names = [name.strip() for name in header or []]
    found = [
        Problem(table.file, 1, name, "column is missing")
        for name, column in zip(wanted, table.columns, strict=True)
        if name not in names and not column.optional
    ]
    if not others:
        found += [
            Problem(table.file, 1, name, f"unknown column; known are {', '.join(wanted)}")
            for name in names
            if name not in wanted
        ]
    found += [
        Problem(table.file, 1, name, "column appears twice")
        for name, count in Counter(names).items()
        if count > 1 and (name in wanted or not others)
    ]
    if not any(name in wanted for name in names):
        found = [Problem(table.file, 1, "", f"no header row; it must be: {','.join(wanted)}")]
    problems += found
    return None if found else [names.index(name) if name in names else None for name in wanted]


def _read_row(
    sheet: Sheet,
    line: int,
    cells: list[str],
    width: int,
    names: list[str],
    positions: list[int | None],
    problems: list[Problem],
) -> None:
    table = sheet.table
    if len(cells) != width:
        problems.append(Problem(table.file, line, "", f"has {len(cells)} columns, the header has {width}"))
        return
    values: list[Value] = []
    for column, name, position in zip(table.columns, names, positions, strict=True):
        text = "" if position is None else cells[position].strip()
        try:
            if "\0" in text or len(text) > MAX_TEXT:
                raise ValueError(f"holds a NUL character or more than {MAX_TEXT} characters")
            values.append(column.parse(text))
        except ValueError as error:
            problems.append(Problem(table.file, line, name, str(error)))
            values.append(None)
    sheet.rows.append(tuple(values))
    sheet.lines.append(line)
