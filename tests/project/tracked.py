"""The files that git tracks, as the project's tests see them."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
BINARY_SUFFIXES = frozenset({".png", ".jpg", ".ico", ".woff2", ".gz", ".zst", ".bin", ".db", ".mp"})


@cache
def tracked_files() -> tuple[Path, ...]:
    """Return every tracked file that exists."""
    said = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = (ROOT / name for name in said.stdout.split("\0") if name)
    return tuple(path for path in paths if path.is_file())


@cache
def tracked_texts() -> dict[str, str]:
    """Return the text of every tracked file by its path from the root; binary files are left out."""
    texts = {}
    for path in tracked_files():
        if path.suffix not in BINARY_SUFFIXES:
            try:
                texts[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    return texts


def texts_ending(*suffixes: str) -> dict[str, str]:
    """Return those texts whose path ends so."""
    return {name: text for name, text in tracked_texts().items() if name.endswith(suffixes)}
