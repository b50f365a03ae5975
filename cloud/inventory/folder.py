"""Reads a folder of CSV files and reports everything that is wrong with it, by file, line and column. No database.

How the files themselves may be written is `cloud.sheets.reading`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from pathlib import Path

from cloud.errors import InventoryRefused
from cloud.inventory.models import TABLES, Folder, records
from cloud.sheets.models import Problem, Row, Sheet, Table
from cloud.sheets.reading import MAX_FILE_BYTES, decode, read_sheet


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


def _read_table(folder: Path, table: Table, content: Folder, problems: list[Problem]) -> bool:
    """Read a table into `content` and tell whether all of its rows were seen."""
    sheet = Sheet(table, complete=False)
    path = folder / table.file
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError(f"is larger than {MAX_FILE_BYTES // 1024**2} MB")
        sheet = read_sheet(table, decode(path.read_bytes()), problems)
    except FileNotFoundError:
        problems.append(Problem(table.file, 0, "", "missing; a table without rows is a file with its header only"))
    except (OSError, ValueError) as error:
        problems.append(Problem(table.file, 0, "", str(error)))
    content.rows[table.name], content.lines[table.name] = sheet.rows, sheet.lines
    return sheet.complete


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
    for line, row in records(content, "devices"):
        if row["parent_port"] is not None and row["parent"] is None:
            yield Problem("devices.csv", line, "parent", "parent_port is given without its parent")
    parents = {row["device"]: row["parent"] for _, row in records(content, "devices")}
    for line, row in records(content, "devices"):
        seen, device = set(), row["device"]
        while device is not None and device not in seen:
            seen.add(device)
            device = parents.get(device)
        if device is not None and device == row["device"]:
            yield Problem("devices.csv", line, "parent", f"{device!r} is its own ancestor")
