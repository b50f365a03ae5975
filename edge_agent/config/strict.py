"""Strict reading of TOML tables into structs: unknown keys are errors, and all problems are found in one pass.

Works from the struct's own types and ranges (`msgspec.inspect`), so a rule is written once, on the field. msgspec's own
decoder would stop at the first problem and speak of types; this one goes on and speaks of values. Rules that a type
cannot say live in `checks.py`.
"""

from __future__ import annotations

import difflib
import enum
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from edge_agent.config.problems import Problem
from edge_agent.config.secret import Secret, SecretUnreadable

T = TypeVar("T", bound=msgspec.Struct)

UNITS = {"_seconds": "seconds", "_bytes": "bytes", "_bps": "bits per second"}
BROKEN = frozenset({"md5", "des", "3des"})  # SNMP v3 protocols that old guides still name
UNIT_WORDS = re.compile(r"^\s*[\d.]+\s*[a-zA-Z%/]+\s*$")


Checks = Mapping[type[Any], Callable[[Any, str], Iterable[Problem]]]
"""What must hold inside one table, by its struct: called with the struct and its key."""


class StrictReader:
    """Reads one file's tables, collecting problems in `problems` as it goes. Relative paths start at `folder`."""

    def __init__(self, folder: Path, read_secret: Callable[[Any], Secret], checks: Checks) -> None:
        self._folder = folder
        self._read_secret = read_secret
        self._checks = checks
        self.problems: list[Problem] = []

    def read(self, struct: type[T], table: dict[str, Any], key: str = "") -> T | None:
        """Return the struct that `table` says, or None after noting why not."""
        value = self._struct(inspect.type_info(struct), table, key)
        assert value is None or isinstance(value, struct)
        return value

    def _struct(self, info: Any, table: Any, key: str) -> Any:
        if not isinstance(table, dict):
            self._note(key, f"must be a table, not {_shown(table)}", f"[{key}]")
            return None
        before = len(self.problems)
        fields = {field.encode_name: field for field in info.fields}
        values: dict[str, Any] = {}
        wrong: set[str] = set()
        for name, raw in table.items():
            if name == info.tag_field:
                continue
            field = fields.get(name)
            if field is None:
                self._unknown(key, name, [*fields, *([info.tag_field] if info.tag_field else [])])
                continue
            noted = len(self.problems)
            values[field.name] = self._value(field.type, raw, _join(key, name))
            if len(self.problems) > noted:
                wrong.add(name)
        for name, field in fields.items():
            if field.required and name not in table:
                self._note(_join(key, name), "is missing", _example(name, field.type))
                wrong.add(name)
        if all(_has_stand_in(fields[name]) for name in wrong):
            built = info.cls(**values | {fields[name].name: self._stand_in(fields[name]) for name in wrong})
            self.problems += self._contradictions(built, key, wrong)
        return info.cls(**values) if len(self.problems) == before else None

    def _contradictions(self, built: Any, key: str, wrong: Collection[str]) -> Iterable[Problem]:
        """Return what the table's check says; nothing that may only come from a stand-in for a wrong value."""
        check = self._checks.get(type(built))
        found = [] if check is None else check(built, key)
        doubtful = {key, *(_join(key, name) for name in wrong)} if wrong else set()
        return [problem for problem in found if problem.key not in doubtful]

    def _stand_in(self, field: inspect.Field) -> Any:
        """Return a good value in the place of a wrong one, so that the rest of the table can be checked."""
        if field.default is not msgspec.NODEFAULT:
            return field.default
        if field.default_factory is not msgspec.NODEFAULT:
            return field.default_factory()
        bare = _bare(field.type)
        if isinstance(bare, inspect.CustomType) and bare.cls is Secret:
            return Secret("stand-in")
        return self._value(field.type, _first_example(field.type), field.encode_name)

    def _unknown(self, key: str, name: str, known: list[str]) -> None:
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        if not close:
            stem = name.rsplit("_", 1)[0]
            close = [known_name for known_name in known if known_name.rsplit("_", 1)[0] == stem]
        rest = f"did you mean {close[0]}?" if close else "known are " + ", ".join(known)
        self._note(_join(key, name), f"is not a key here; {rest}")

    def _value(self, info: Any, raw: Any, key: str) -> Any:
        example = _example(key.rsplit(".", 1)[-1], info)
        info = _bare(info)
        if isinstance(info, inspect.StructType):
            return self._struct(info, raw, key)
        if isinstance(info, inspect.UnionType):
            return self._tagged(info, raw, key)
        if isinstance(info, inspect.ListType | inspect.VarTupleType):
            return self._list(info, raw, key, example)
        if isinstance(info, inspect.CustomType) and info.cls is Secret:
            try:
                return self._read_secret(raw)
            except SecretUnreadable as unreadable:
                return self._note(key, str(unreadable), example or f'{_last(key)} = {{ file = "secret.txt" }}')
        if isinstance(info, inspect.CustomType) and issubclass(info.cls, Path):
            return self._folder / raw if isinstance(raw, str) and raw else self._note(key, "must be a path", example)
        return self._scalar(info, raw, key, example)

    def _tagged(self, info: inspect.UnionType, raw: Any, key: str) -> Any:
        structs = {member.tag: member for member in info.types if isinstance(member, inspect.StructType)}
        tag_field = next(iter(structs.values())).tag_field or "kind"
        if not isinstance(raw, dict):
            return self._note(key, f"must be a table, not {_shown(raw)}")
        choices = ", ".join(f'"{tag}"' for tag in structs)
        example = f'{tag_field} = "{next(iter(structs))}"'
        if tag_field not in raw:
            return self._note(_join(key, tag_field), f"is missing, one of {choices}", example)
        member = structs.get(raw[tag_field]) if isinstance(raw[tag_field], str) else None
        if member is None:
            return self._note(_join(key, tag_field), f"must be one of {choices}, not {_shown(raw[tag_field])}", example)
        return self._struct(member, raw, key)

    def _list(self, info: Any, raw: Any, key: str, example: str) -> Any:
        if not isinstance(raw, list):
            return self._note(key, f"must be a list, not {_shown(raw)}", example)
        values = [self._value(info.item_type, item, f"{key}[{index}]") for index, item in enumerate(raw, start=1)]
        return tuple(values) if isinstance(info, inspect.VarTupleType) else values

    def _scalar(self, info: Any, raw: Any, key: str, example: str) -> Any:
        if isinstance(info, inspect.EnumType | inspect.LiteralType):
            choices = [member.value for member in info.cls] if isinstance(info, inspect.EnumType) else info.values
            if raw not in choices or isinstance(raw, bool):
                listed = ", ".join(f'"{choice}"' for choice in choices)
                refused = f"{raw} is broken and refused; " if isinstance(raw, str) and raw.lower() in BROKEN else ""
                return self._note(key, f"{refused}must be one of {listed}, not {_shown(raw)}", example)
            return info.cls(raw) if isinstance(info, inspect.EnumType) else raw
        if isinstance(info, inspect.BoolType):
            return (
                raw if isinstance(raw, bool) else self._note(key, f"must be true or false, not {_shown(raw)}", example)
            )
        if isinstance(info, inspect.StrType):
            return self._text(info, raw, key, example)
        return self._number(info, raw, key, example)

    def _text(self, info: inspect.StrType, raw: Any, key: str, example: str) -> Any:
        if not isinstance(raw, str):
            return self._note(key, f"must be text, not {_shown(raw)}", example)
        if info.pattern and not re.fullmatch(info.pattern, raw):  # `$` alone would let a line end through
            return self._note(key, f"{_shown(raw)} is not of the form {info.pattern}", example)
        if not (info.min_length or 0) <= len(raw) <= (info.max_length or math.inf):
            return self._note(key, "is empty" if not raw else f"is longer than {info.max_length} characters", example)
        return raw

    def _number(self, info: Any, raw: Any, key: str, example: str) -> Any:
        unit = next((unit for ending, unit in UNITS.items() if _last(key).endswith(ending)), "")
        whole = isinstance(info, inspect.IntType)
        wanted = ("a whole number" if whole else "a number") + (f" of {unit}" if unit else "")
        if isinstance(raw, bool) or not isinstance(raw, int if whole else int | float):
            if isinstance(raw, str) and UNIT_WORDS.match(raw):
                return self._note(key, f"must be {wanted} without a unit, not {_shown(raw)}", example)
            return self._note(key, f"must be {wanted}, not {_shown(raw)}", example)
        of = f" {unit}" if unit else ""
        if info.ge is not None and not raw >= info.ge:
            return self._note(key, f"must be at least {info.ge:,}{of}, not {raw:,}", example)
        if info.le is not None and not raw <= info.le:
            doubt = "; milliseconds perhaps?" if unit == "seconds" and raw >= 1000 else ""
            return self._note(key, f"must be at most {info.le:,}{of}, not {raw:,}{doubt}", example)
        return raw if whole else float(raw)

    def _note(self, key: str, reason: str, example: str = "") -> None:
        self.problems.append(Problem(key, reason, example))


