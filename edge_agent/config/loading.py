"""From a TOML file to a config, or to every problem in it at once."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.config import checks
from edge_agent.config.model import AgentConfig
from edge_agent.config.problems import ConfigError, Problem
from edge_agent.config.secret import read_secret
from edge_agent.config.strict import StrictReader


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """A config, the file it came from, and what works in it but should not stay so."""

    config: AgentConfig
    file: Path
    warnings: tuple[str, ...]


def load_config(file: Path, environment: Mapping[str, str] = os.environ) -> LoadedConfig:
    """Read and check a config file. Relative paths in it are taken from the file's folder.

    Raises:
        ConfigError: with all problems at once.
    """
    folder = file.resolve().parent
    reader = StrictReader(folder, lambda value: read_secret(value, folder, environment), checks.WITHIN_TABLES)
    tables = _parse(file)
    config = reader.read(AgentConfig, tables)
    problems = [*reader.problems, *checks.between_tables(tables)]
    if config is None or problems:
        raise ConfigError(str(file), problems)
    return LoadedConfig(config, file, tuple(checks.warnings(config)))


def _parse(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ConfigError(
            str(file), [Problem("encoding", f"not UTF-8 at byte {error.start}; save it as UTF-8")]
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(file), [Problem("syntax", f"not TOML: {error}", 'key = "value"')]) from error
    except OSError as error:
        raise ConfigError(str(file), [Problem("file", f"cannot be read ({error.strerror})")]) from error
