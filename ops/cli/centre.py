"""The centre's settings for the commands that need them: one option, one way to refuse a bad file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.cli import output

if TYPE_CHECKING:
    from cloud.config import Settings

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", envvar="BELLWETHER_CLOUD_CONFIG", help="cloud.toml; without it, defaults and BELLWETHER_*."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def settings_of(config: Path | None, *, log_level: str = "WARNING") -> Settings:
    """Set up the log and load the settings; leave with every problem and exit code 2 when they cannot be used."""
    from cloud.config import load
    from cloud.errors import ConfigError
    from cloud.process import configure_logging

    if log_level.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        output.fail(
            f"no log level {log_level!r}", hint="one of DEBUG, INFO, WARNING, ERROR", code=output.ExitCode.USAGE
        )
    configure_logging(log_level.upper())
    try:
        return load(config)
    except ConfigError as error:
        for problem in error.problems:
            output.say(f"error: {error.source}: {problem}")
        output.fail("the configuration cannot be used", hint=error.hint, code=output.ExitCode.USAGE)


def database_of(config: Path | None) -> str:
    """Return the DSN of a database that answers and has this version's schema.

    Raises:
        DatabaseUnavailable, MigrationError: with a hint each.
    """
    from cloud.db import require_schema

    dsn = settings_of(config).database.dsn
    require_schema(dsn)
    return dsn
