"""A database with the example district in it, and the example roster as files that a test may change."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cloud.inventory.service import import_folder

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


@pytest.fixture
def centre(database: str) -> str:
    """The DSN of a database that knows the example district."""
    import_folder(database, EXAMPLES / "district")
    return database


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    """The example roster."""
    return shutil.copytree(EXAMPLES / "roster", tmp_path / "roster")


@pytest.fixture
def timetable(tmp_path: Path) -> Path:
    """The example timetable."""
    return shutil.copytree(EXAMPLES / "timetable", tmp_path / "timetable")


@pytest.fixture
def rows(database: str) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    """Runs a query and returns its rows."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield lambda query, *values: connection.execute(query, values).fetchall()


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that must be in a file."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
