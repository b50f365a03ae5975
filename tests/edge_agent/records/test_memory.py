"""The memory of records: never a reason not to start, sealed, and what was erased does not come back."""

from __future__ import annotations

import json
import sqlite3

import pytest

from edge_agent.cipher import Cipher
from edge_agent.errors import EdgeError, Retry
from edge_agent.records.memory import Known, RecordMemory, Remembered
from tests.edge_agent.ciphers import cipher_of

STATEMENT = json.dumps(
    {
        "actor": {"account": {"homePage": "https://school.example", "name": "p-0a1b"}},
        "verb": {"id": "http://adlnet.gov/expapi/verbs/answered"},
        "object": {"id": "https://school.example/questions/q-17"},
        "result": {"response": "a lighthouse"},
    },
    separators=(",", ":"),
).encode()


class NoKeyNow(EdgeError):
    """The key file cannot be read at the moment."""

    retry = Retry.BACKOFF


def one(record_id: str = "r1", subject: str | None = "p-0a1b", statement: bytes | None = STATEMENT) -> Remembered:
    return Remembered(record_id, subject, b"print", statement)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "records.db"


def opened(path, key: int | None = 1, **options) -> RecordMemory:
    memory = RecordMemory(path, cipher=None if key is None else cipher_of(key), **options)
    memory.open()
    return memory


def test_what_is_remembered_is_found_again(path):
    memory = opened(path)
    memory.remember([one(), one("r2", statement=None)])
    memory.close()
    again = opened(path)
    assert again.find(["r1", "r2", "r3"]) == {"r1": Known(b"print", STATEMENT), "r2": Known(b"print", None)}
    again.close()


def test_no_statement_can_be_read_in_the_files(path):
    memory = opened(path)
    memory.remember([one()])
    for file in path.parent.iterdir():
        assert b"lighthouse" not in file.read_bytes()
    memory.close()


def test_a_damaged_file_is_begun_anew_and_its_log_does_not_come_back(path):
    memory = opened(path)
    memory.close()
    memory = opened(path)
    memory.remember([one()])
    kept = path.with_name("records.db-wal").read_bytes()
    memory.close()
    path.write_bytes(b"this is no database at all" * 400)
    path.with_name("records.db-wal").write_bytes(kept)
    again = opened(path)
    assert again.find(["r1"]) == {}
    again.remember([one("r2")])
    again.close()
    last = opened(path)
    assert list(last.find(["r1", "r2"])) == ["r2"]
    last.close()


def test_a_locked_file_is_no_damage_and_is_opened_later(path):
    memory = opened(path)
    memory.remember([one()])
    memory.close()
    now = 100.0
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("PRAGMA locking_mode = EXCLUSIVE")
    locker.execute("BEGIN EXCLUSIVE")
    locker.execute("DELETE FROM taken WHERE 0")
    memory = opened(path, monotonic=lambda: now)
    assert memory.find(["r1"]) == {}
    with pytest.raises(sqlite3.OperationalError):
        memory.remember([one("r2")])
    locker.execute("ROLLBACK")
    locker.close()
    now += 60
    assert list(memory.find(["r1"])) == ["r1"]
    memory.close()


def test_a_full_disk_does_not_keep_the_memory_from_opening_later(path, monkeypatch):
    connect, now = sqlite3.connect, 100.0

    def full(*_, **__):
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(sqlite3, "connect", full)
    memory = opened(path, monotonic=lambda: now)
    assert memory.find(["r1"]) == {}
    monkeypatch.setattr(sqlite3, "connect", connect)
    now += 60
    memory.remember([one()])
    assert list(memory.find(["r1"])) == ["r1"]
    memory.close()


def test_a_lost_key_costs_the_statements_and_not_the_ids(path):
    memory = opened(path)
    memory.remember([one()])
    memory.close()
    again = opened(path, key=2)
    assert again.find(["r1"]) == {"r1": Known(b"print", None)}
    again.close()


def test_a_file_of_layout_1_is_sealed_when_it_is_opened(path):
    with sqlite3.connect(path) as db:
        db.execute(
            "CREATE TABLE taken (place INTEGER PRIMARY KEY, record_id TEXT NOT NULL UNIQUE,"
            " fingerprint BLOB NOT NULL, statement BLOB) STRICT"
        )
        rows = [(f"r{number}", b"print", STATEMENT if number % 2 else None) for number in range(1200)]
        db.executemany("INSERT INTO taken (record_id, fingerprint, statement) VALUES (?, ?, ?)", rows)
    db.close()
    memory = opened(path)
    assert memory.find(["r1"]) == {"r1": Known(b"print", STATEMENT)}
    assert memory.forget("p-0a1b").records == 600
    memory.close()
    for file in path.parent.iterdir():
        assert b"lighthouse" not in file.read_bytes()


def test_without_a_key_statements_are_not_kept_and_old_ones_wait_to_be_sealed(path):
    memory = opened(path, key=None)
    memory.remember([one()])
    memory.close()

    def refuse(_):
        raise NoKeyNow("permission denied")

    keyless = RecordMemory(path, cipher=Cipher(refuse, refuse))
    keyless.open()
    keyless.remember([one("r2")])
    assert keyless.find(["r1", "r2"]) == {"r1": Known(b"print", STATEMENT), "r2": Known(b"print", None)}
    keyless.close()
    again = opened(path)
    assert again.find(["r1"]) == {"r1": Known(b"print", STATEMENT)}
    again.close()
    assert b"lighthouse" not in path.read_bytes()


def test_of_an_erased_person_only_the_ids_are_left(path):
    memory = opened(path)
    memory.remember([one(), one("r2", "p-2")])
    assert memory.forget("p-0a1b").records == 1
    known = memory.find(["r1", "r2"])
    assert known["r1"].forgotten
    assert known["r1"].statement is None
    assert known["r2"].statement == STATEMENT
    assert memory.forget("p-2", ["r2", "unknown"]).records == 1
    assert memory.forget("p-2").records == 0
    memory.close()
    for file in path.parent.iterdir():
        assert b"p-0a1b" not in file.read_bytes()


def test_files_that_only_an_erased_person_s_records_refer_to_are_told(path):
    memory = opened(path, max_ids=10)
    memory.remember(
        [
            one("r1")._replace(files=("a", "shared")),
            one("r2")._replace(files=("a", "b")),
            one("r3", "p-2")._replace(files=("shared",)),
        ]
    )
    found = memory.forget("p-0a1b")
    assert (found.records, sorted(found.files)) == (2, ["a", "b"])
    assert memory.forget("p-2", ["r3"]).files == ["shared"]
    assert memory.forget("p-0a1b").files == []
    memory.close()


def test_a_file_of_layout_2_learns_to_note_files(path):
    memory = opened(path)
    memory.remember([one("r1")])
    memory.close()
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE files")
        db.execute("PRAGMA user_version = 2")
    db.close()
    memory = opened(path)
    memory.remember([one("r2")._replace(files=("a",))])
    assert memory.forget("p-0a1b") == (2, ["a"])
    memory.close()


def test_the_oldest_are_forgotten(path):
    memory = opened(path, max_ids=10)
    memory.remember([one(f"r{number}", statement=None) for number in range(5000)])
    assert list(memory.find(["r0", "r4989", "r4990", "r4999"])) == ["r4990", "r4999"]
    memory.close()
