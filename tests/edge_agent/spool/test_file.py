"""The spool's file: what it remembers of its size is what SQLite says."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.spool import SpoolFull
from edge_agent.spool.file import PAGE_BYTES, SpoolFile
from edge_agent.spool.retention import Usage
from tests.edge_agent.spool.makers import Disk

_BLOB = "INSERT INTO set_aside VALUES (1, ?, 1, 1, 'test', 0, ZEROBLOB(50000))"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[SpoolFile]:
    file = SpoolFile(tmp_path / "spool.db", 2 * 1024 * 1024, Disk())
    file.open()
    yield file
    file.close()


def _asked(file: SpoolFile) -> Usage:
    """Return the usage as another handle reads it from the file."""
    with closing(sqlite3.connect(file.path)) as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        free_pages = db.execute("PRAGMA freelist_count").fetchone()[0]
    return Usage((pages - free_pages) * PAGE_BYTES, free_pages * PAGE_BYTES, Disk().free_bytes)


def test_the_usage_follows_commits_deletions_and_pages_given_back(file: SpoolFile) -> None:
    assert file.usage() == _asked(file)
    for seq in range(20):
        with file.transaction() as db:
            db.execute(_BLOB, (seq,))
        assert file.usage() == _asked(file)
    full = file.usage()
    with file.transaction() as db:
        db.execute("DELETE FROM set_aside")
    emptied = file.usage()
    assert emptied == _asked(file)
    assert emptied.free_page_bytes > 1_000_000 > full.free_page_bytes
    file.give_back_pages()
    assert file.usage() == _asked(file)
    assert file.usage().file_bytes < emptied.file_bytes


def test_what_was_rolled_back_takes_no_room(file: SpoolFile) -> None:
    before = file.usage()

    def overfill() -> None:
        with file.transaction() as db:
            for seq in range(100):
                db.execute(_BLOB, (seq,))

    with pytest.raises(SpoolFull):
        overfill()
    assert file.usage() == before == _asked(file)


def test_an_opened_file_is_asked_again(file: SpoolFile) -> None:
    with file.transaction() as db:
        db.execute(_BLOB, (1,))
    held = file.usage()
    file.close()
    with closing(sqlite3.connect(file.path)) as other:
        other.execute("DELETE FROM set_aside")
        other.commit()
    file.open()
    assert file.usage() == _asked(file) != held
