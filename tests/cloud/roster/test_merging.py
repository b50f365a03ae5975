"""Whatever a district sends: the second time changes nothing, and a delta comes to the same as the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cloud.roster.merging import Merge
from cloud.roster.models import Kept, Places, State
from cloud.roster.oneroster import TABLE, Export, Mode
from cloud.sheets.models import Sheet

PLACES = Places(
    schools=frozenset({"s01"}),
    classrooms={"s01-c01": "s01"},
    classroom_names={},
    terminals={f"t{number}": "s01" for number in range(6)},
)
KINDS = ("student", "teacher", "principal")


@dataclass(frozen=True)
class District:
    """What a district might hold: titles of classes, kinds and names of users, who is in which class."""

    classes: Mapping[str, str]
    users: Mapping[str, tuple[str, str]]
    enrolments: frozenset[tuple[str, str]]

    def rows(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return the rows of every file by id."""
        return {
            "orgs": {"o1": {"type": "school", "identifier": "s01", "name": "第一小学"}},
            "classes": {
                key: {
                    "title": title, "grades": "", "courseSourcedId": "k", "classCode": f"s01-{key}",
                    "classType": "homeroom", "location": "s01-c01", "schoolSourcedId": "o1", "termSourcedIds": "",
                    "metadata.titleEn": "",
                }
                for key, title in self.classes.items()
            },
            "users": {
                key: {"enabledUser": "true", "givenName": name, "familyName": "学生"}
                for key, (_, name) in self.users.items()
            },
            "roles": {
                f"r{key}": {"userSourcedId": key, "roleType": "primary", "role": kind, "orgSourcedId": "o1"}
                for key, (kind, _) in self.users.items()
            },
            "enrollments": {
                f"{school_class}-{user}": {
                    "classSourcedId": school_class, "schoolSourcedId": "o1", "userSourcedId": user, "role": "student"
                }
                for school_class, user in self.enrolments
            },
        }  # fmt: skip


@st.composite
def districts(draw: st.DrawFn) -> District:
    classes = draw(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["一班", "二班"])))
    users = draw(
        st.dictionaries(
            st.sampled_from([f"u{number}" for number in range(5)]),
            st.tuples(st.sampled_from(KINDS), st.sampled_from(["甲", "乙"])),
        )
    )
    pairs = [(school_class, user) for school_class in sorted(classes) for user in sorted(users)]
    enrolments = draw(st.frozensets(st.sampled_from(pairs))) if pairs else frozenset()
    return District(classes, users, enrolments)


def export(mode: Mode, rows: Mapping[str, Mapping[str, Mapping[str, Any]]], status: str | None = None) -> Export:
    made = Export()
    for name, of_id in rows.items():
        table = TABLE[name]
        made.modes[name] = mode
        made.sheets[name] = Sheet(
            table,
            [
                tuple({"sourcedId": key, "status": status, **row}.get(column) for column in table.column_names)
                for key, row in of_id.items()
            ],
            list(range(2, len(of_id) + 2)),
        )
    return made


def changes(before: District, after: District) -> Export:
    """Return the delta between two districts."""
    old, new = before.rows(), after.rows()
    active = {name: {key: row for key, row in new[name].items() if old[name].get(key) != row} for name in new}
    gone = {name: {key: row for key, row in old[name].items() if key not in new[name]} for name in old}
    made, deleted = export(Mode.DELTA, active, "active"), export(Mode.DELTA, gone, "tobedeleted")
    for name, sheet in made.sheets.items():
        sheet.rows += deleted.sheets[name].rows
        sheet.lines += [line + len(sheet.lines) for line in deleted.sheets[name].lines]
    return made


def merged(before: State, sent: Export) -> State:
    merge = Merge(before, PLACES, sent)
    merge.run()
    assert merge.problems == []
    after = merge.target
    for name in ("terms", "people", "classes", "enrolments", "holders"):
        was: Kept[Any, Any] = getattr(before, name)
        kept: Kept[Any, Any] = getattr(after, name)
        kept.retired = {key: row for key, row in (was.retired | was.active).items() if key not in kept.active}
    return after


@given(districts())
def test_the_second_time_changes_nothing(district: District) -> None:
    once = merged(State(), export(Mode.BULK, district.rows()))
    assert merged(once, export(Mode.BULK, district.rows())) == once
    assert len(once.enrolments.active) == len(district.enrolments)


@given(districts(), districts())
def test_a_delta_comes_to_the_same_as_the_whole(before: District, after: District) -> None:
    state = merged(State(), export(Mode.BULK, before.rows()))
    whole, delta = merged(state, export(Mode.BULK, after.rows())), merged(state, changes(before, after))
    assert set(delta.people.active) == set(whole.people.active) == set(after.users)
    assert delta.classes.active.keys() == whole.classes.active.keys()
    for source in before.users.keys() & after.users.keys():
        assert delta.people.active[source] == whole.people.active[source]
        assert delta.people.active[source].person == state.people.active[source].person
    assert len(delta.enrolments.active) == len(whole.enrolments.active) == len(after.enrolments)


@given(districts(), districts())
def test_who_comes_back_has_the_reference_of_before(before: District, between: District) -> None:
    first = merged(State(), export(Mode.BULK, before.rows()))
    again = merged(merged(first, export(Mode.BULK, between.rows())), export(Mode.BULK, before.rows()))
    assert again.people.active == first.people.active
    assert again.classes.active == first.classes.active
    assert again.enrolments.active == first.enrolments.active
