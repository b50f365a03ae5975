"""Secrets in a config: a word in the file, or better the name of a file or of an environment variable that holds it.

A secret never shows in a repr, a log or `check-config`; only `reveal` gives it away.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MASK = "********"


class Secret:
    """A word that must not be shown. `source` says where it came from, for `check-config`."""

    __slots__ = ("_word", "source")

    def __init__(self, word: str, source: str = "config") -> None:
        self._word = word
        self.source = source

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._word

    def __repr__(self) -> str:
        return f"Secret({MASK}, from {self.source})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._word == other._word

    def __hash__(self) -> int:
        return hash(self._word)


class SecretUnreadable(ValueError):
    """The secret is not where the config says; the text is the reason."""


def read_secret(value: Any, folder: Path, environment: Mapping[str, str] = os.environ) -> Secret:
    """Return the secret that a config value holds or names; relative files are sought beside the config.

    Raises:
        SecretUnreadable: of a wrong form, or the file or variable is not there or empty.
    """
    if isinstance(value, str):
        if not value:
            raise SecretUnreadable("is empty")
        return Secret(value)
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in {"file", "env"}:
        raise SecretUnreadable("must be text, { file = … } or { env = … }")
    ((where, name),) = value.items()
    if not isinstance(name, str) or not name:
        raise SecretUnreadable(f"names no {where}")
    if where == "env":
        if not environment.get(name):
            raise SecretUnreadable(f"the environment variable {name} is not set")
        return Secret(environment[name], source=f"environment variable {name}")
    path = folder / name
    try:
        word = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SecretUnreadable(f"the file {path} cannot be read ({reason})") from error
    if not word:
        raise SecretUnreadable(f"the file {path} is empty")
    return Secret(word, source=f"file {path}")
