"""Reads a folder of CSV files and reports everything that is wrong with it, by file, line and column. No database.

Encodings: UTF-8, with or without a byte order mark, and GB18030, which spreadsheets write on Chinese machines. GB18030
accepts nearly any bytes, so a file is taken for it only when all it holds beyond ASCII are Chinese characters and their
punctuation; anything else is refused with the reason. CSV as in RFC 4180; empty lines are skipped.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Set
from pathlib import Path

from cloud.errors import InventoryRefused
from cloud.inventory.models import TABLES, Folder, Problem, Row, Table, Value, records

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_TEXT = 200


class InventoryProblems(InventoryRefused):
    """The folder cannot be imported; `problems` holds everything found."""

    exit_code = 2

    def __init__(self, folder: str, problems: list[Problem]) -> None:
        super().__init__(f"{folder}: {len(problems)} problem{'s' if len(problems) != 1 else ''}")
        self.problems = problems


def read_folder(folder: Path) -> Folder:
    """Return the rows of a folder without a fault.

    Raises:
        InventoryProblems: holding every problem, in the order of files and lines.
    """
    content = Folder()
    problems: list[Problem] = []
    if not folder.is_dir():
        raise InventoryProblems(str(folder), [Problem(str(folder), 0, "", "no such folder")])
    # A table that could not be read is one problem, not one more for every row that names something in it.
    unread = {table.name for table in TABLES if not _read_table(folder, table, content, problems)}
    known = {table.file for table in TABLES}
    problems += [
        Problem(path.name, 0, "", f"unknown file; known are {', '.join(sorted(known))}")
        for path in sorted(folder.glob("*.csv"))
        if path.name not in known
    ]
    problems += _check_references(content, unread)
    problems += _check_rules(content, unread)
    if problems:
        order = {table.file: index for index, table in enumerate(TABLES)}
        raise InventoryProblems(
            str(folder), sorted(problems, key=lambda problem: (order.get(problem.file, 99), problem.line))
        )
    return content


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


def _read_table(folder: Path, table: Table, content: Folder, problems: list[Problem]) -> bool:
    """Read a table into `content` and tell whether all of its rows were seen."""
    content.rows[table.name], content.lines[table.name] = [], []
    path = folder / table.file
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError(f"is larger than {MAX_FILE_BYTES // 1024**2} MB")
        text = decode(path.read_bytes())
    except FileNotFoundError:
        problems.append(Problem(table.file, 0, "", "missing; a table without rows is a file with its header only"))
        return False
    except (OSError, ValueError) as error:
        problems.append(Problem(table.file, 0, "", str(error)))
        return False
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, None)
        positions = _positions(table, header, problems)
        if positions is None:
            return False
        for cells in reader:
            if any(cells):
                _read_row(table, reader.line_num, cells, len(header or ()), positions, content, problems)
    except csv.Error as error:
        problems.append(Problem(table.file, reader.line_num, "", f"not CSV: {error}"))
        return False
    return True


def _positions(table: Table, header: list[str] | None, problems: list[Problem]) -> list[int] | None:
    """Return where each column of the table stands in the file, or None after reporting why it cannot be told."""
    names = [name.strip() for name in header or []]
    wanted = table.column_names
    found = [Problem(table.file, 1, name, "column is missing") for name in wanted if name not in names]
    found += [
        Problem(table.file, 1, name, f"unknown column; known are {', '.join(wanted)}")
        for name in names
        if name not in wanted
    ]
    found += [
        Problem(table.file, 1, name, "column appears twice") for name, count in Counter(names).items() if count > 1
    ]
    if not any(name in wanted for name in names):
        found = [Problem(table.file, 1, "", f"no header row; it must be: {','.join(wanted)}")]
    problems += found
    return None if found else [names.index(name) for name in wanted]


def _read_row(
    table: Table,
    line: int,
    cells: list[str],
    width: int,
    positions: list[int],
    content: Folder,
    problems: list[Problem],
) -> None:
    if len(cells) != width:
        problems.append(Problem(table.file, line, "", f"has {len(cells)} columns, the header has {width}"))
        return
    values: list[Value] = []
    for column, position in zip(table.columns, positions, strict=True):
        text = cells[position].strip()
        try:
            if "\0" in text or len(text) > MAX_TEXT:
                raise ValueError(f"holds a NUL character or more than {MAX_TEXT} characters")
            values.append(column.parse(text))
        except ValueError as error:
            problems.append(Problem(table.file, line, column.name, str(error)))
            values.append(None)
    content.rows[table.name].append(tuple(values))
    content.lines[table.name].append(line)


def _check_references(content: Folder, unread: Set[str]) -> Iterator[Problem]:
    keys: dict[str, dict[Row, int]] = {}
    for table in TABLES:
        seen = keys[table.name] = {}
        for line, row in zip(content.lines[table.name], content.rows[table.name], strict=True):
            key = table.key_of(row)
            if None in key:
                continue
            if key in seen:
                name = "/".join(map(str, key))
                yield Problem(table.file, line, table.key[-1], f"{name!r} stands already in line {seen[key]}")
            seen.setdefault(key, line)
    for table in TABLES:
        for index, column in enumerate(table.columns):
            if column.references is None or column.references in unread:
                continue
            for line, row in zip(content.lines[table.name], content.rows[table.name], strict=True):
                if row[index] is not None and (row[index],) not in keys[column.references]:
                    yield Problem(table.file, line, column.name, f"{row[index]!r} is not in {column.references}.csv")


def _check_rules(content: Folder, unread: Set[str]) -> Iterator[Problem]:
    school_of = {row["classroom"]: row["school"] for _, row in records(content, "classrooms")}
    yield from _check_agents(content, school_of)
    yield from _check_links(content, ports_known="ports" not in unread)
    yield from _check_parents(content)
    for line, row in records(content, "terminals"):
        room = row["classroom"]
        if room is not None and row["school"] is not None and school_of.get(room, row["school"]) != row["school"]:
            yield Problem("terminals.csv", line, "classroom", f"{room!r} belongs to {school_of[room]!r}")


def _check_agents(content: Folder, school_of: dict[str, str]) -> Iterator[Problem]:
    gateways: dict[str, int] = {}
    rooms: dict[str, int] = {}
    for line, row in records(content, "agents"):
        role, school, room = row["role"], row["school"], row["classroom"]
        if role in ("gateway", "classroom") and school is None:
            yield Problem("agents.csv", line, "school", f"a {role} agent needs its school")
        if role == "core" and (school is not None or room is not None):
            yield Problem("agents.csv", line, "school", "the core agent belongs to no school")
        if role == "gateway" and room is not None:
            yield Problem("agents.csv", line, "classroom", "a gateway belongs to no classroom")
        if role == "gateway" and school is not None and gateways.setdefault(school, line) != line:
            yield Problem("agents.csv", line, "school", f"{school!r} has a gateway already in line {gateways[school]}")
        if role == "classroom" and room is None:
            yield Problem("agents.csv", line, "classroom", "a classroom agent needs its classroom")
        if role == "classroom" and room is not None:
            if rooms.setdefault(room, line) != line:
                yield Problem("agents.csv", line, "classroom", f"{room!r} has an agent already in line {rooms[room]}")
            if school is not None and school_of.get(room, school) != school:
                yield Problem("agents.csv", line, "classroom", f"{room!r} belongs to {school_of[room]!r}")


def _check_links(content: Folder, *, ports_known: bool) -> Iterator[Problem]:
    devices = {row["device"] for _, row in records(content, "devices")}
    ports = {(row["device"], row["port"]) for _, row in records(content, "ports")}
    for line, row in records(content, "links"):
        for end in ("school", "centre"):
            device, port = row[f"{end}_device"], row[f"{end}_port"]
            if port is not None and device is None:
                yield Problem("links.csv", line, f"{end}_device", f"{end}_port is given without its device")
            if port is not None and ports_known and device in devices and (device, port) not in ports:
                yield Problem("links.csv", line, f"{end}_port", f"{device}/{port} is not in ports.csv")


def _check_parents(content: Folder) -> Iterator[Problem]:
    parents = {row["device"]: row["parent"] for _, row in records(content, "devices")}
    for line, row in records(content, "devices"):
        seen, device = set(), row["device"]
        while device is not None and device not in seen:
            seen.add(device)
            device = parents.get(device)
        if device is not None and device == row["device"]:
            yield Problem("devices.csv", line, "parent", f"{device!r} is its own ancestor")
