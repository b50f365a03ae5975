"""Reads the makers' files (`makers/*.toml`): where each keeps CPU, memory and temperature. One file per maker.

A file that cannot be used is refused with all of its problems at once; ours are read when the first device is.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any

from edge_agent.errors import EdgeError

GENERIC = "generic"
_OID = re.compile(r"1\.[0-3](\.\d+){2,}")


@dataclass(frozen=True, slots=True)
class VendorObjects:
    """Where a maker keeps a device's health. A list of columns is a choice, the first that holds something counts.

    Percentages and degrees: of the rows of a column the highest counts. Memory in quantities (`used`, `total`, `free`):
    all rows of all columns together.
    """

    name: str
    sys_object_id: tuple[str, ...] = ()
    cpu_percent: tuple[str, ...] = ()
    cpu_idle_percent: tuple[str, ...] = ()
    memory_percent: tuple[str, ...] = ()
    memory_used: tuple[str, ...] = ()
    memory_total: tuple[str, ...] = ()
    memory_free: tuple[str, ...] = ()
    temperature_celsius: tuple[str, ...] = ()

    def columns(self) -> tuple[str, ...]:
        """Everything to look for, as columns (a scalar is a column with the index 0)."""
        return tuple(column for name in COLUMNS for column in getattr(self, name))


COLUMNS = tuple(one.name for one in fields(VendorObjects) if one.name not in ("name", "sys_object_id"))


class VendorFilesWrong(EdgeError):
    """Files of makers that cannot be used; the text says everything that is wrong with them."""

    hint = "put right what is listed; edge_agent/collectors/snmp/makers/huawei.toml shows the form"


@cache
def shipped() -> dict[str, VendorObjects]:
    """Return the makers that come with the agent, by name."""
    folder = files("edge_agent.collectors.snmp").joinpath("makers")
    texts = {one.name: one.read_text("utf-8") for one in folder.iterdir() if one.name.endswith(".toml")}
    return read(dict(sorted(texts.items())))


def read(texts: Mapping[str, str]) -> dict[str, VendorObjects]:
    """Return the makers of some files by their names.

    Raises:
        VendorFilesWrong: with every problem of every file.
    """
    problems: list[str] = []
    found: dict[str, VendorObjects] = {}
    prefixes: dict[str, str] = {}
    for file, text in texts.items():
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            problems.append(f"{file}: is not TOML: {error}")
            continue
        wrong = list(_problems(file.removesuffix(".toml"), table))
        if not wrong:
            wrong = [
                f"sys_object_id: {prefix} stands already in {prefixes[prefix]}"
                for prefix in table["sys_object_id"]
                if prefixes.setdefault(prefix, file) != file
            ]
        problems += [f"{file}: {one}" for one in wrong]
        if not wrong:
            name = table.pop("name")
            found[name] = VendorObjects(name, **{key: tuple(value) for key, value in table.items()})
    if problems:
        raise VendorFilesWrong("\n".join(problems))
    return found


def _problems(stem: str, table: Mapping[str, Any]) -> Iterator[str]:
    known = {"name", "sys_object_id", *COLUMNS}
    for key in table.keys() - known:
        yield f"{key}: unknown key; known are {', '.join(sorted(known))}"
    if table.get("name") != stem:
        yield f'name: must be the file\'s own, name = "{stem}"'
    if "sys_object_id" not in table:
        yield 'sys_object_id: is missing; such as sys_object_id = ["1.3.6.1.4.1.2011"]'
    elif table["sys_object_id"] == [] and stem != GENERIC:
        yield "sys_object_id: is empty, so the file stands for no device"
    for key in sorted(table.keys() & (known - {"name"})):
        if not isinstance(table[key], list):
            yield f"{key}: must be a list of OIDs"
            continue
        for oid in table[key]:
            if not isinstance(oid, str) or not _OID.fullmatch(oid):
                yield f"{key}: {oid!r} is no OID in numbers, without a dot before the first"
    if not table.keys() & set(COLUMNS):
        yield f"names nothing to read; one of {', '.join(COLUMNS)} must stand there"
    if ("memory_used" in table or "memory_total" in table) and "memory_free" not in table:
        yield "memory_free: is missing; memory_used and memory_total need it"
