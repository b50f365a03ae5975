"""One school with a class in session and another whose gateway never spoke, written straight into the database."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from protocols.desired import DocumentKind, Reported, ReportedDocument, ReportedTerminal, Validity

CLASS = "s01-g3c1"
LESSON = "s01-g3c1.p3"
DARK_CLASS = "s02-g3c1"
PUPILS = 42
ACROSS = 8


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def write_schools(dsn: str) -> None:
    """Write two schools, each with a gateway, a room, and a class of pupils with seats and terminals."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for position, (school, name) in enumerate((("s01", "第一小学"), ("s02", "第二小学")), start=1):
            _write_school(connection, position, school, name)
        _write_lesson(connection)


def _write_school(connection: psycopg.Connection[Any], position: int, school: str, name: str) -> None:
    def put(statement: str, *values: object) -> None:
        connection.execute(statement.encode(), values)

    room, school_class = f"{school}-c01", f"{school}-g3c1"
    put(
        "INSERT INTO schools (school, position, name, name_en, stage) VALUES (%s, %s, %s, %s, 'primary')",
        school, position, name, f"Primary School {position}",
    )  # fmt: skip
    put(
        "INSERT INTO classrooms (classroom, position, school, name, name_en) VALUES (%s, 1, %s, '101', '101')",
        room, school,
    )  # fmt: skip
    put(
        "INSERT INTO agents (agent, position, role, school) VALUES (%s, %s, 'gateway', %s)",
        f"{school}-gw", position, school,
    )  # fmt: skip
    put(
        "INSERT INTO classes (school_class, source_id, school, title, title_en, grade, classroom)"
        " VALUES (%s, %s, %s, '三年级1班', 'Grade 3 Class 1', '03', %s)",
        school_class, school_class, school, room,
    )  # fmt: skip
    for number in range(1, PUPILS + 1):
        person, terminal = f"p-{school}-{number:02}", f"{room}-t{number:02}"
        row, column = (number - 1) // ACROSS + 1, (number - 1) % ACROSS + 1
        put(
            "INSERT INTO people (person, kind, source_id, name) VALUES (%s, 'pupil', %s, %s)",
            person, person, f"学生{number}",
        )  # fmt: skip
        put(
            "INSERT INTO enrolments (school_class, person, role, number, seat_row, seat_column)"
            " VALUES (%s, %s, 'pupil', %s, %s, %s)",
            school_class, person, number, row, column,
        )  # fmt: skip
        put(
            "INSERT INTO terminals (terminal, position, school, classroom, owner, agent, model)"
            " VALUES (%s, %s, %s, %s, 'student', %s, '')",
            terminal, number, school, room, f"{school}-gw",
        )  # fmt: skip
        if number < PUPILS:
            put("INSERT INTO terminal_holders (terminal, person) VALUES (%s, %s)", terminal, person)
    put(
        "INSERT INTO terminal_targets (scope, app_version, configuration, set_at) VALUES (%s, '3.2.1', '{}', now())",
        school,
    )


def _write_lesson(connection: psycopg.Connection[Any]) -> None:
    starts_at = datetime.now(UTC) - timedelta(minutes=12)
    connection.execute(
        "INSERT INTO lessons (lesson, school, school_class, classroom, topic, day, period, starts_at, ends_at, exam)"
        " VALUES (%s, 's01', %s, 's01-c01', '数学', current_date, 3, %s, %s, false)",
        [LESSON, CLASS, starts_at, starts_at + timedelta(minutes=45)],
    )
    facts: list[tuple[str, str | None, str, str | None]] = [("lesson_event", None, "question_opened", "q-1")]
    facts += [("answer", f"p-s01-{number:02}", "ABBC"[number % 4], "q-1") for number in range(1, 25)]
    facts += [("attendance", "p-s01-40", "absent", None)]
    for order, (kind, person, word, thing) in enumerate(facts):
        connection.execute(
            "INSERT INTO teaching_facts (record_id, lesson, school_class, type, person, word, object, attempt, correct,"
            " observed_at, made_at, received_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, now(), now(), now())",
            [f"{order:032x}", LESSON, CLASS, kind, person, word, thing]
            + ([1, word == "B"] if kind == "answer" else [None, None]),
        )


def report(**changes: dict[str, object]) -> Reported:
    """Return what the first school's gateway says: all well, but for the terminals named by number, such as `t03`."""
    at_ms = now_ms()
    terminals = []
    for number in range(1, PUPILS):
        said: dict[str, Any] = {
            "seen_at_ms": at_ms - 4000,
            "present": True,
            "app_version": "3.2.1",
            "unsent": 0,
            "missing_bytes": 0,
            "battery_ratio": 0.8,
            "storage_free_bytes": 9_000_000_000,
        }
        said |= changes.get(f"t{number:02}", {})
        terminals.append(ReportedTerminal(terminal=f"s01-c01-t{number:02}", **said))
    roster = ReportedDocument(kind=DocumentKind.ROSTER, token="0" * 32, validity=Validity.VALID)
    return Reported(agent="s01-gw", at_ms=at_ms, documents=[roster], terminals=terminals)
