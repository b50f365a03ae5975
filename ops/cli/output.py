"""How commands speak: data to stdout as a table or JSON, messages to stderr, exit codes 0, 1 and 2.

0 is success, 1 a failure while working, 2 a wrong command line or config. Errors that carry a `hint` are printed as two
lines; anything else is a bug and keeps its traceback. Rich is imported only when a table is printed, so that a
long-running agent never pays for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, NoReturn

import msgspec
import typer

PIPED_WIDTH = 200
"""Columns of a table that goes into a pipe, where nothing should be cut for want of a terminal."""


class ExitCode(IntEnum):
    """What the caller's shell sees."""

    OK = 0
    FAILED = 1
    USAGE = 2


def print_json(value: Any) -> None:
    """Print any msgspec-encodable value as indented JSON to stdout."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value, enc_hook=_plain), indent=2).decode() + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str | None = None) -> None:
    """Print rows under headings to stdout; numbers to the right, None as a dash."""
    from rich.console import Console
    from rich.table import Table

    rows = [list(row) for row in rows]
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, heading in enumerate(columns):
        cells = [row[index] for row in rows if row[index] is not None]
        numeric = bool(cells) and all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in cells)
        table.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(cell) for cell in row))
    Console(file=sys.stdout, width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False, markup=False).print(
        table
    )


def print_facts(facts: Iterable[tuple[str, Any]]) -> None:
    """Print name and value pairs to stdout, values aligned."""
    pairs = [(name, _cell(value)) for name, value in facts]
    width = max((len(name) for name, _ in pairs), default=0)
    sys.stdout.write("".join(f"{name.ljust(width)}  {value}\n" for name, value in pairs))


def print_text(text: str) -> None:
    """Print text that is itself the data (a config, a document) to stdout."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def say(message: str) -> None:
    """Tell the operator something on stderr."""
    sys.stderr.write(message + "\n")
    sys.stderr.flush()


def fail(message: str, *, hint: str = "", code: ExitCode = ExitCode.FAILED) -> NoReturn:
    """Say what went wrong and what to do about it, then leave with `code`."""
    say(f"error: {message}")
    if hint:
        say(f"hint: {hint}")
    raise typer.Exit(int(code))


@contextmanager
def operator_errors() -> Iterator[None]:
    """Turn an error that carries a `hint` into two clear lines; let every other error show where it came from.

    An error may carry `exit_code` when it is the caller's (2) rather than the machine's (1).
    """
    try:
        yield
    except Exception as error:
        hint = getattr(error, "hint", None)
        if not isinstance(hint, str):
            raise
        code = ExitCode(getattr(error, "exit_code", ExitCode.FAILED))
        say(f"error: {error}")
        if hint:
            say(f"hint: {hint}")
        raise typer.Exit(int(code)) from error


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)


def _plain(value: Any) -> Any:
    if hasattr(value, "__fspath__"):
        return str(value)
    raise TypeError(f"no JSON form for {type(value).__name__}")
