"""The config as it will be used, defaults filled in and secrets masked: TOML for people, plain values for JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from edge_agent.config.model import AgentConfig
from edge_agent.config.secret import MASK, Secret
from edge_agent.config.strict import as_toml


def effective_values(config: AgentConfig) -> dict[str, Any]:
    """Return every table of the config as plain values; what is not set is left out."""
    return {
        name: _plain(getattr(config, name)) for name in config.__struct_fields__ if getattr(config, name) is not None
    }


def effective_toml(config: AgentConfig) -> str:
    """Return the config as a TOML document."""
    lines: list[str] = []
    for table, value in effective_values(config).items():
        tables = [(f"[[{table}]]", row) for row in value] if isinstance(value, list) else [(f"[{table}]", value)]
        for heading, row in tables:
            lines += [heading, *(f"{key} = {as_toml(item)}" for key, item in row.items()), ""]
    return "\n".join(lines)


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return f"{MASK} ({value.source})"
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, msgspec.Struct):
        tag = (
            {value.__struct_config__.tag_field: value.__struct_config__.tag}
            if value.__struct_config__.tag_field
            else {}
        )
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        return tag | {name: _plain(field) for name, field in fields.items() if field is not None}
    return getattr(value, "value", value)
