"""The documented example of a roster, beside the documented example of a district."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cloud.inventory.service import import_folder

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
NOW = datetime(2026, 11, 2, 1, tzinfo=UTC)
"""Monday, nine o'clock at school: the first period has begun, the second has not."""

Rows = Callable[..., list[Any]]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A copy of the example's OneRoster folder, to be spoiled."""
    return shutil.copytree(EXAMPLES / "roster" / "oneroster", tmp_path / "oneroster")


@pytest.fixture
def week(tmp_path: Path) -> Path:
    """A copy of the example's timetable folder, to be spoiled."""
    return shutil.copytree(EXAMPLES / "roster" / "timetable", tmp_path / "timetable")


@pytest.fixture
def dsn(database: str) -> str:
    """A database that holds the example's inventory."""
    import_folder(database, EXAMPLES / "district")
    return database


@pytest.fixture
def rows(dsn: str) -> Iterator[Rows]:
    """Asks the database: rows of one column as a plain list."""
    with psycopg.connect(dsn, autocommit=True) as connection:

        def ask(query: str, *values: Any) -> list[Any]:
            found = connection.execute(query.encode(), values).fetchall()
            return [row[0] if len(row) == 1 else row for row in found]

        yield ask


def edit(folder: Path, file: str, old: str, new: str) -> None:
    """Replace what stands once in a file."""
    text = (folder / file).read_text("utf-8")
    assert text.count(old) == 1, (file, old, text.count(old))
    (folder / file).write_text(text.replace(old, new), "utf-8")


def drop(folder: Path, file: str, beginning: str) -> None:
    """Take the one line away that begins so."""
    lines = (folder / file).read_text("utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(beginning)]
    assert len(kept) == len(lines) - 1, (file, beginning)
    (folder / file).write_text("".join(kept), "utf-8")


def delta(folder: Path, **files: list[str]) -> None:
    """Make of an export one that holds only these lines, as changes; a file that is not named is absent."""
    manifest = ["propertyName,value", "oneroster.version,1.2"]
    for path in sorted(folder.glob("*.csv")):
        name = path.stem
        if name in files:
            header = path.read_text("utf-8").splitlines()[0]
            path.write_text("\n".join([header, *files[name], ""]), "utf-8")
            manifest += [f"file.{name},delta"] if name != "seats" else []
        else:
            path.unlink()
            manifest.append(f"file.{name},absent")
    (folder / "manifest.csv").write_text("\n".join([*manifest, ""]), "utf-8")
