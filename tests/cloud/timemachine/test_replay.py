"""Changes, played forward from the state of one moment, make the state of any later one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.db import connect
from cloud.overview.reading import LETTERS
from cloud.overview.schemas import DistrictState
from cloud.timemachine import reading, service
from cloud.timemachine.schemas import Changes, ChangeThen, InventoryChange
from tests.cloud.district import SmallDistrict, now
from tests.cloud.timemachine.past import inventory_kept, letters_noted, retired, returned

ROOM = "s01-c02"
"""The classroom that leaves and comes back."""
ROOTS = [None, ("link", "s01-wan"), ("provider", "Carrier")]
_things = st.sampled_from(
    [("link", "s01-wan"), ("link", "s02-wan"), ("gateway", "s01-gw"), ("classroom", ROOM), ("classroom", "s02-c01")]
)
_words = st.sampled_from(["up", "down", "unreachable", "unknown", "degraded", "flapping"])
_status = st.tuples(st.just("status"), _things, _words, st.sampled_from(ROOTS))
_acts = st.lists(
    st.tuples(
        st.integers(0, 3),  # seconds since the act before: several may happen at one moment
        st.one_of(_status, _status, st.tuples(st.just("presence")), st.tuples(st.just("room"))),
    ),
    min_size=1,
    max_size=14,
)


@dataclass
class Picture:
    """A district as somebody who only replays knows it."""

    things: dict[tuple[str, str], str] = field(default_factory=dict)
    existing: set[tuple[str, str]] = field(default_factory=set)
    terminals: dict[str, dict[str, str]] = field(default_factory=dict)
    agents: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, state: DistrictState) -> Picture:
        picture = cls()
        for kind, states in (("link", state.links), ("gateway", state.gateways), ("classroom", state.classrooms)):
            picture.things |= {(kind, key): letter for key, letter in zip(states.things, states.status, strict=True)}
        picture.existing = set(picture.things)
        for row in state.terminals:
            picture.agents.add(row.agent)
            picture.terminals[row.agent] = dict(zip(row.terminals, row.status, strict=True))
        return picture

    def play(self, changes: Changes) -> None:
        for row in changes.terminals:
            self.terminals[row.agent] = dict(zip(row.terminals, row.status, strict=True))
            self.agents.add(row.agent)
        # What came back is told with its status, so that both kinds of change are played in order of time.
        both: list[ChangeThen | InventoryChange] = [*changes.statuses, *changes.inventory]
        for one in sorted(both, key=lambda one: one.at):
            if isinstance(one, ChangeThen):
                self.things[one.kind.value, one.key] = LETTERS[one.status]
            else:
                self.enact(one)

    def enact(self, act: InventoryChange) -> None:
        kind = act.role or act.kind
        if kind not in ("link", "gateway", "classroom") or act.kind == "classroom":
            return  # a room is shown by its agent
        if act.change == "retired":
            self.existing.discard((kind, act.status_key))
            self.agents.discard(act.key)
            return
        self.existing.add((kind, act.status_key))
        self.agents.add(act.key)
        if act.status is not None:
            self.things[kind, act.status_key] = LETTERS[act.status]

    def shown(self) -> tuple[dict[tuple[str, str], str], dict[str, dict[str, str]]]:
        things = {thing: self.things.get(thing, "n") for thing in self.existing}
        return things, {agent: keys for agent, keys in self.terminals.items() if agent in self.agents and keys}


@pytest.fixture(scope="module")
def past(shared_database: str) -> Iterator[SmallDistrict]:
    """One district; every example begins with an empty past."""
    district = SmallDistrict(shared_database)
    yield district
    district.close()


async def happen(district: SmallDistrict, acts: list[tuple[int, tuple[object, ...]]], began: datetime) -> datetime:
    """Let the acts happen after a moment; return when the last one had."""
    district.execute("TRUNCATE status_log, status_current, inventory_history, terminal_letters, terminal_sets")
    for table in ("terminals", "agents", "classrooms"):
        district.execute(f"UPDATE {table} SET retired_at = NULL")
    district.execute("DELETE FROM terminal_current")
    inventory_kept(district, began)
    await letters_noted(district, began)
    at, gone, present = began, False, False
    for seconds, act in acts:
        match act:
            case ("status", (str(kind), str(key)), str(word), root):
                at += timedelta(seconds=seconds)
                district.logged(kind, key, word, at, root=root)  # type: ignore[arg-type]
            case ("presence",):
                at += timedelta(seconds=seconds)
                present = not present
                district.execute("DELETE FROM terminal_current")
                district.terminal(f"{ROOM}-t01", present=present)
            case _:
                at += timedelta(seconds=seconds + 1)  # two imports never have the same moment
                (returned if gone else retired)(district, ROOM, at)
                gone = not gone
        noted_at = at + timedelta(milliseconds=1)
        await letters_noted(district, noted_at)
        at = noted_at
    return at


@pytest.mark.db
def test_changes_played_forward_make_the_state_of_a_later_moment(past: SmallDistrict) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(acts=_acts, first=st.floats(0, 1), second=st.floats(0, 1))
    def replays(acts: list[tuple[int, tuple[object, ...]]], first: float, second: float) -> None:
        async def check() -> None:
            began = now() - timedelta(hours=1)
            ended = await happen(past, acts, began)
            since = began + min(first, second) * (ended - began)
            until = began + max(first, second) * (ended - began)
            async with await connect(past.dsn, name="test") as connection:
                picture = Picture.of(await reading.state(connection, since))
                picture.play(await service.changes(connection, since, until, limit=1_000, terminals=True))
                then = Picture.of(await reading.state(connection, until))
            assert picture.shown() == then.shown()

        asyncio.run(check())

    replays()