def _bare(info: Any) -> Any:
    """Strip metadata and `| None`; TOML has no null, an absent key is the None."""
    while True:
        if isinstance(info, inspect.Metadata):
            info = info.type
        elif isinstance(info, inspect.UnionType):
            rest = [member for member in info.types if not isinstance(_bare_metadata(member), inspect.NoneType)]
            if len(rest) != 1:
                return info
            info = rest[0]
        else:
            return info


def _bare_metadata(info: Any) -> Any:
    return info.type if isinstance(info, inspect.Metadata) else info


def _has_stand_in(field: inspect.Field) -> bool:
    """Say whether a value can stand in for a wrong one. Not for a choice: what else must be there hangs on it."""
    if isinstance(_bare(field.type), inspect.EnumType | inspect.LiteralType):
        return False
    return not field.required or _first_example(field.type) is not None


def _example(name: str, info: Any) -> str:
    """Return the first example on the field's Meta as TOML, or nothing."""
    example = _first_example(info)
    return "" if example is None else f"{name.partition('[')[0]} = {as_toml(example)}"


def _first_example(info: Any) -> Any:
    for layer in (info, *getattr(info, "types", ())):
        if isinstance(layer, inspect.Metadata):
            examples = (layer.extra_json_schema or {}).get("examples")
            return examples[0] if examples else _first_example(layer.type)
    return None


def as_toml(value: Any) -> str:
    """Return a scalar, list or inline table as it would stand in a TOML file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, enum.Enum):
        return as_toml(value.value)
    if isinstance(value, int | float):
        return f"{value}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(as_toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {as_toml(item)}" for name, item in value.items()) + " }"
    # JSON's escapes are a subset of TOML's basic strings.
    return msgspec.json.encode(str(value)).decode()


def _shown(value: Any) -> str:
    text = as_toml(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _last(key: str) -> str:
    return key.rsplit(".", 1)[-1].partition("[")[0]
