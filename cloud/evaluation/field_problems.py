"""Converts raw JSON to structs field by field, so that every problem is found at once, each with its JSON path."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar, get_args

import msgspec
from msgspec import NODEFAULT, Struct

AnyStruct = TypeVar("AnyStruct", bound=Struct)


class FieldProblem(NamedTuple):
    """What is wrong where: `path` is a JSON path such as `$.CFItems[12].extensions`."""

    path: str
    detail: str


def read_struct(raw: Any, struct: type[AnyStruct], path: str, problems: list[FieldProblem]) -> AnyStruct | None:
    """Return `raw` as a struct; None when it has problems, which are added to `problems`."""
    if not isinstance(raw, dict):
        problems.append(FieldProblem(path, "is missing or not an object"))
        return None
    before = len(problems)
    fields = msgspec.structs.fields(struct)
    if struct.__struct_config__.forbid_unknown_fields:
        names = {field.encode_name for field in fields}
        problems += [FieldProblem(f"{path}.{name}", "is not a known field") for name in raw if name not in names]
    values: dict[str, Any] = {}
    for field in fields:
        where = f"{path}.{field.encode_name}"
        if field.encode_name in raw:
            values[field.name] = _read(raw[field.encode_name], field.type, where, problems)
        elif field.default is NODEFAULT and field.default_factory is NODEFAULT:
            problems.append(FieldProblem(where, "is missing"))
    return struct(**values) if len(problems) == before else None


def _read(raw: Any, kind: Any, path: str, problems: list[FieldProblem]) -> Any:
    inner = next((one for one in (kind, *get_args(kind)) if isinstance(one, type) and issubclass(one, Struct)), None)
    if inner is not None and not (raw is None and type(None) in get_args(kind)):
        return read_struct(raw, inner, path, problems)
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        detail, _, inside = str(error).partition(" - at `$")
        problems.append(FieldProblem(path + inside.rstrip("`"), detail[:1].lower() + detail[1:]))
        return None
