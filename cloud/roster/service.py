"""Imports a roster: everything or nothing, the second time without effect.

The files are read and checked against what the centre knows, then one transaction compares every table with them.
People and classes keep their keys for ever: `person` is random and made at the first import, so nothing that leaves
`people` can be led back to anybody. A bulk file that lacks a large share of what exists is refused unless asked for.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import structlog
from psycopg.rows import dict_row

from cloud.db import Queries, require_schema
from cloud.errors import DatabaseUnavailable
from cloud.inventory.models import ImportReport, TableChanges
from cloud.inventory.service import InventoryShrinks
from cloud.roster.merging import Key, Target, Values, merge
from cloud.roster.models import Content, Known
from cloud.roster.oneroster import read
from cloud.roster.tabular import Files
from protocols.records import REFERENCE_PATTERN

QUERIES = Queries(Path(__file__).with_name("queries.sql"))

_TERMS = Target("terms", ("term",), ("source_id", "title", "begins_on", "ends_on"), ("text",) * 3 + ("date",) * 2)
_PEOPLE = Target("people", ("person",), ("kind", "source_id", "name", "birth_date"), ("text",) * 4 + ("date",))
_CLASSES = Target(
    "classes",
    ("school_class",),
    ("source_id", "school", "title", "title_en", "grade", "classroom", "term"),
    ("text",) * 8,
)
_ENROLMENTS = Target(
    "enrolments",
    ("school_class", "person", "role"),
    ("begins_on", "ends_on", "number", "seat_row", "seat_column"),
    ("text",) * 3 + ("date",) * 2 + ("int4",) * 3,
)
_HOLDERS = Target("terminal_holders", ("terminal",), ("person",), ("text", "text"))

_log = structlog.get_logger(__name__)
Rows = dict[str, dict[str, Any]]


def import_roster(dsn: str, source: Path, *, dry_run: bool = False, retire: bool = False) -> ImportReport:
    """Import a OneRoster zip or folder and return what changed.

    Raises:
        RosterProblems: nothing was imported; every problem is in it.
        InventoryShrinks: nothing was imported; a large share would be retired, and `retire` was not given.
        DatabaseUnavailable, MigrationError: nothing was imported.
    """
    files = Files(source).open()
    require_schema(dsn)
    try:
        with psycopg.connect(dsn, connect_timeout=10) as connection, connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(QUERIES["lock"])
            content = read(files, known(cursor))
            report = ImportReport(str(source), dry_run, _Import(cursor, content).run())
            if report.shrinking and not retire:
                raise InventoryShrinks(report)
            cursor.execute(QUERIES["tell_desired"])
            if dry_run:
                connection.rollback()
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(str(error).strip()) from error
    total = report.total
    _log.info("roster_imported", dry_run=dry_run, added=total.added, changed=total.changed, retired=total.retired)
    return report


def known(cursor: psycopg.Cursor[Any]) -> Known:
    """Return what the files may refer to."""
    cursor.execute(QUERIES["known"])
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for row in cursor.fetchall():
        found.setdefault(row["what"], {})[row["key"]] = (row["of"], row["name"])
    classes = found.get("class", {})
    return Known(
        schools=frozenset(found.get("school", {})),
        classrooms={key: school for key, (school, _) in found.get("classroom", {}).items()},
        terminals={key: school for key, (school, _) in found.get("terminal", {}).items()},
        terms=frozenset(found.get("term", {})),
        classes={key: school for key, (school, _) in classes.items()},
        class_keys={name: key for key, (_, name) in classes.items()},
        people=frozenset(found.get("person", {})),
    )


@dataclass(slots=True)
class _Import:
    """One import under way."""

    cursor: psycopg.Cursor[Any]
    content: Content

    def run(self) -> dict[str, TableChanges]:
        at = datetime.now(UTC)
        content = self.content
        before: dict[str, Rows] = {name: self._before(name) for name in ("terms", "people", "classes")}
        terms = {key: row["term"] for key, row in before["terms"].items()}
        terms |= {one: _reference(one, "t") for one in content.terms if one not in terms}
        people = {key: row["person"] for key, row in before["people"].items()}
        people |= {one: f"p{secrets.token_hex(10)}" for one in content.people if one not in people}
        classes = {key: row["school_class"] for key, row in before["classes"].items()}
        for source_id, one in content.classes.items():
            if source_id not in classes:
                classes[source_id] = one.key or f"{one.school}-{secrets.token_hex(4)}"
        changes = {
            "terms": self._merge(
                _TERMS, before["terms"], "terms", terms,
                {terms[one.source_id]: (one.source_id, one.title, one.begins_on, one.ends_on)
                 for one in content.terms.values()}, at,
            ),
            "people": self._merge(
                _PEOPLE, before["people"], "people", people,
                {people[one.source_id]: (one.kind, one.source_id, one.name, one.birth_date)
                 for one in content.people.values()}, at,
            ),
            "classes": self._merge(
                _CLASSES, before["classes"], "classes", classes,
                {classes[one.source_id]: (
                    one.source_id, one.school, one.title, one.title_en, one.grade, one.classroom,
                    None if one.term is None else terms[one.term],
                ) for one in content.classes.values()}, at,
            ),
        }  # fmt: skip
        changes["enrolments"] = self._merge_enrolments(classes, people, at)
        if content.seats is not None:
            changes["terminal_holders"] = self._merge_holders(people, at)
        return changes

    def _before(self, name: str) -> Rows:
        self.cursor.execute(QUERIES[name])
        return {row["source_id"]: row for row in self.cursor.fetchall()}

    def _merge(
        self, target: Target, rows: Rows, table: str, keys: Mapping[str, str], wanted: dict[str, Values], at: datetime
    ) -> TableChanges:
        before = {(row[target.key[0]],): (_values(row, target), row["retired"]) for row in rows.values()}
        leaving = {keys[one] for one in self.content.leaving.get(table, ()) if one in keys}
        if self.content.modes.get(table) == "bulk":
            leaving |= {key for source_id, key in keys.items() if source_id in rows and key not in wanted}
        return merge(
            self.cursor, target, before, {(key,): values for key, values in wanted.items()},
            [(key,) for key in sorted(leaving)], at,
        )  # fmt: skip

    def _merge_enrolments(self, classes: Mapping[str, str], people: Mapping[str, str], at: datetime) -> TableChanges:
        content = self.content
        self.cursor.execute(QUERIES["enrolments"])
        before: dict[Key, tuple[Values, bool]] = {
            (row["school_class"], row["person"], row["role"]): (_values(row, _ENROLMENTS), row["retired"])
            for row in self.cursor.fetchall()
        }
        wanted: dict[Key, Values] = {}
        for one in content.enrolments.values():
            key = (classes[one.school_class], people[one.person], one.role)
            wanted[key] = (one.begins_on, one.ends_on, *before.get(key, ((None,) * 5, False))[0][2:])
        if content.modes.get("enrolments") == "bulk":
            leaving = [key for key, (_, retired) in before.items() if key not in wanted and not retired]
        else:
            leaving = [(classes[c], people[p], role) for c, p, role in content.leaving_enrolments]
        for seat in (content.seats or {}).values():
            key = (classes[seat.school_class], people[seat.person], "pupil")
            held = wanted.get(key) or (before[key][0] if key in before and not before[key][1] else None)
            if held is not None and key not in leaving:
                wanted[key] = (*held[:2], seat.number, seat.row, seat.column)
        return merge(self.cursor, _ENROLMENTS, before, wanted, leaving, at)

    def _merge_holders(self, people: Mapping[str, str], at: datetime) -> TableChanges:
        self.cursor.execute(QUERIES["holders"])
        before: dict[Key, tuple[Values, bool]] = {
            (row["terminal"],): ((row["person"],), row["retired"]) for row in self.cursor.fetchall()
        }
        seats = (self.content.seats or {}).values()
        wanted: dict[Key, Values] = {
            (seat.terminal,): (people[seat.person],) for seat in seats if seat.terminal is not None
        }
        return merge(self.cursor, _HOLDERS, before, wanted, [key for key in before if key not in wanted], at)


def _values(row: Mapping[str, Any], target: Target) -> Values:
    return tuple(row[name] for name in target.columns)


def _reference(source_id: str, letter: str) -> str:
    return source_id if re.fullmatch(REFERENCE_PATTERN, source_id) else f"{letter}{secrets.token_hex(6)}"
