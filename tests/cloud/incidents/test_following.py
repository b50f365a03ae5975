"""One incident per cause, whatever the log says in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cloud.incidents.following import AGAIN, ROOMS_OWN_WORD, apply, decide, overlooked
from cloud.incidents.models import (
    Attaches,
    Books,
    Detaches,
    IncidentKind,
    LoggedChange,
    Merges,
    Opens,
    Reclassifies,
    Reopens,
    Resolves,
)
from cloud.status.models import StatusKind, StatusWord, Thing

START = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
LINE = Thing(StatusKind.LINK, "s01-wan")
GATEWAY = Thing(StatusKind.GATEWAY, "s01-gw")
ROOM = Thing(StatusKind.CLASSROOM, "s01-c01")
SWITCH = Thing(StatusKind.DEVICE, "s01-sw01")


class Follower:
    """Follows a log that the test writes."""

    def __init__(self) -> None:
        self.books = Books()
        self.numbers = 0

    def say(self, thing: Thing, word: str, minute: float = 0, root: Thing | None = None, reason: str = "test") -> list:
        previous = StatusWord.UP
        at = START + timedelta(minutes=minute)
        change = LoggedChange(1, thing, previous, StatusWord(word), at, reason, {}, root)
        return self.carry_out(decide(self.books, change))

    def carry_out(self, actions: list) -> list:
        for action in actions:
            number = getattr(action, "incident_id", 0)
            if isinstance(action, Opens):
                self.numbers += 1
                number = self.numbers
            apply(self.books, action, number)
        return [type(action) for action in actions]


def test_a_dead_line_is_one_incident_and_everything_behind_it_belongs_to_it() -> None:
    log = Follower()
    assert log.say(LINE, "down") == [Opens]
    assert log.say(GATEWAY, "unreachable", 1, LINE) == [Attaches]
    assert log.say(ROOM, "unreachable", 1, LINE) == [Attaches]
    assert set(log.books.open) == {LINE}
    assert set(log.books.open[LINE].members) == {GATEWAY, ROOM}
    assert log.say(LINE, "up", 9) == [Resolves]
    assert log.say(GATEWAY, "up", 10) == []


def test_a_cause_that_lies_behind_another_is_merged_into_it() -> None:
    log = Follower()
    log.say(GATEWAY, "down")
    log.say(ROOM, "unreachable", 1, GATEWAY)
    assert log.say(LINE, "down", 2) == [Opens]
    assert log.say(GATEWAY, "unreachable", 2, LINE) == [Merges, Attaches]
    assert log.say(ROOM, "unreachable", 2, LINE) == [Attaches]
    assert set(log.books.open[LINE].members) == {GATEWAY, ROOM}


def test_a_room_that_is_really_dead_gets_its_own_incident_once_the_line_is_back() -> None:
    log = Follower()
    log.say(LINE, "down")
    log.say(ROOM, "unreachable", 1, LINE)
    log.say(LINE, "up", 5)
    assert log.say(ROOM, "down", 7, reason="heartbeat_late") == [Opens]
    assert set(log.books.open) == {ROOM}


def test_the_same_trouble_soon_after_is_the_same_incident() -> None:
    log = Follower()
    log.say(LINE, "down", 0)
    log.say(LINE, "up", 5)
    assert log.say(LINE, "down", 5 + AGAIN / timedelta(minutes=1)) == [Reopens]
    log.say(LINE, "up", 20)
    assert log.say(LINE, "down", 31) == [Opens]


def test_a_blind_spot_that_becomes_an_outage_stays_one_incident() -> None:
    log = Follower()
    log.say(GATEWAY, "unknown", reason="agent_dead")
    assert log.books.open[GATEWAY].kind is IncidentKind.BLIND_SPOT
    assert log.say(GATEWAY, "down", 3) == [Reclassifies]
    assert log.books.open[GATEWAY].kind is IncidentKind.OUTAGE
    assert log.say(GATEWAY, "down", 4) == []


def test_planned_work_opens_nothing_and_ends_what_is_open() -> None:
    log = Follower()
    assert log.say(LINE, "maintenance") == []
    assert log.say(GATEWAY, "unreachable", 1, LINE) == []
    log.say(SWITCH, "down", 2)
    assert log.say(SWITCH, "maintenance", 3) == [Resolves]


def test_a_room_switched_off_is_no_incident_until_a_lesson_is_near() -> None:
    log = Follower()
    assert log.say(ROOM, "down", reason=ROOMS_OWN_WORD) == []
    standing = [LoggedChange(0, ROOM, None, StatusWord.DOWN, START, ROOMS_OWN_WORD, {}, None)]
    assert overlooked(log.books, standing, set()) == []
    assert log.carry_out(overlooked(log.books, standing, {ROOM})) == [Opens]
    assert overlooked(log.books, standing, {ROOM}) == []


def test_what_was_in_trouble_before_incidents_were_followed_gets_one_with_what_is_behind_it() -> None:
    log = Follower()
    standing = [
        LoggedChange(0, GATEWAY, None, StatusWord.UNREACHABLE, START, "behind_link_down", {}, LINE),
        LoggedChange(0, LINE, None, StatusWord.DOWN, START, "line_cut", {}, None),
    ]
    assert log.carry_out(overlooked(log.books, standing, set())) == [Opens, Attaches]
    assert set(log.books.open[LINE].members) == {GATEWAY}


def test_another_root_takes_a_thing_over() -> None:
    log = Follower()
    log.say(LINE, "down")
    log.say(SWITCH, "down", 1)
    log.say(ROOM, "unreachable", 2, LINE)
    assert log.say(ROOM, "unreachable", 3, SWITCH) == [Detaches, Attaches]
    assert log.books.of_member(ROOM) is log.books.open[SWITCH]


THINGS = [LINE, GATEWAY, ROOM, SWITCH]
steps = st.lists(
    st.tuples(
        st.sampled_from(THINGS),
        st.sampled_from(["up", "degraded", "down", "unreachable", "unknown", "maintenance", "flapping"]),
        st.sampled_from([None, *THINGS]),
    ),
    max_size=40,
)


@given(steps)
def test_a_thing_is_never_a_cause_and_explained_by_another_at_once(told) -> None:
    log = Follower()
    for minute, (thing, word, root) in enumerate(told):
        log.say(thing, word, minute, root)
        explained = [member for one in log.books.open.values() for member in one.members]
        assert len(explained) == len(set(explained))
        assert not set(explained) & set(log.books.open)


@given(steps)
def test_when_everything_is_well_again_no_incident_is_open(told) -> None:
    log = Follower()
    for minute, (thing, word, root) in enumerate(told):
        log.say(thing, word, minute, root)
    for thing in THINGS:
        log.say(thing, "up", 60)
    assert log.books.open == {}


@given(steps)
def test_no_incident_is_open_whose_root_is_well(told) -> None:
    log = Follower()
    now_is: dict[Thing, str] = {}
    for minute, (thing, word, root) in enumerate(told):
        log.say(thing, word, minute, root)
        now_is[thing] = word
        assert all(now_is[root] not in ("up", "maintenance") for root in log.books.open)
