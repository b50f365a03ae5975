"""The roster's tables: read whole, changed by one statement per table that takes columns as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from psycopg import Cursor

from cloud.db.queries import Queries
from cloud.roster.models import Holder, Kept, Member, Membership, Person, Places, SchoolClass, State, Term
from cloud.sheets.models import TableChanges

QUERIES = Queries(Path(__file__).with_name("queries.sql"))


class Stored(NamedTuple):
    """How a table of the state is kept: its statements' suffix, its key's columns, its rows' type."""

    table: str
    state: str
    statements: str
    key: tuple[str, ...]
    row: Any


STORED = (
    Stored("terms", "terms", "terms", ("source_id",), Term),
    Stored("people", "people", "people", ("source_id",), Person),
    Stored("classes", "classes", "classes", ("source_id",), SchoolClass),
    Stored("enrolments", "enrolments", "enrolments", Member._fields, Membership),
    Stored("terminal_holders", "holders", "holders", ("terminal",), Holder),
)
"""Each after those it refers to."""


def places(cursor: Cursor[Any]) -> Places:
    """Return what the inventory knows."""
    schools = frozenset(row[0] for row in _all(cursor, "schools"))
    classrooms = _all(cursor, "classrooms")
    return Places(
        schools=schools,
        classrooms={classroom: school for classroom, school, _, _ in classrooms},
        classroom_names={(school, name): classroom for classroom, school, name, once in classrooms if once},
        terminals=dict(_all(cursor, "terminals")),
    )


def state(cursor: Cursor[Any]) -> State:
    """Return the whole roster as it is."""
    found = State(orgs=dict(_all(cursor, "orgs")))
    for stored in STORED:
        kept: Kept[Any, Any] = getattr(found, stored.state)
        width = len(stored.key)
        for row in _all(cursor, stored.statements):
            key = row[0] if width == 1 else Member(*row[:width])
            (kept.retired if row[width] else kept.active)[key] = stored.row(*row[width + 1 :])
    return found


def write(cursor: Cursor[Any], before: State, after: State, at: datetime) -> dict[str, TableChanges]:
    """Bring every table from `before` to `after`, write what differs only, and return what changed."""
    gone = [source for source in before.orgs if source not in after.orgs]
    if gone:
        cursor.execute(QUERIES["forget_orgs"], {"source_ids": gone})
    orgs = [(source, school) for source, school in after.orgs.items() if before.orgs.get(source) != school]
    if orgs:
        cursor.execute(QUERIES["put_orgs"], _arrays(("source_id", "school"), orgs))
    return {
        stored.table: _write_table(
            cursor, stored, getattr(before, stored.state), getattr(after, stored.state).active, at
        )
        for stored in STORED
    }


def _write_table(
    cursor: Cursor[Any], stored: Stored, before: Kept[Any, Any], after: Mapping[Any, Any], at: datetime
) -> TableChanges:
    added = [key for key in after if key not in before.active]
    changed = [key for key, row in after.items() if key in before.active and before.active[key] != row]
    retired = [key for key in before.active if key not in after]
    if added or changed:
        rows = [(*_parts(stored, key), *after[key]) for key in sorted([*added, *changed])]
        cursor.execute(QUERIES[f"put_{stored.statements}"], _arrays((*stored.key, *stored.row._fields), rows))
    if retired:
        keys = [_parts(stored, key) for key in sorted(retired)]
        cursor.execute(QUERIES[f"retire_{stored.statements}"], {**_arrays(stored.key, keys), "at": at})
    return TableChanges(len(added), len(changed), len(retired), len(after) - len(added) - len(changed))


def retire_lessons(cursor: Cursor[Any], school_classes: Sequence[str], at: datetime) -> int:
    """Retire the lessons to come of classes and return how many there were."""
    if not school_classes:
        return 0
    cursor.execute(QUERIES["retire_lessons_of_classes"], {"school_class": list(school_classes), "at": at})
    return cursor.rowcount


def _parts(stored: Stored, key: Any) -> tuple[Any, ...]:
    return (key,) if len(stored.key) == 1 else tuple(key)


def _arrays(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def _all(cursor: Cursor[Any], name: str) -> list[Any]:
    cursor.execute(QUERIES[name])
    return cursor.fetchall()
